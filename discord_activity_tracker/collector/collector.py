"""Runs over guilds: one that fails stops none of the others."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

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
from core.runs import scope_lock, unhurried_commits
from core.search.documents import DocumentSource
from discord_activity_tracker import fetch, store
from discord_activity_tracker.collector import bots
from discord_activity_tracker.collector.estimate import estimate
from discord_activity_tracker.collector.guild import collect_guild
from discord_activity_tracker.collector.options import (
    CollectOptions,
    disabled_guilds,
    guild_name,
    named_guilds,
    switched_off_note,
)
from discord_activity_tracker.collector.run import COLLECTOR, Run
from discord_activity_tracker.collector.unknown import refuse_unknown
from discord_activity_tracker.documents import DiscordDocuments
from discord_activity_tracker.tokens import bot_tokens

logger = logging.getLogger(__name__)
NO_TOKEN = "DISCORD_BOT_TOKEN is empty: make a bot in Discord's developer portal and put its token there."  # noqa: S105  (says so)
UNFORESEEN = (*CONVERSION_ERRORS, LookupError, ArithmeticError, AssertionError)
"""What an answer of a shape that nobody thought of makes of the code; it costs its guild, never the others."""
NO_GUILD = (
    "The bot is in no guild. Invite it: developer portal, OAuth2, URL Generator, scope bot, permissions 17180984320."
)


class DiscordCollector(AbstractCollector):
    """Collects guilds, the stalest first; see ``CollectOptions`` for what a run can be asked to do."""

    name = COLLECTOR

    def __init__(self, options: CollectOptions) -> None:
        self.options = options
        self.progress: Progress = Silence()
        self.tallies: list[Counter[str]] = []
        """The counts of each guild, the one that is being read last."""

    def validate_config(self) -> None:
        """Refuse what cannot be done before anything is touched."""
        if not bot_tokens():
            raise ConfigurationError(NO_TOKEN)
        named_guilds(self.options.guilds)

    def document_sources(self) -> list[DocumentSource]:
        """What the second phase brings up to date."""
        return [DiscordDocuments()]

    def counts_so_far(self) -> Mapping[str, int]:
        """Return what this run has stored until now, over all guilds."""
        return sum(self.tallies, Counter[str]())

    def collect(self) -> CollectorResult:
        """Collect every guild; what went wrong with one is in its report.

        Raises TokenRefused when Discord refuses every bot and nothing was stored, and ConfigurationError, before
        anything is stored, for ids of servers and channels on the command line that no bot sees.
        """
        store.forget_written()
        reports: list[ScopeReport] = []
        with fetch.Session() as session, unhurried_commits():
            try:
                self._open(session)
                guilds = self._guilds(session)
                refuse_unknown(session, self.options, guilds)
                notes = self._notes(session, guilds)
            except (BudgetExhausted, RetryLater) as error:
                return CollectorResult.of([_cut_short(error)], requests=session.requests)
            for guild_id in guilds:
                reports.append(self._collect_apart(session, guild_id))
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
        """What a run would cost, out of Discord's own totals."""
        self.validate_config()
        found: list[Estimate] = []
        with fetch.Session() as session:
            self._open(session)
            for guild_id in self._guilds(session):
                for bot in bots.readers(session, guild_id)[:1]:
                    assert bot.client is not None  # noqa: S101  (a bot that can be used has one)
                    found.append(estimate(session, bot.client, guild_id, self.options.channel))
        return found

    def _open(self, session: fetch.Session) -> None:
        bots.open_session(session, max_requests=self.options.max_requests, max_seconds=self.options.max_seconds)

    def _guilds(self, session: fetch.Session) -> Sequence[int]:
        """The guilds of this run; where nothing says which, all that the bots were invited to."""
        if named := named_guilds(self.options.guilds):
            return named
        invited = bots.invited_guilds(session)
        if not invited:
            raise ConfigurationError(NO_GUILD)
        off = disabled_guilds()
        return [guild_id for guild_id in invited if guild_id not in off]

    def _notes(self, session: fetch.Session, collected: Sequence[int]) -> list[str]:
        """Lines about servers that a bot is in and that are switched off, for runs that name no servers."""
        off = disabled_guilds().difference(collected)
        if self.options.guilds or not off:
            return []
        try:
            invited = bots.invited_guilds(session)
        except CollectorError:
            return []  # a note is not worth a run
        return [switched_off_note(guild_id) for guild_id in invited if guild_id in off]

    def _collect_apart(self, session: fetch.Session, guild_id: int) -> ScopeReport:
        """Collect one guild with the best bot that is in it; when Discord refuses that bot, with the next one."""
        report = ScopeReport(
            scope=guild_name(guild_id) or str(guild_id), outcome="failed",
            reason="no bot that can be used is in this server; see the reasons of the bots",
        )  # fmt: skip
        for bot in bots.readers(session, guild_id):
            assert bot.client is not None  # noqa: S101  (a bot that can be used has one)
            run = Run(
                session=session, client=bot.client, options=self.options, guild_id=guild_id, progress=self.progress
            )
            self.tallies.append(run.counts)
            report = self._collect_with(run, bot)
            if bot.error is None:
                break
        return report

    def _collect_with(self, run: Run, bot: fetch.Bot) -> ScopeReport:
        """Collect one guild with one bot; an error becomes its report, except one that no guild can escape."""
        guild_id = run.guild_id
        try:
            with scope_lock(self.name, str(guild_id), name=guild_name(guild_id)) as held:
                if not held:
                    raise ScopeBusy("another run is collecting it; skipped")
                collect_guild(run)
                if len(run.session.bots) > 1:
                    bots.remember_reader(guild_id, bot)
        except (ReplaceToken, ConfigurationError) as error:
            if isinstance(error, ConfigurationError) and len(run.session.bots) == 1:
                raise
            bots.refuse(bot, error)
            run.stopped = error
        except CollectorError as error:
            run.stopped = error
        except UNFORESEEN as error:
            return self._report_unforeseen(run, error)
        return self._report(run)

    def _report_unforeseen(self, run: Run, error: Exception) -> ScopeReport:
        """What is said of a guild in which something failed that should not; the log has the whole story."""
        scope = run.name or guild_name(run.guild_id) or str(run.guild_id)
        category = classify_failure(error).value
        logger.error("collection failed scope=%s", scope, extra={"failure_category": category}, exc_info=error)
        run.stopped = CollectorError(
            "Discord sent something that this collector does not understand; the log has the details, the next run "
            "tries again"
        )
        return replace(self._report(run), category=category)

    def _report(self, run: Run) -> ScopeReport:
        """What is said of a guild. What the bot may not read is told, and makes nothing partial."""
        counts = {name: n for name, n in run.counts.items() if n}
        error, scope = run.stopped, run.name or guild_name(run.guild_id) or str(run.guild_id)
        short = bool(run.failed or any(name.endswith(("_malformed", "messages_unreadable")) for name in counts))
        outcome = "partial" if short else "succeeded"
        if error is not None:
            partly = error.exit_code == 3 or any(counts.values())
            outcome = "busy" if isinstance(error, ScopeBusy) else "partial" if partly else "failed"
            until = getattr(error, "not_before", None)
            if until:
                here = Scope.objects.filter(source_system="discord", external_id__startswith=f"{run.guild_id}/")
                here.update(not_before=until)
        reasons = [_told(error)] if error else []
        reasons += [f"could not be read: {'; '.join(run.failed[:5])}"] if run.failed else []
        return ScopeReport(
            scope=scope, outcome=outcome, counts=counts, skipped=len(run.failed), reason="; ".join(reasons),
            category=error.category.value if error else "", stops_run=isinstance(error, BudgetExhausted),
            notes=sorted(set(run.notes)),
        )  # fmt: skip


