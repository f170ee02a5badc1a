"""The admin of what is kept of Discord. Only which guilds are collected can be changed."""

from discord_activity_tracker.admin import people, places, talk

__all__ = ["people", "places", "talk"]
