"""Collect guilds one after the other, and estimate a run. A guild that fails stops no other guild."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil

from core.collectors import AbstractCollector, CollectorResult, ScopeReport
from core.collectors.estimate import Estimate
from core.collectors.progress import Progress, Silence
from core.errors import (
    BudgetExhausted,
    CollectorError,
    ConfigurationError,
    ReplaceToken,
    RetryLater,
    ScopeBusy,
    classify_failure,
)
from core.ingest.records import CONVERSION_ERRORS
from core.models import Scope
from core.operations.discord_ops import DiscordRefused, NotThere
from core.runs import scope_lock, unhurried_commits
from core.search.documents import DocumentSource
from discord_activity_tracker.collector import bots
from discord_activity_tracker.collector.containers import GuildRun, load_containers
from discord_activity_tracker.collector.guild import collect_guild
from discord_activity_tracker.collector.options import (
    CollectOptions,
    disabled_guilds,
    guild_name,
    selected_guilds,
    switched_off_note,
)
from discord_activity_tracker.collector.outcome import COLLECTOR, Outcome
from discord_activity_tracker.convert.guilds import Permissions, usable_channels
from discord_activity_tracker.documents.source import DiscordDocuments
from discord_activity_tracker.fetch.guilds import count_messages, read_guild
from discord_activity_tracker.fetch.messages import PAGE
from discord_activity_tracker.fetch.session import Bot, Session
from discord_activity_tracker.store.people import forget_written
from discord_activity_tracker.tokens import bot_tokens

logger = logging.getLogger(__name__)
NO_TOKEN = "DISCORD_BOT_TOKEN is empty: make a bot in Discord's developer portal and put its token there."  # noqa: S105  (a message)
UNFORESEEN = (*CONVERSION_ERRORS, LookupError, ArithmeticError, AssertionError)
"""Errors that an answer of an unexpected shape can cause in the code; they cost one guild, not the run."""
NO_GUILD = (
    "The bot is in no guild. Invite it: developer portal, OAuth2, URL Generator, scope bot, permissions 17180984320."
)
PER_SECOND = 40.0
"""Requests per second that a busy run achieves; used for estimates."""


class DiscordCollector(AbstractCollector):
    """Collects guilds, the stalest first; see ``CollectOptions`` for the options."""

    name = COLLECTOR

    def __init__(self, options: CollectOptions) -> None:
        self.options = options
        self.progress: Progress = Silence()
        self.tallies: list[Counter[str]] = []
        """The counts of each guild; the last one is still growing."""

    def validate_config(self) -> None:
        """Raise ConfigurationError for a missing token or a malformed id."""
        if not bot_tokens():
            raise ConfigurationError(NO_TOKEN)
        selected_guilds(self.options.guilds)

    def document_sources(self) -> list[DocumentSource]:
        """Return the documents that the search index updates after the run."""
        return [DiscordDocuments()]

    def counts_so_far(self) -> Mapping[str, int]:
        """Return what this run has stored so far, over all guilds."""
        return sum(self.tallies, Counter[str]())

    def collect(self) -> CollectorResult:
        """Collect every guild; the error of a guild is in its report.

        Raises TokenRefused when Discord refuses every bot and nothing was stored. Raises ConfigurationError, before
        anything is stored, for ids of servers and channels on the command line that no bot sees.
        """
        forget_written()
        reports: list[ScopeReport] = []
        with Session() as session, unhurried_commits():
            try:
                self._open(session)
                guilds = self._guilds(session)
                bots.require_visible(session, self.options, guilds)
                notes = self._notes(session, guilds)
            except (BudgetExhausted, RetryLater) as error:
                return CollectorResult.of([_log_in_report(error)], requests=session.requests)
            for guild_id in guilds:
                reports.append(self._collect_with_best_bot(session, guild_id))
                if reports[-1].stops_run:
                    break
            session.share_invalid(at_once=True)
            for bot in session.bots:
                _log_requests(bot)
            refused = [bot.error for bot in session.bots if isinstance(bot.error, ReplaceToken)]
            if refused and len(refused) == len(session.bots) and not any(report.counts for report in reports):
                raise refused[0]
            return CollectorResult.of(_with_notes([*reports, *bots.reports(session)], notes), requests=session.requests)

    def estimate(self) -> list[Estimate]:
        """Estimate the cost of a run from Discord's own totals."""
        self.validate_config()
        estimates: list[Estimate] = []
        with Session() as session:
            self._open(session)
            for guild_id in self._guilds(session):
                for bot in bots.readers(session, guild_id)[:1]:
                    assert bot.client is not None  # noqa: S101  (a usable bot has one)
                    run = GuildRun(session=session, client=bot.client, options=self.options, guild_id=guild_id)
                    estimates.append(_estimate_guild(run))
        return estimates

    def _open(self, session: Session) -> None:
        bots.open_session(session, max_requests=self.options.max_requests, max_seconds=self.options.max_seconds)

    def _guilds(self, session: Session) -> Sequence[int]:
        """Return the selected guilds, else all enabled guilds that the bots are in."""
        if selected := selected_guilds(self.options.guilds):
            return selected
        invited = bots.invited_guilds(session)
        if not invited:
            raise ConfigurationError(NO_GUILD)
        off = disabled_guilds()
        return [guild_id for guild_id in invited if guild_id not in off]

    def _notes(self, session: Session, collected: Sequence[int]) -> list[str]:
        """Return notes about disabled servers that a bot is in, for runs that name no servers."""
        off = disabled_guilds().difference(collected)
        if self.options.guilds or not off:
            return []
        try:
            invited = bots.invited_guilds(session)
        except CollectorError:
            return []  # a run must not fail because of a note
        return [switched_off_note(guild_id) for guild_id in invited if guild_id in off]

    def _collect_with_best_bot(self, session: Session, guild_id: int) -> ScopeReport:
        """Collect one guild with the best bot in it; if Discord refuses that bot, use the next one."""
        report = ScopeReport(
            scope=guild_name(guild_id) or str(guild_id), outcome="failed",
            reason="no bot that can be used is in this server; see the reasons of the bots",
        )  # fmt: skip
        for bot in bots.readers(session, guild_id):
            assert bot.client is not None  # noqa: S101  (a usable bot has one)
            run = GuildRun(session=session, client=bot.client, options=self.options, guild_id=guild_id)
            outcome = Outcome(run, self.progress)
            self.tallies.append(outcome.counts)
            report = self._collect_with(bot, run, outcome)
            if bot.error is None:
                break
        return report

    def _collect_with(self, bot: Bot, run: GuildRun, outcome: Outcome) -> ScopeReport:
        """Collect one guild with one bot. Only an error that affects every guild is raised; others are reported."""
        guild_id = run.guild_id
        try:
            with scope_lock(self.name, str(guild_id), name=guild_name(guild_id)) as held:
                if not held:
                    raise ScopeBusy("another run is collecting it; skipped")
                collect_guild(run, outcome)
                if len(run.session.bots) > 1:
                    bots.save_reader(guild_id, bot)
        except (ReplaceToken, ConfigurationError) as error:
            if isinstance(error, ConfigurationError) and len(run.session.bots) == 1:
                raise
            bots.disable(bot, error)
            outcome.stopped = error
        except CollectorError as error:
            outcome.stopped = error
        except UNFORESEEN as error:
            return _report_unforeseen(guild_id, outcome, error)
        return _report(guild_id, outcome)


