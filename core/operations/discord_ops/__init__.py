"""A client of Discord's REST API for bots. The gateway and user tokens are not used."""

from core.operations.discord_ops.answers import TokenRefused
from core.operations.discord_ops.background import Background, Gathering
from core.operations.discord_ops.client import DiscordClient, DiscordRefused, NotThere, RequestBlocked, open_client
from core.operations.discord_ops.limits import RequestBudget

__all__ = [
    "Background",
    "DiscordClient",
    "DiscordRefused",
    "Gathering",
    "NotThere",
    "RequestBlocked",
    "RequestBudget",
    "TokenRefused",
    "open_client",
]
