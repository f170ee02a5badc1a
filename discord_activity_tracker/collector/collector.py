"""Collect guilds one after the other, and estimate a run. A guild that fails does not stop the other guilds."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil

from core.collectors import CollectorResult, ScopeReport
from core.collectors.estimate import Estimate
from core.errors import BudgetExhausted, CollectorError, ConfigurationError, ReplaceToken, RetryLater
from core.ingest.scoped import ScopedCollector, Tally
from core.models import Scope
from core.operations.discord_ops import DiscordRefused, NotThere
from core.runs import unhurried_commits
from discord_activity_tracker.collector import bots
from discord_activity_tracker.collector.guild import collect_guild
from discord_activity_tracker.collector.run import COLLECTOR, CollectOptions, GuildRun, Outcome, load_containers
from discord_activity_tracker.convert.guilds import Permissions, usable_channels
from discord_activity_tracker.fetch.guilds import count_messages, read_guild
from discord_activity_tracker.fetch.messages import PAGE
from discord_activity_tracker.fetch.session import Bot, Session
from discord_activity_tracker.store.people import forget_written
from discord_activity_tracker.tokens import bot_tokens

logger = logging.getLogger(__name__)
NO_TOKEN = "DISCORD_BOT_TOKEN is empty. Create a bot in Discord's developer portal and set its token."  # noqa: S105  (a message)
NO_GUILD = (
    "The bot is in no server. Invite it: developer portal, OAuth2, URL Generator, scope bot, permissions 17180984320."
)
PER_SECOND = 40.0
"""Requests per second that estimates assume. A busy run achieves about this rate with the default limit of 45."""


class DiscordCollector(ScopedCollector[GuildRun]):
    """Collects guilds. The guild with the oldest complete collection comes first."""

    name = COLLECTOR
    isolated = (*ScopedCollector.isolated, LookupError, ArithmeticError, AssertionError)
    ends_run = (BudgetExhausted,)
    incomplete = ("_malformed", "messages_unreadable")
    unexpected = (
        "Discord returned data that this collector does not understand; the log has the details, and the next run "
        "tries again"
    )
    logs_early_ends = False
    session: Session
    """The bots of this run, with the budget of requests and seconds."""

    def __init__(self, options: CollectOptions) -> None:
        super().__init__()
        self.options = options
        self.guilds: Sequence[int] = ()
        """The ids of the guilds of this run."""

    def validate_config(self) -> None:
        """Raise ConfigurationError for a missing token or a malformed id."""
        if not bot_tokens():
            raise ConfigurationError(NO_TOKEN)
        bots.selected_guilds(self.options.guilds)

    def collect(self) -> CollectorResult:
        """Collect every guild. The report of a guild contains its error.

        Raises TokenRefused if Discord refuses the tokens of all bots and nothing was stored. Raises ConfigurationError,
        before any messages are stored, if the bots are in no server. Also raises it if no bot can see the servers or
        the channel on the command line.
        """
        forget_written()
        with Session() as session, unhurried_commits():
            self.session = session
            try:
                self._open(session)
                self.guilds = self._guilds(session)
                bots.require_visible(session, self.options, self.guilds)
                notes = self._notes(session)
            except (BudgetExhausted, RetryLater) as error:
                reason, category = str(error), error.category.value
                report = ScopeReport(scope="log-in", outcome="partial", reason=reason, category=category)
                return CollectorResult.of([report], requests=session.requests)
            reports = list(super().collect().scopes)
            session.share_invalid(at_once=True)
            for bot in session.bots:
                _log_requests(bot)
            refused = [bot.error for bot in session.bots if isinstance(bot.error, ReplaceToken)]
            if refused and len(refused) == len(session.bots) and not any(report.counts for report in reports):
                raise refused[0]
            reports = _with_notes([*reports, *bots.reports(session)], notes)
            return CollectorResult.of(reports, requests=session.requests)

    def targets(self) -> Iterator[GuildRun]:
        """Yield each guild with its best bot. If this bot becomes unusable, yield the guild with the next bot."""
        for guild_id in self.guilds:
            self.reports[guild_id] = ScopeReport(
                scope=bots.guild_name(guild_id) or str(guild_id), outcome="failed",
                reason="no usable bot is in this server; see the reports of the bots",
            )  # fmt: skip
            for bot in bots.readers(self.session, guild_id):
                yield GuildRun(session=self.session, bot=bot, options=self.options, guild_id=guild_id)
                if bot.error is None:
                    break

    def estimate(self) -> list[Estimate]:
        """Return the estimated number of requests and the estimated duration for each guild."""
        self.validate_config()
        estimates: list[Estimate] = []
        with Session() as session:
            self._open(session)
            for guild_id in self._guilds(session):
                for bot in bots.readers(session, guild_id)[:1]:
                    run = GuildRun(session=session, bot=bot, options=self.options, guild_id=guild_id)
                    estimates.append(_estimate_guild(run))
        return estimates

    def _open(self, session: Session) -> None:
        bots.open_session(session, max_requests=self.options.max_requests, max_seconds=self.options.max_seconds)

    def _guilds(self, session: Session) -> Sequence[int]:
        """Return the ids of the selected guilds.

        If no guilds are selected, return the guilds that the bots are in, except for guilds that are switched off.
        Raises ConfigurationError if the bots are in no guild.
        """
        if selected := bots.selected_guilds(self.options.guilds):
            return selected
        invited = bots.invited_guilds(session)
        if not invited:
            raise ConfigurationError(NO_GUILD)
        off = bots.disabled_guilds()
        return [guild_id for guild_id in invited if guild_id not in off]

    def _notes(self, session: Session) -> list[str]:
        """Return a note about each switched-off server that a bot is in.

        The list is empty if the command line names servers, or if the bots' servers cannot be listed.
        """
        off = bots.disabled_guilds().difference(self.guilds)
        if self.options.guilds or not off:
            return []
        try:
            invited = bots.invited_guilds(session)
        except CollectorError:
            return []  # a run must not fail because of a note
        return [bots.switched_off_note(guild_id) for guild_id in invited if guild_id in off]

    def report_key(self, target: GuildRun) -> int:
        """Return the id of the guild as the key of its report.

        If another bot reads the guild after an error, its report replaces the report of the first bot.
        """
        return target.guild_id

    def collect_target(self, target: GuildRun, tally: Tally) -> None:
        """Collect one guild with one bot.

        If the token or the setup of the bot is wrong, the error is raised. In addition, the bot is disabled, unless the
        error fails the whole run.
        """
        try:
            with self.locked(str(target.guild_id), bots.guild_name(target.guild_id)):
                collect_guild(target, Outcome(target, tally, self.progress))
                if len(self.session.bots) > 1:
                    bots.save_reader(target.guild_id, target.bot)
        except (ReplaceToken, ConfigurationError) as error:
            if not self.fails_run(error):
                bots.disable(target.bot, error)
            raise

    def fails_run(self, error: Exception) -> bool:
        """Return whether an error fails the whole run: there is only one bot, and its setup is wrong."""
        return isinstance(error, ConfigurationError) and len(self.session.bots) == 1

    def report_of(self, target: GuildRun, tally: Tally) -> ScopeReport:
        """Return the report of a guild. It names at most five lists that could not be read.

        Channels that the bot has no permission to read appear only in the notes. If Discord reported a time before
        which no request may be sent, this time is stored with the guild's channels.
        """
        failed = tally.failures
        tally.name = tally.name or bots.guild_name(target.guild_id) or str(target.guild_id)
        tally.failures = [f"could not be read: {'; '.join(failed[:5])}"] if failed else []
        if not_before := getattr(tally.error, "not_before", None):
            channels = Scope.objects.filter(source_system="discord", external_id__startswith=f"{target.guild_id}/")
            channels.update(not_before=not_before)
        return replace(super().report_of(target, tally), skipped=len(failed), notes=sorted(set(tally.notes)))

    def explain(self, target: GuildRun, tally: Tally, error: Exception) -> str:
        """Return the reason why the collection of a guild ended early.

        If the bot cannot see the guild, the reason includes the advice to invite the bot.
        """
        reason = super().explain(target, tally, error)
        unknown = isinstance(error, NotThere) and error.code == NotThere.UNKNOWN_GUILD
        hidden = isinstance(error, DiscordRefused) and error.code == DiscordRefused.MISSING_ACCESS
        if unknown or hidden:
            return f"the bot does not see this server; check the id, or invite the bot ({reason})"
        return reason


def _estimate_guild(run: GuildRun) -> Estimate:
    """Estimate the next run over a guild. This costs at most 5 requests without retries.

    Before the first run, the number of archived threads is unknown and therefore not included.
    """
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
        note = f"channels and threads to read: {behind + new}"
        return Estimate(scope=name, requests=requests, seconds=requests / PER_SECOND, note=note)
    total = run.request(count_messages(run.client, run.guild_id))
    readable = sum(permissions.access(channel) == "ok" for channel in channels) + len(threads)
    requests = 7 + 2 * lists + readable + ceil((total or 0) / PAGE)
    return Estimate(
        scope=name,
        requests=requests,
        seconds=requests / PER_SECOND,
        items={"messages": total, "active_threads": len(threads)} if total else {},
        note="" if total is not None else "Discord does not return the number of messages",
    )


def _with_notes(reports: list[ScopeReport], notes: Sequence[str]) -> list[ScopeReport]:
    """Add notes about the whole run to the last report. A separate report would change the outcome of the run."""
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