def _estimate_guild(run: GuildRun) -> Estimate:
    """Estimate the next run over a guild. This costs 5 requests; archived threads are unknown before the first run."""
    facts = run.request(read_guild(run.client, run.guild_id))
    permissions = Permissions(facts.guild, facts.member, facts.user_id)
    channels, _ = usable_channels(facts.channels)
    threads, _ = usable_channels(facts.threads or ())
    name = facts.guild.get("name") or str(run.guild_id)
    lists = sum(permissions.lists_threads(channel) for channel in channels)
    if containers := load_containers(run.guild_id, run.options.channel):
        last_ids = {int(channel["id"]): int(channel.get("last_message_id") or 0) for channel in [*channels, *threads]}
        behind = sum(last_ids.get(c.location.channel_id, 0) > c.seen or not c.done for c in containers)
        known = {int(channel["id"]) for channel in channels} | {c.location.channel_id for c in containers}
        new = len(last_ids.keys() - known)
        requests = 7 + lists + behind + new
        note = f"{behind + new} channels and threads have something new"
        return Estimate(scope=name, requests=requests, seconds=requests / PER_SECOND, note=note)
    total = run.request(count_messages(run.client, run.guild_id))
    readable = sum(permissions.access(channel) == "ok" for channel in channels) + len(threads)
    requests = 7 + 2 * lists + readable + ceil((total or 0) / PAGE)
    return Estimate(
        scope=name,
        requests=requests,
        seconds=requests / PER_SECOND,
        items={"messages": total, "active_threads": len(threads)} if total else {},
        note="" if total is not None else "Discord does not tell how many messages there are",
    )


