"""Runs over guilds: one that fails stops none of the others."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence

from django.conf import settings

from core.collectors import AbstractCollector, CollectorResult, ScopeReport
from core.collectors.estimate import Estimate
from core.collectors.progress import Progress, Silence
from core.collectors.terminal import at_terminal
from core.errors import BudgetExhausted, CollectorError, ConfigurationError, ReplaceToken, ScopeBusy
from core.models import Scope
from core.runs import scope_lock, unhurried_commits
from core.search.documents import DocumentSource
from discord_activity_tracker import fetch, store
from discord_activity_tracker.collector.estimate import estimate
from discord_activity_tracker.collector.guild import collect_guild
from discord_activity_tracker.collector.options import (
    CollectOptions,
    disabled_guilds,
    guild_name,
    is_known_channel,
    named_guilds,
)
from discord_activity_tracker.collector.run import COLLECTOR, Run
from discord_activity_tracker.documents import DiscordDocuments

logger = logging.getLogger(__name__)
NO_TOKEN = "DISCORD_BOT_TOKEN is empty: make a bot in Discord's developer portal and put its token there."  # noqa: S105  (says so)
NO_GUILD = (
    "The bot is in no guild. Invite it: developer portal, OAuth2, URL Generator, scope bot, permissions 17180984320."
)
NOT_SEEN = "The bot is not in the server {}; check the id, or invite the bot. Nothing was collected."
NO_CHANNEL = "The bot sees no channel {}; check the id of --channel, or the bot's permissions. Nothing was collected."


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
        if not settings.DISCORD_BOT_TOKEN:
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

        Raises ConfigurationError, before anything is stored, for ids of servers and channels that the bot does not see.
        """
        store.forget_written()
        reports: list[ScopeReport] = []
        with fetch.Session() as session, unhurried_commits():
            self._open(session)
            guilds = self._guilds(session)
            self._refuse_unknown(session, guilds)
            for guild_id in guilds:
                reports.append(self._collect_apart(session, guild_id))
                if reports[-1].stops_run:
                    break
            for route, count in session.client.routes.most_common():
                logger.info("requests route=%s count=%s", route, count)
            for (route, error), count in session.client.failed.most_common():
                logger.info("failed requests route=%s error=%s count=%s", route, error, count)
            return CollectorResult.of(reports, requests=session.client.requests)

    def estimate(self) -> list[Estimate]:
        """What a run would cost, out of Discord's own totals."""
        self.validate_config()
        with fetch.Session() as session:
            self._open(session)
            return [estimate(session, guild_id, self.options.channel) for guild_id in self._guilds(session)]

    def _open(self, session: fetch.Session) -> None:
        session.open(max_requests=self.options.max_requests, max_seconds=self.options.max_seconds)

    def _guilds(self, session: fetch.Session) -> Sequence[int]:
        """The guilds of this run; where nothing says which, all that the bot was invited to."""
        if named := named_guilds(self.options.guilds):
            return named
        invited = session.run(fetch.own_guilds(session.client))
        if not invited:
            raise ConfigurationError(NO_GUILD)
        off = disabled_guilds()
        return [guild_id for guild_id in invited if guild_id not in off]

    def _refuse_unknown(self, session: fetch.Session, guilds: Sequence[int]) -> None:
        """Raise ConfigurationError for ids on the command line that Discord does not show this bot.

        At a terminal for any of them, otherwise only when no other server is left to collect. What was collected
        before is not misspelt: when the bot has lost access, the run says so.
        """
        unknown = [guild_id for guild_id in guilds if self.options.guilds and guild_name(guild_id) is None]
        if unknown:
            invited = set(session.run(fetch.own_guilds(session.client)))
            missing = [str(guild_id) for guild_id in unknown if guild_id not in invited]
            if missing and (at_terminal() or len(missing) == len(guilds)):
                raise ConfigurationError(NOT_SEEN.format(", ".join(missing)))
        if (channel := self.options.channel) is None or is_known_channel(channel):
            return
        try:
            there = session.run(fetch.read_channel(session.client, channel)) is not None
        except (fetch.NotThere, fetch.DiscordRefused):
            there = False
        if not there:
            raise ConfigurationError(NO_CHANNEL.format(channel))

    def _collect_apart(self, session: fetch.Session, guild_id: int) -> ScopeReport:
        """Collect one guild; an error becomes its report, except one that no guild can escape."""
        run = Run(session=session, options=self.options, guild_id=guild_id, progress=self.progress)
        self.tallies.append(run.counts)
        try:
            with scope_lock(self.name, str(guild_id), name=guild_name(guild_id)) as held:
                if not held:
                    raise ScopeBusy("another run is collecting it; skipped")
                collect_guild(run)
        except (ReplaceToken, ConfigurationError):
            raise
        except CollectorError as error:
            run.stopped = error
        return self._report(run)

    def _report(self, run: Run) -> ScopeReport:
        """What is said of a guild. What the bot may not read is told, and makes nothing partial."""
        counts = {name: n for name, n in run.counts.items() if n}
        error, scope = run.stopped, run.name or str(run.guild_id)
        short = bool(run.failed or counts.get("messages_malformed"))
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


def _told(error: CollectorError) -> str:
    """The reason in words for people."""
    if isinstance(error, fetch.NotThere | fetch.DiscordRefused):
        return f"the bot does not see this guild; check the id, or invite the bot ({error})"
    return str(error)
