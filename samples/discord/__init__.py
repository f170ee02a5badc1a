"""A sample guild, and a small local server that imitates Discord's REST API with the data of this guild.

All data is fictional. The server needs only the standard library. ``python -m samples.discord.server --port 0`` starts
it without the rest of the project.
"""

from samples.discord.guild import SampleGuild
from samples.discord.server import SampleDiscord

__all__ = ["SampleDiscord", "SampleGuild"]