def _report_unforeseen(guild_id: int, outcome: Outcome, error: Exception) -> ScopeReport:
    """Report a guild that failed with an unexpected error, which is logged with its traceback."""
    scope = outcome.name or guild_name(guild_id) or str(guild_id)
    category = classify_failure(error).value
    logger.error("collection failed scope=%s", scope, extra={"failure_category": category}, exc_info=error)
    outcome.stopped = CollectorError(
        "Discord sent something that this collector does not understand; the log has the details, the next run "
        "tries again"
    )
    return replace(_report(guild_id, outcome), category=category)


def _report(guild_id: int, outcome: Outcome) -> ScopeReport:
    """Report a guild. What the bot may not read is noted and does not make the outcome partial."""
    counts = {name: number for name, number in outcome.counts.items() if number}
    error, scope = outcome.stopped, outcome.name or guild_name(guild_id) or str(guild_id)
    incomplete = bool(outcome.failed or any(name.endswith(("_malformed", "messages_unreadable")) for name in counts))
    result = "partial" if incomplete else "succeeded"
    if error is not None:
        stored_some = error.exit_code == 3 or any(counts.values())
        result = "busy" if isinstance(error, ScopeBusy) else "partial" if stored_some else "failed"
        if until := getattr(error, "not_before", None):
            scopes = Scope.objects.filter(source_system="discord", external_id__startswith=f"{guild_id}/")
            scopes.update(not_before=until)
    reasons = [_reason(error)] if error else []
    reasons += [f"could not be read: {'; '.join(outcome.failed[:5])}"] if outcome.failed else []
    return ScopeReport(
        scope=scope, outcome=result, counts=counts, skipped=len(outcome.failed), reason="; ".join(reasons),
        category=error.category.value if error else "", stops_run=isinstance(error, BudgetExhausted),
        notes=sorted(set(outcome.notes)),
    )  # fmt: skip


def _with_notes(reports: list[ScopeReport], notes: Sequence[str]) -> list[ScopeReport]:
    """Add notes about the whole run to the last report; a separate report would change the outcome of the run."""
    if not notes:
        return reports
    last = reports[-1] if reports else ScopeReport(scope="servers", outcome="succeeded")
    return [*reports[:-1], replace(last, notes=[*last.notes, *notes])]


def _log_requests(bot: Bot) -> None:
    if bot.client is None:
        return
    for route, count in bot.client.routes.most_common():
        logger.info("requests bot=%s route=%s count=%s", bot.name, route, count)
    for (route, error), count in bot.client.failed.most_common():
        logger.info("failed requests bot=%s route=%s error=%s count=%s", bot.name, route, error, count)


def _log_in_report(error: CollectorError) -> ScopeReport:
    """Report a run that ended before any guild."""
    return ScopeReport(
        scope="log-in", outcome="partial", reason=str(error), category=error.category.value, stops_run=True
    )


def _reason(error: CollectorError) -> str:
    """Return the reason of a failed guild; with advice to invite the bot where Discord says that it is not in it."""
    unknown = isinstance(error, NotThere) and error.code == NotThere.UNKNOWN_GUILD
    hidden = isinstance(error, DiscordRefused) and error.code == DiscordRefused.MISSING_ACCESS
    if unknown or hidden:
        return f"the bot does not see this guild; check the id, or invite the bot ({error})"
    return str(error)
