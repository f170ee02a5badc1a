"""Which bot reads which guild, and what is reported of bots that Discord refuses."""

from collections.abc import Sequence

from core.collectors import ScopeReport
from core.errors import CollectorError
from discord_activity_tracker import fetch, store
from discord_activity_tracker.protocol_impl import DiscordState
from discord_activity_tracker.tokens import bot_tokens, token_digest

READER = "reader"
"""The stream that remembers which bot read a guild last."""


def open_session(session: fetch.Session, *, max_requests: int | None, max_seconds: float | None) -> None:
    """Log in with all tokens; with several, ask each bot for its guilds. Raises what ``Session.open`` raises."""
    known = store.known_bots(token_digest(token) for token in bot_tokens())
    names = {digest: bot.name for digest, bot in known.items()}
    try:
        session.open(max_requests=max_requests, max_seconds=max_seconds, names=names)
        if len(session.bots) > 1:
            for bot in session.usable:
                list_guilds(session, bot)
    finally:
        for bot in session.bots:
            remember(bot)


def list_guilds(session: fetch.Session, bot: fetch.Bot) -> None:
    """Ask a bot for its guilds; one that Discord refuses here cannot be used."""
    if bot.client is None:
        return
    try:
        bot.guilds = session.run(fetch.own_guilds(bot.client))
    except fetch.TokenRefused as error:
        bot.error = error


def invited_guilds(session: fetch.Session) -> list[int]:
    """Return the ids of all guilds that the usable bots are in; bots that have not listed theirs are asked."""
    for bot in session.usable:
        if not bot.guilds:
            list_guilds(session, bot)
    return list(dict.fromkeys(guild_id for bot in session.usable for guild_id in bot.guilds))


def readers(session: fetch.Session, guild_id: int) -> Sequence[fetch.Bot]:
    """The bots that can read a guild, the best first; see ``Session.bots_of``."""
    return session.bots_of(guild_id, store.load_state(store.guild_key(guild_id), READER).checkpoint_token)


def remember_reader(guild_id: int, bot: fetch.Bot) -> None:
    """Remember which bot reads a guild, so that the next run takes the same one."""
    store.save_state(
        store.guild_key(guild_id), READER, DiscordState(checkpoint_token=bot.digest, human_readable_marker=bot.label)
    )


def remember(bot: fetch.Bot) -> None:
    """Save the name of a bot, and why it cannot be used."""
    problem = str(bot.error) if bot.error else ""
    store.remember_bot(store.BotFacts(digest=bot.digest, name=bot.name, masked=bot.masked, problem=problem))


def reports(session: fetch.Session) -> list[ScopeReport]:
    """A report for each bot that cannot be used, beside those of the guilds."""
    return [
        ScopeReport(scope=bot.label, outcome="failed", reason=str(error), category=error.category.value)
        for bot in session.bots
        if (error := bot.error) is not None
    ]


def refuse(bot: fetch.Bot, error: CollectorError) -> None:
    """Stop using a bot."""
    bot.error = error
    remember(bot)
