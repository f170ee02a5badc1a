"""Determine which channels runs are expected to keep up to date, and which data runs cannot read."""

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from core.trackers import Gap
from discord_activity_tracker.models import Channel, Guild
from discord_activity_tracker.store.checkpoints import known_bots, recent_bots
from discord_activity_tracker.tokens import bot_tokens, token_digest

RECENT = timedelta(days=7)
"""Period after a run during which a process without tokens, such as a web server, reports the bots of that run.

With a larger value, bots that were removed from the settings would be reported for longer.
"""


def collected_guilds() -> set[int]:
    """Return the ids of the guilds in DISCORD_GUILDS and of the guilds that are enabled in the admin."""
    named = {int(name) for name in settings.DISCORD_GUILDS if name.isascii() and name.isdigit()}
    return named | set(Guild.objects.filter(enabled=True).values_list("pk", flat=True))


def watched_scopes() -> set[str]:
    """Return the external ids of channels in which the bot can read messages or a thread.

    A channel that the bot cannot read is reported as a gap, not as out of date. A forum without posts is left out,
    because it contains no messages.
    """
    readable = _channels().filter(access=Channel.Access.OK).order_by()
    channels = readable.filter(is_thread=False).values_list("guild_id", "pk")
    parents = readable.filter(is_thread=True).values_list("guild_id", "parent_id")
    return {f"{guild}/{channel}" for guild, channel in channels.union(parents)}


def unreadable_scopes() -> set[str]:
    """Return the external ids of channels in which the bot can read neither messages nor threads."""
    hidden = (Channel.Access.NO_VIEW, Channel.Access.NO_HISTORY, Channel.Access.NO_CONNECT)
    rows = _channels().filter(access__in=hidden, is_thread=False).order_by().values_list("guild_id", "pk")
    closed = {f"{guild}/{channel}" for guild, channel in rows}
    return closed - watched_scopes() if closed else closed


def gaps(most: int) -> Sequence[Gap]:
    """Return up to ``most`` gaps.

    Unusable bots come first, followed by channels that the last run could not read completely.
    """
    return [*_bot_gaps(), *_channel_gaps(most)][:most]


def _bot_gaps() -> Sequence[Gap]:
    """Return a gap for each bot that the last run could not use, with the bot's name and the end of its token.

    In a process without tokens, such as a web server, the bots come from the runs within ``RECENT``.
    """
    digests = [token_digest(token) for token in bot_tokens()]
    bots = known_bots(digests) if digests else recent_bots(timezone.now() - RECENT)
    return [
        Gap(
            scope=f"bot {bot.name} ({bot.masked})" if bot.name else f"bot {bot.masked}",
            missing="every server that only this bot is in",
            what_to_do=bot.problem,
        )
        for bot in bots.values()
        if bot.problem
    ]


def _channel_gaps(most: int) -> Sequence[Gap]:
    rows = Channel.objects.filter(deleted_at=None).exclude(gap="").order_by("guild__name", "position", "name", "pk")
    return [
        Gap(scope=f"{guild}/#{name or pk}", missing=missing, what_to_do=what or "check the bot's permissions")
        for guild, name, pk, gap in rows.values_list("guild__name", "name", "pk", "gap")[:most]
        for missing, _, what in [gap.partition(": ")]
    ]


def _channels() -> QuerySet[Channel]:
    return Channel.objects.filter(guild_id__in=collected_guilds(), deleted_at=None)
