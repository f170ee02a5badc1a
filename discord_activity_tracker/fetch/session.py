"""A logged-in bot and the thread in which it asks."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from django.conf import settings

from core.errors import ConfigurationError
from core.operations.discord_ops import Background, DiscordClient, DiscordRefused, Gathering, NotThere, open_client

__all__ = ["Client", "DiscordRefused", "Gathering", "NotThere", "Session"]

Value = TypeVar("Value")
Client = DiscordClient
WIDTH = 16
"""Containers that are read at once."""
NO_CONTENTS = (
    "Discord does not show this bot what messages say. Switch on Message Content Intent in the developer portal (Bot, "
    "Privileged Gateway Intents), then run again; nothing was touched."
)


class Session:
    """Use as a context manager; ``client`` is there after ``open()``."""

    client: DiscordClient

    def __init__(self) -> None:
        self.background = Background()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.background.cancel()
        if hasattr(self, "client"):
            self.background.run(self.client.close())
        self.background.close()

    def open(self, *, max_requests: int | None, max_seconds: float | None) -> None:
        """Log in. Raises ReplaceToken, and ConfigurationError when contents would come empty."""
        self.client = self.background.run(
            open_client(
                settings.DISCORD_BOT_TOKEN,
                settings.DISCORD_API_BASE,
                width=WIDTH,
                max_requests=max_requests,
                max_seconds=max_seconds,
                per_second=settings.DISCORD_REQUESTS_PER_SECOND,
            )
        )
        if not self.client.sees_contents:
            raise ConfigurationError(NO_CONTENTS)

    def run(self, work: Coroutine[Any, Any, Value]) -> Value:
        """Ask, and wait for the answer."""
        return self.background.run(work)
