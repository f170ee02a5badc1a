"""Select the servers of a run and the bot that reads each server. Refuse ids that no bot can see."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db.models import Max

from core.collectors import ScopeReport
from core.errors import BudgetExhausted, CollectorError, ConfigurationError, ReplaceToken, RetryLater
from core.models import Scope
from core.operations.discord_ops import DiscordRefused, NotThere, TokenRefused
from core.operations.output import at_terminal
from discord_activity_tracker.collector.run import CollectOptions
from discord_activity_tracker.convert.exports import EXPORTED
from discord_activity_tracker.fetch.guilds import list_own_guilds, read_channel
from discord_activity_tracker.fetch.session import Bot, Session
from discord_activity_tracker.models import Channel, Guild
from discord_activity_tracker.protocol_impl import DiscordState
from discord_activity_tracker.store.checkpoints import (
    BotFacts,
    guild_key,
    known_bots,
    load_state,
    save_state,
    store_bot,
)
from discord_activity_tracker.tokens import bot_tokens, token_digest

READER = "reader"
"""Name of the stream that saves which bot last read a guild."""
NOT_SEEN = "The bot is not in the server {}; check the id or invite the bot. Nothing was collected."
SEEN_BY_NONE = "No bot is in the server {}; check the id or invite a bot. Nothing was collected."
NO_CHANNEL = "The bot cannot see channel {}; check the id of --channel or the bot's permissions. Nothing was collected."
NO_CHANNEL_SEEN = "No bot can see channel {}; check the id of --channel or the permissions. Nothing was collected."


def open_session(session: Session, *, max_requests: int | None, max_seconds: float | None) -> None:
    """Log in with all tokens. If there are several bots, list the guilds of each bot.

    The name and the error of each bot are saved. Raises the errors of ``Session.open`` and ``list_guilds``.
    """
    known = known_bots(token_digest(token) for token in bot_tokens())
    names = {digest: bot.name for digest, bot in known.items()}
    try:
        session.open(max_requests=max_requests, max_seconds=max_seconds, names=names)
        if len(session.bots) > 1:
            for bot in session.usable:
                list_guilds(session, bot)
    finally:
        for bot in session.bots:
            save_bot(bot)


def list_guilds(session: Session, bot: Bot) -> None:
    """Request the list of a bot's guilds. If Discord refuses the token, mark the bot as unusable.

    Raises any other error of the request.
    """
    if bot.client is None:
        return
    try:
        bot.guilds = session.run(list_own_guilds(bot.client))
    except TokenRefused as error:
        bot.error = error


def invited_guilds(session: Session) -> list[int]:
    """Return the ids of all guilds that the usable bots are in. Request the lists of guilds that are still unknown."""
    for bot in session.usable:
        if not bot.guilds:
            list_guilds(session, bot)
    return list(dict.fromkeys(guild_id for bot in session.usable for guild_id in bot.guilds))


def readers(session: Session, guild_id: int) -> Sequence[Bot]:
    """Return the bots that can read a guild, the best bot first. See ``Session.bots_of``."""
    return session.bots_of(guild_id, load_state(guild_key(guild_id), READER).checkpoint_token)


def save_reader(guild_id: int, bot: Bot) -> None:
    """Save which bot reads a guild, so that the next run uses the same bot."""
    save_state(guild_key(guild_id), READER, DiscordState(checkpoint_token=bot.digest, human_readable_marker=bot.label))


def save_bot(bot: Bot) -> None:
    """Save the name of a bot, and the reason if the bot cannot be used."""
    problem = str(bot.error) if bot.error else ""
    store_bot(BotFacts(digest=bot.digest, name=bot.name, masked=bot.masked, problem=problem))


def reports(session: Session) -> list[ScopeReport]:
    """Return a report for each bot that cannot be used."""
    return [
        ScopeReport(scope=bot.label, outcome="failed", reason=str(error), category=error.category.value)
        for bot in session.bots
        if (error := bot.error) is not None
    ]


def disable(bot: Bot, error: CollectorError) -> None:
    """Mark a bot as unusable because of an error, and save the error."""
    bot.error = error
    save_bot(bot)


def require_visible(session: Session, options: CollectOptions, guilds: Sequence[int]) -> None:
    """Raise ConfigurationError if no bot can see a server or the channel on the command line.

    At a terminal, one server that no bot can see is sufficient for the error. Elsewhere, the error is raised only if
    the bots can see none of the servers. Stored servers and channels are never refused. If the bots have lost access to
    them, the run reports it. Nothing is refused if one of the bots is unusable, because this bot may be in the server.

    Also raises BudgetExhausted and RetryLater, which end the run before the first server.
    """
    if options.guilds:
        unseen = _unseen_guilds(session, guilds)
        if unseen and (at_terminal() or len(unseen) == len(guilds)):
            text = NOT_SEEN if len(session.bots) == 1 else SEEN_BY_NONE
            raise ConfigurationError(text.format(", ".join(str(guild_id) for guild_id in unseen)))
    if options.channel is not None and not is_known_channel(options.channel) and _is_unseen(session, options.channel):
        text = NO_CHANNEL if len(session.bots) == 1 else NO_CHANNEL_SEEN
        raise ConfigurationError(text.format(options.channel))


def _unseen_guilds(session: Session, guilds: Sequence[int]) -> list[int]:
    """Return the ids of guilds that are not stored and that no bot is in.

    Returns an empty list if a bot is unusable or if the bots' guilds cannot be listed. Raises BudgetExhausted and
    RetryLater.
    """
    unknown = [guild_id for guild_id in guilds if guild_name(guild_id) is None]
    if not unknown:
        return []
    try:
        invited = set(invited_guilds(session))
    except (BudgetExhausted, RetryLater):
        raise
    except CollectorError:
        return []  # no server is refused here; the collection requests each server separately
    return [] if _some_unusable(session) else [guild_id for guild_id in unknown if guild_id not in invited]


def _is_unseen(session: Session, channel_id: int) -> bool:
    """Return whether no bot can see the channel, according to Discord.

    Returns ``False`` if a bot is unusable or if a response is unclear. Raises BudgetExhausted and RetryLater.
    """
    for bot in session.usable:
        assert bot.client is not None  # noqa: S101  (a usable bot has one)
        try:
            if session.run(read_channel(bot.client, channel_id)) is not None:
                return False
        except (NotThere, DiscordRefused):
            continue
        except ReplaceToken as error:
            disable(bot, error)
        except (BudgetExhausted, RetryLater):
            raise
        except CollectorError:
            return False  # no clear response; the collection requests the channel again
    return not _some_unusable(session)


def _some_unusable(session: Session) -> bool:
    return len(session.usable) < len(session.bots)


def selected_guilds(names: Sequence[str]) -> list[int]:
    """Return the ids of the guilds to collect.

    These are the guilds in ``names``. If ``names`` is empty, they are the guilds in DISCORD_GUILDS and the guilds that
    are enabled in the admin. The guild with the oldest complete collection comes first. The result can be empty. Raises
    ConfigurationError for a name that is not an id.
    """
    guild_ids = [_guild_id(name) for name in names or settings.DISCORD_GUILDS]
    if not names:
        guild_ids += Guild.objects.filter(enabled=True).values_list("pk", flat=True)
    unique = list(dict.fromkeys(guild_ids))
    return sorted(unique, key=_last_completed)


def disabled_guilds() -> set[int]:
    """Return the ids of guilds that are switched off in the admin."""
    return set(Guild.objects.filter(enabled=False).values_list("pk", flat=True))


def switched_off_note(guild_id: int) -> str:
    """Return a note about a switched-off server that a bot is in."""
    guild = Guild.objects.get(pk=guild_id)
    origin = "was imported from files and " if EXPORTED in guild.payload else ""
    return (
        f"the server {guild.name} {origin}is switched off, so it was not collected. To collect it in every run, open "
        f'it under "Guilds" in the admin and tick "Enabled". To collect it once, run: collect_discord {guild_id}'
    )


def guild_name(guild_id: int) -> str | None:
    """Return the name of a guild, or ``None`` if the guild is not stored."""
    return Guild.objects.filter(pk=guild_id).values_list("name", flat=True).first()


def is_known_channel(channel_id: int) -> bool:
    """Return whether a channel or thread is stored."""
    return Channel.objects.filter(pk=channel_id).exists()


def _last_completed(guild_id: int) -> str:
    """Return the last time at which a channel of a guild was completely collected (ISO 8601), or an empty string."""
    scopes = Scope.objects.filter(source_system="discord", external_id__startswith=f"{guild_id}/")
    latest: datetime | None = scopes.aggregate(latest=Max("last_completed_at"))["latest"]
    return latest.isoformat() if latest else ""


def _guild_id(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) < 1 << 63:
        return int(text)
    raise ConfigurationError(
        f"{text!r} is not the id of a server. Switch on Developer Mode in Discord, "
        "then right-click the server and choose Copy Server ID."
    )
