"""The admin pages of the Discord tracker. Only the choice of guilds to collect can be changed."""

from discord_activity_tracker.admin import guilds, messages, people

__all__ = ["guilds", "messages", "people"]
