"""Registers the Discord tracker with core."""

from collections.abc import Collection, Mapping, Sequence

from django.conf import settings

from core.search.documents import DocumentSource
from core.trackers import EarlierText, Gap, TrackerConfig


class DiscordTrackerConfig(TrackerConfig):
    """Guilds, channels, threads and messages."""

    name = "discord_activity_tracker"
    verbose_name = "Discord"
    source_system = "discord"
    collect_command = "collect_discord"

    def is_set_up(self) -> bool:
        """Whether there is a bot."""
        return bool(settings.DISCORD_BOT_TOKEN)

    def document_source(self) -> DocumentSource:
        """Conversations."""
        from discord_activity_tracker.documents import DiscordDocuments

        return DiscordDocuments()

    def watched_scopes(self) -> Collection[str]:
        """The channels that can be read, of the guilds that are collected."""
        from discord_activity_tracker.store.watched import watched_scopes

        return watched_scopes()

    def configured_names(self) -> Collection[str]:
        """Return the ids in DISCORD_GUILDS; a server that was collected once is reported by its name."""
        from django.conf import settings

        return list(settings.DISCORD_GUILDS)

    def bodies(self, external_ids: Sequence[str]) -> Mapping[str, str]:
        """Contents of messages."""
        from discord_activity_tracker.documents import bodies

        return bodies(external_ids)

    def revisions(self, external_ids: Sequence[str]) -> Mapping[str, Sequence[EarlierText]]:
        """Earlier contents of messages."""
        from discord_activity_tracker.documents import revisions

        return revisions(external_ids)

    def gaps(self, most: int) -> Sequence[Gap]:
        """Channels that the bot does not see, or not fully."""
        from discord_activity_tracker.store.watched import gaps

        return gaps(most)