def _with_notes(reports: list[ScopeReport], notes: Sequence[str]) -> list[ScopeReport]:
    """Add notes about the whole run to the last report; a report of their own would change the outcome of the run."""
    if not notes:
        return reports
    last = reports[-1] if reports else ScopeReport(scope="servers", outcome="succeeded")
    return [*reports[:-1], replace(last, notes=[*last.notes, *notes])]


def _log_requests(bot: fetch.Bot) -> None:
    if bot.client is None:
        return
    for route, count in bot.client.routes.most_common():
        logger.info("requests bot=%s route=%s count=%s", bot.name, route, count)
    for (route, error), count in bot.client.failed.most_common():
        logger.info("failed requests bot=%s route=%s error=%s count=%s", bot.name, route, error, count)


def _cut_short(error: CollectorError) -> ScopeReport:
    """The report of a run that ended before any guild."""
    return ScopeReport(
        scope="log-in", outcome="partial", reason=str(error), category=error.category.value, stops_run=True
    )


def _told(error: CollectorError) -> str:
    """The reason in words for people; the advice to invite the bot only where Discord says that it is not in."""
    unknown = isinstance(error, fetch.NotThere) and error.code == fetch.NotThere.UNKNOWN_GUILD
    hidden = isinstance(error, fetch.DiscordRefused) and error.code == fetch.DiscordRefused.MISSING_ACCESS
    if unknown or hidden:
        return f"the bot does not see this guild; check the id, or invite the bot ({error})"
    return str(error)
