"""Register the Discord tracker with core."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from core.search.documents import DocumentSource
from core.search.query.references import Reference, ReferencedDocument, ReferencePattern
from core.trackers import ActivityTexts, EarlierText, Gap, Line, PostDetails, ThreadHead, TrackerConfig
from discord_activity_tracker.protocol_impl import COMMON_TYPES
from discord_activity_tracker.tokens import bot_tokens

if TYPE_CHECKING:  # models cannot be imported while the apps are loading
    from typing import Any

    from django.contrib.postgres.search import SearchQuery
    from django.db.models import QuerySet

    from core.models import Activity
    from core.operations.markdown import Markup


class DiscordTrackerConfig(TrackerConfig):
    """The tracker of Discord's guilds, channels, threads and messages."""

    name = "discord_activity_tracker"
    verbose_name = "Discord"
    source_system = "discord"
    collect_command = "collect_discord"
    setting_names = (
        "DISCORD_API_BASE", "DISCORD_GUILDS", "DISCORD_RESCAN_DAYS", "DISCORD_REQUESTS_PER_SECOND",
    )  # fmt: skip
    secret_settings = ("DISCORD_BOT_TOKEN", "DISCORD_BOT_TOKENS")
    common_types = COMMON_TYPES
    type_names = {
        "discord.default": "message", "discord.channel_pinned_message": "pin", "discord.user_join": "join",
        "discord.recipient_add": "person added", "discord.recipient_remove": "person removed",
        "discord.channel_name_change": "new channel name", "discord.channel_icon_change": "new channel picture",
        "discord.channel_follow_add": "channel followed", "discord.guild_boost": "boost",
        "discord.guild_boost_tier_1": "boost to level 1", "discord.guild_boost_tier_2": "boost to level 2",
        "discord.guild_boost_tier_3": "boost to level 3", "discord.thread_created": "thread started",
        "discord.chat_input_command": "slash command", "discord.context_menu_command": "menu command",
        "discord.thread_starter_message": "first message of a thread",
        "discord.auto_moderation_action": "moderation alert", "discord.guild_invite_reminder": "invite reminder",
        "discord.interaction_premium_upsell": "subscription offer",
        "discord.guild_application_premium_subscription": "app subscription",
        "discord.guild_discovery_disqualified": "removed from discovery",
        "discord.guild_discovery_requalified": "back in discovery",
        "discord.guild_discovery_grace_period_initial_warning": "first warning about discovery",
        "discord.guild_discovery_grace_period_final_warning": "last warning about discovery",
        "discord.guild_incident_alert_mode_enabled": "security restrictions on",
        "discord.guild_incident_alert_mode_disabled": "security restrictions off",
        "discord.guild_incident_report_raid": "raid report",
        "discord.guild_incident_report_false_alarm": "false alarm about a raid",
    }  # fmt: skip

    def is_set_up(self) -> bool:
        """Return whether a bot token is set."""
        return bool(bot_tokens())

    def document_source(self) -> DocumentSource:
        """Return the source of the tracker's search documents. Each document is a conversation."""
        from discord_activity_tracker.documents.source import DiscordDocuments

        return DiscordDocuments()

    def watched_scopes(self) -> Collection[str]:
        """Return the external ids of channels in the collected guilds in which the bot can read messages or threads."""
        from discord_activity_tracker.store.coverage import watched_scopes

        return watched_scopes()

    def configured_names(self) -> Collection[str]:
        """Return the ids in DISCORD_GUILDS. After a server has been collected, reports show its name instead."""
        from django.conf import settings

        return list(settings.DISCORD_GUILDS)

    def bodies(self, external_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the contents of messages by external id."""
        from discord_activity_tracker.documents.posts import bodies

        return bodies(external_ids)

    def activity_texts(self, activities: "Sequence[Activity]") -> Mapping[str, ActivityTexts]:
        """Return authors, URLs and summaries of messages by external id."""
        from discord_activity_tracker.documents.timeline import activity_texts

        return activity_texts(activities)

    def account_names(self, accounts: Sequence[str]) -> Mapping[str, str]:
        """Return the display names of accounts by id."""
        from discord_activity_tracker.documents.timeline import account_names

        return account_names(accounts)

    def accounts_named(self, name: str) -> Collection[str]:
        """Return the ids of the accounts and of the webhook with this name."""
        from discord_activity_tracker.documents.timeline import accounts_named

        return accounts_named(name)

    def numbers_with_words(self, query: "SearchQuery") -> "QuerySet[Any]":
        """Return a query for the ids of the messages with these words in the beginning of their content."""
        from discord_activity_tracker.documents.timeline import messages_with_words

        return messages_with_words(query)

    def revisions(self, external_ids: Sequence[str]) -> Mapping[str, Sequence[EarlierText]]:
        """Return earlier contents of messages by external id."""
        from discord_activity_tracker.documents.posts import revisions

        return revisions(external_ids)

    def gaps(self, most: int) -> Sequence[Gap]:
        """Return at most ``most`` gaps: unusable bots, and channels that the bot cannot read completely."""
        from discord_activity_tracker.store.coverage import gaps

        return gaps(most)

    def heads(self, threads: Sequence[str]) -> Mapping[str, ThreadHead]:
        """Return the headings of conversations by external id, each with the title, the channel and the state."""
        from discord_activity_tracker.documents.heads import heads

        return heads(threads)

    def lines(self, activities: "Sequence[Activity]") -> Mapping[str, Line]:
        """Return messages as sentences by external id."""
        from discord_activity_tracker.documents.posts import lines

        return lines(activities)

    def details(self, external_ids: Sequence[str]) -> Mapping[str, PostDetails]:
        """Return reactions, quoted messages, files, previews and polls by external id."""
        from discord_activity_tracker.documents.posts import details

        return details(external_ids)

    def markup(self, texts: Sequence[str], scope: str) -> "Markup":
        """Return Discord's Markdown flavour, with a name for each mention in the texts."""
        from discord_activity_tracker.documents.markup import markup

        del scope
        return markup(texts)

    def reference_patterns(self) -> Sequence[ReferencePattern]:
        """Return the patterns of the ids of messages and channels."""
        from discord_activity_tracker.documents.references import PATTERNS

        return PATTERNS

    def find_references(self, references: Sequence[Reference]) -> Mapping[Reference, Sequence[ReferencedDocument]]:
        """Return the documents of ids and links of messages and channels, and of people."""
        from discord_activity_tracker.documents.references import find_references

        return find_references(references)

    def bots(self) -> Collection[str]:
        """Return the ids of the accounts of bots, webhooks and Discord itself."""
        from discord_activity_tracker.models import Account

        return {str(pk) for pk in Account.objects.exclude(kind=Account.Kind.USER).values_list("pk", flat=True)}

    def unreadable_scopes(self) -> Collection[str]:
        """Return the external ids of channels in the collected guilds in which the bot cannot read anything."""
        from discord_activity_tracker.store.coverage import unreadable_scopes

        return unreadable_scopes()
