"""Ids on the command line that no bot sees: usage errors, as far as nothing is stored under them."""

from collections.abc import Sequence

from core.collectors.terminal import at_terminal
from core.errors import BudgetExhausted, CollectorError, ConfigurationError, ReplaceToken, RetryLater
from discord_activity_tracker import fetch
from discord_activity_tracker.collector import bots
from discord_activity_tracker.collector.options import CollectOptions, guild_name, is_known_channel

NOT_SEEN = "The bot is not in the server {}; check the id, or invite the bot. Nothing was collected."
SEEN_BY_NONE = "No bot is in the server {}; check the id, or invite a bot. Nothing was collected."
NO_CHANNEL = "The bot sees no channel {}; check the id of --channel, or the bot's permissions. Nothing was collected."
NO_CHANNEL_SEEN = "No bot sees a channel {}; check the id of --channel, or the permissions. Nothing was collected."


def refuse_unknown(session: fetch.Session, options: CollectOptions, guilds: Sequence[int]) -> None:
    """Raise ConfigurationError for servers and a channel of the command line that Discord shows to no bot.

    At a terminal for any of them, otherwise only when no other server is left to collect. What was stored before is
    not misspelt: when the bots have lost access, the run says so. A bot that cannot be used may be the one that is in
    the server; then nothing is refused. Raises BudgetExhausted and RetryLater, which end the run before any server.
    """
    if options.guilds:
        unseen = _unseen_guilds(session, guilds)
        if unseen and (at_terminal() or len(unseen) == len(guilds)):
            text = NOT_SEEN if len(session.bots) == 1 else SEEN_BY_NONE
            raise ConfigurationError(text.format(", ".join(str(guild_id) for guild_id in unseen)))
    if options.channel is not None and not is_known_channel(options.channel) and _is_unseen(session, options.channel):
        text = NO_CHANNEL if len(session.bots) == 1 else NO_CHANNEL_SEEN
        raise ConfigurationError(text.format(options.channel))


def _unseen_guilds(session: fetch.Session, guilds: Sequence[int]) -> list[int]:
    """Return the guilds that are neither stored nor in the list of any bot."""
    unknown = [guild_id for guild_id in guilds if guild_name(guild_id) is None]
    if not unknown:
        return []
    try:
        invited = set(bots.invited_guilds(session))
    except (BudgetExhausted, RetryLater):
        raise
    except CollectorError:
        return []  # without the list each server is requested separately
    return [] if _some_unusable(session) else [guild_id for guild_id in unknown if guild_id not in invited]


def _is_unseen(session: fetch.Session, channel_id: int) -> bool:
    """Return whether Discord says to every bot that it sees no such channel."""
    for bot in session.usable:
        assert bot.client is not None  # noqa: S101  (a bot that can be used has one)
        try:
            if session.run(fetch.read_channel(bot.client, channel_id)) is not None:
                return False
        except (fetch.NotThere, fetch.DiscordRefused):
            continue
        except ReplaceToken as error:
            bots.refuse(bot, error)
        except (BudgetExhausted, RetryLater):
            raise
        except CollectorError:
            return False  # no answer to this question; the collection asks for it again
    return not _some_unusable(session)


def _some_unusable(session: fetch.Session) -> bool:
    return len(session.usable) < len(session.bots)
