"""A sample guild and a small local server that answers for it as Discord's REST API does.

Everything in here is fictional. Only the standard library is used, so that
``python -m samples.discord.server --port 0`` runs on its own.
"""

from samples.discord.guild import SampleGuild
from samples.discord.server import SampleDiscord

__all__ = ["SampleDiscord", "SampleGuild"]
