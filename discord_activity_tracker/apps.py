"""Registers the Discord tracker with core."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from core.search.documents import DocumentSource
from core.trackers import EarlierText, Gap, Line, PostDetails, ThreadHead, TrackerConfig
from discord_activity_tracker.tokens import bot_tokens

if TYPE_CHECKING:  # models cannot be imported while apps are loaded
    from core.models import Activity
    from core.operations.markdown import Markup


class DiscordTrackerConfig(TrackerConfig):
    """Guilds, channels, threads and messages."""

    name = "discord_activity_tracker"
    verbose_name = "Discord"
    source_system = "discord"
    collect_command = "collect_discord"
    setting_names = (
        "DISCORD_API_BASE", "DISCORD_GUILDS", "DISCORD_RESCAN_DAYS", "DISCORD_REQUESTS_PER_SECOND",
    )  # fmt: skip
    secret_settings = ("DISCORD_BOT_TOKEN", "DISCORD_BOT_TOKENS")
    type_names = {"discord.default": "message", "discord.channel_pinned_message": "pin", "discord.user_join": "join"}

    def is_set_up(self) -> bool:
        """Whether there is a bot."""
        return bool(bot_tokens())

    def document_source(self) -> DocumentSource:
        """Conversations."""
        from discord_activity_tracker.documents import DiscordDocuments

        return DiscordDocuments()

    def watched_scopes(self) -> Collection[str]:
        """The channels that can be read, of the guilds that are collected."""
        from discord_activity_tracker.store.coverage import watched_scopes

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
        """Bots whose token is refused, and channels that no bot sees, or not fully."""
        from discord_activity_tracker.store.coverage import gaps

        return gaps(most)

    def heads(self, threads: Sequence[str]) -> Mapping[str, ThreadHead]:
        """Names of threads; first words and channels of conversations."""
        from discord_activity_tracker.documents import heads

        return heads(threads)

    def lines(self, activities: "Sequence[Activity]") -> Mapping[str, Line]:
        """Messages in words."""
        from discord_activity_tracker.documents import lines

        return lines(activities)

    def details(self, external_ids: Sequence[str]) -> Mapping[str, PostDetails]:
        """Reactions, what is answered, files, previews, polls."""
        from discord_activity_tracker.documents import details

        return details(external_ids)

    def markup(self, texts: Sequence[str], scope: str) -> "Markup":
        """Discord's Markdown, with names for mentions."""
        from discord_activity_tracker.documents import markup

        del scope
        return markup(texts)

    def bots(self) -> Collection[str]:
        """Bots, webhooks and Discord itself."""
        from discord_activity_tracker.models import Account

        return {str(pk) for pk in Account.objects.exclude(kind=Account.Kind.USER).values_list("pk", flat=True)}

    def unreadable_scopes(self) -> Collection[str]:
        """Channels of collected servers in which the bot may read nothing."""
        from discord_activity_tracker.store.coverage import unreadable_scopes

        return unreadable_scopes()
