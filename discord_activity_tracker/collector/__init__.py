"""The collector: for each guild a look at what there is, then news, pins, what was edited or deleted, who reacted."""

from discord_activity_tracker.collector.collector import DiscordCollector
from discord_activity_tracker.collector.options import CollectOptions

__all__ = ["CollectOptions", "DiscordCollector"]
