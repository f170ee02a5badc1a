"""Runs over repositories. A repository that fails stops no other repository."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.conf import settings

from core.collectors import AbstractCollector, CollectorResult, ScopeReport
from core.collectors.estimate import Estimate
from core.collectors.progress import Progress, Silence
from core.collectors.terminal import at_terminal
from core.errors import (
    AccessDenied,
    BudgetExhausted,
    CollectorError,
    ConfigurationError,
    NotFound,
    ReplaceToken,
    RetryLater,
    ScopeBusy,
)
from core.ingest.skips import clear_skips, record_skip
from core.models import Scope
from core.runs import scope_lock
from core.search.documents import DocumentSource
from github_activity_tracker.collector.estimate import estimate
from github_activity_tracker.collector.failures import ENDS_RUN, ISOLATED, Failure, Outage, Unreachable, in_words
from github_activity_tracker.collector.options import CollectOptions, Target, provisional_id, targets
from github_activity_tracker.collector.plan import (
    NO_OWNER,
    NOT_SHOWN,
    Opened,
    Opening,
    Plan,
    is_unknown,
    make_plan,
    refuse_unknown,
    stored_scope,
)
from github_activity_tracker.collector.repository import FACTS, RepositoryRun
from github_activity_tracker.collector.streams import STREAMS
from github_activity_tracker.convert.repositories import provisional_row
from github_activity_tracker.documents import GitHubDocuments
from github_activity_tracker.fetch.client import open_client
from github_activity_tracker.fetch.repositories import list_repositories
from github_activity_tracker.store.accounts import forget_written
from github_activity_tracker.store.repositories import store_repository

logger = logging.getLogger(__name__)
PATIENCE = 90.0
"""Seconds that a run waits for the end of a rate limit when it has nothing else to do."""
IMPATIENCE = 2.0
"""The same while other repositories are left to read."""


class GitHubCollector(AbstractCollector):
    """Collects repositories, the stalest first. See ``CollectOptions`` for the options of a run."""

    name = "github"

    def __init__(self, options: CollectOptions) -> None:
        self.options = options
        self.progress: Progress = Silence()
        self.tallies: list[Counter[str]] = []
        """The counts of each repository; the last entry belongs to the repository that is being read."""
        self.client = open_client(max_requests=options.max_requests, max_seconds=options.max_seconds)
        self.outage = Outage(self.client)

    def validate_config(self) -> None:
        """Raise ConfigurationError for unknown streams, before anything is stored."""
        if unknown := set(self.options.streams) - set(STREAMS):
            raise ConfigurationError(f"Unknown stream {', '.join(sorted(unknown))}. There are: {', '.join(STREAMS)}.")

    def document_sources(self) -> list[DocumentSource]:
        """Return the sources whose documents the search index updates after the run."""
        return [GitHubDocuments()]

    def counts_so_far(self) -> Mapping[str, int]:
        """Return the counts of stored rows so far, over all repositories."""
        return sum(self.tallies, Counter[str]())

    def collect(self) -> CollectorResult:
        """Collect all repositories. The report of each says what failed in it.

        Raises ConfigurationError, before anything is stored, for names that GitHub does not show.
        """
        if not self.client.tokens.has_tokens and not self.options.git_only:
            logger.warning(
                "GITHUB_TOKENS is empty: GitHub allows 60 requests an hour, and shows neither reviews nor timelines."
            )
        forget_written()
        self.client.share_budgets(everything=True)
        wanted, refused = self._targets()
        try:
            plan = self._plan(wanted)
        except BudgetExhausted as error:
            return self._result([*refused, *(_report_of_no_turn(target, error) for target in wanted)])
        self._refuse_unknown(plan, refused)
        self.client.share_budgets()
        reports: dict[tuple[str, str], ScopeReport] = {}
        notices = 0
        waiting: set[tuple[str, str]] = set()
        while plan.queue:
            target = plan.queue.popleft()
            alone = not plan.queue or waiting >= {target.key, *(other.key for other in plan.queue)}
            self.client.patience = PATIENCE if alone else IMPATIENCE
            report = self._collect_or_report(target, plan)
            report = replace(report, notes=[*report.notes, *self.client.notices[notices:]])
            notices = len(self.client.notices)
            reports[target.key] = report
            if report.waits and target.key not in waiting:
                waiting.add(target.key)
                plan.queue.append(target)
            if report.stops_run:
                break
        return self._result([*refused, *reports.values()])

    def _result(self, reports: Sequence[ScopeReport]) -> CollectorResult:
        self.client.share_budgets(everything=True)
        return CollectorResult.of(reports, requests=self.client.requests)

    def estimate(self) -> list[Estimate]:
        """Return what a run would cost, from GitHub's totals."""
        wanted, refused = self._targets()
        plan = self._plan(wanted)
        costs = [Estimate(scope=report.scope, requests=0, note=report.reason) for report in refused]
        return costs + [self._estimate(target, plan) for target in wanted]

    def _estimate(self, target: Target, plan: Plan) -> Estimate:
        """Return the cost of one repository. If GitHub does not answer, the note says so."""
        try:
            return estimate(
                self.client, target.full_name, plan.known_facts(target),
                unchanged=target.key in plan.unchanged and not self.options.full,
            )  # fmt: skip
        except ENDS_RUN:
            raise
        except ISOLATED as error:
            failure = Failure.of(error, where=f"estimate of {target.full_name}")
            return Estimate(scope=target.full_name, requests=0, note=f"unknown: {failure.detail}")

    def _targets(self) -> tuple[list[Target], list[ScopeReport]]:
        """Return the repositories of this run, and reports of the organisations that could not be listed."""
        named, refused = list(self.options.repositories), list[ScopeReport]()
        for owner in self.options.organisations:
            try:
                names = [str(item["full_name"]) for item in list_repositories(self.client, owner)]
            except ENDS_RUN:
                raise
            except ISOLATED as error:
                if isinstance(error, NotFound) and at_terminal():
                    raise ConfigurationError(f"{NO_OWNER.format(owner)}. Nothing was collected.") from error
                refused.append(_report_of_owner(owner, error))
                self.outage.note_failure(error)
                continue
            logger.info("organisation read org=%s repositories=%s", owner, len(names))
            named += names
        if self.options.organisations and not named:
            if not refused or all(is_unknown(report) for report in refused):
                raise ConfigurationError(f"GitHub shows no repository of {', '.join(self.options.organisations)}.")
            return [], refused
        return targets(named), refused

    def _refuse_unknown(self, plan: Plan, refused: Sequence[ScopeReport]) -> None:
        """Raise ConfigurationError for misspelt names. A clone from a local folder needs no name that GitHub knows."""
        if self.options.git_only and settings.GITHUB_GIT_URL.startswith("file://"):
            return
        self.client.patience = IMPATIENCE
        refuse_unknown(self.client, plan, self.options.repositories, refused)

    def _plan(self, wanted: Sequence[Target]) -> Plan:
        """Probe the repositories for changes."""
        with_graphql = self.client.tokens.has_tokens and not self.options.git_only
        plan = make_plan(self.client, wanted, with_graphql=with_graphql)
        if plan.probe is not None and plan.probe.outage is not None:
            self.outage.note_graphql(plan.probe.outage)
        return plan

    def _collect_or_report(self, target: Target, plan: Plan) -> ScopeReport:
        """Collect one repository and return its report. Raises only errors that every repository would meet."""
        counts: Counter[str] = Counter()
        self.tallies.append(counts)
        run: RepositoryRun | None = None
        try:
            opened = self._open(target, plan, counts)
            scope = opened.scope
            if plan.opened.setdefault(scope.external_id, target.key) != target.key:
                note = f"GitHub calls this repository {scope.name} now, which this run collects; use that name"
                return ScopeReport(scope=target.full_name, outcome="succeeded", notes=[note])
            with scope_lock(self.name, scope.external_id, name=scope.name) as held:
                if not held:
                    raise ScopeBusy("another run is collecting it; skipped")
                run = self._repository_run(target, opened, plan, counts)
                if opened.failure is not None:
                    run.skip(FACTS, opened.failure)
                run.collect()
        except ISOLATED as error:
            return self._report_error(target, error, counts, run, plan)
        self._clear_repository_skips(target, scope)
        if run.limit is not None:
            return self._report_error(target, run.limit, counts, run, plan)
        counts = Counter({name: n for name, n in counts.items() if n})
        short = run.failures or any(name.endswith(("_malformed", "_refused", "_incomplete")) for name in counts)
        failed = run.read_nothing
        return ScopeReport(
            scope=scope.name, outcome="failed" if failed else "partial" if short else "succeeded", counts=counts,
            skipped=len(run.failures), reason=in_words(run.failures.items()),
            category=next(iter(run.failures.values())).category if failed else "",
            notes=[*opened.notes, *run.features.notes],
        )  # fmt: skip

    def _repository_run(self, target: Target, opened: Opened, plan: Plan, counts: Counter[str]) -> RepositoryRun:
        return RepositoryRun(
            client=self.client,
            options=self.options,
            scope=opened.scope,
            facts=opened.facts,
            node_id=opened.node_id,
            probed_at=plan.probed_at,
            readings=plan.readings.get(int(opened.scope.external_id), {}),
            sampled=target.key in plan.sampled,
            progress=self.progress,
            outage=self.outage,
            graphql_limit=plan.probe.limit if plan.probe is not None else None,
            counts=counts,
        )

    def _open(self, target: Target, plan: Plan, counts: Counter[str]) -> Opened:
        """Return the repository's scope and facts. Reading only a local clone needs no request to GitHub."""
        if self.options.git_only and settings.GITHUB_GIT_URL.startswith("file://"):
            repository_id = target.known_id or provisional_id(target.full_name)
            known = Scope.objects.filter(source_system="github", external_id=str(repository_id)).first()
            row = provisional_row(repository_id, target.full_name)
            return Opened(scope=known or store_repository(row), facts=None, node_id="")
        opened = Opening(client=self.client, plan=plan, outage=self.outage).open(target, counts)
        self.outage.note_answer()
        return opened

    def _clear_repository_skips(self, target: Target, scope: Scope) -> None:
        """Clear the skips of earlier failures to open the repository, under its id and under both names."""
        for name in dict.fromkeys((scope.external_id, target.full_name, scope.name)):
            clear_skips(collector=self.name, scope=name, stream="repository")

    def _report_error(
        self, target: Target, error: Exception, counts: Counter[str], run: RepositoryRun | None, plan: Plan
    ) -> ScopeReport:
        """Return the report of a repository that was not collected to its end, and record the reason.

        Raises ReplaceToken when no token is left and nothing was stored: then the configuration is wrong.
        """
        failure = Failure.of(error, where=f"collection of {target.full_name}")
        failures, ends_run = dict(run.failures) if run else {}, isinstance(error, ENDS_RUN)
        partly = getattr(error, "exit_code", 1) == 3 or any(counts.values()) or bool(run and run.complete)
        if isinstance(error, ReplaceToken) and not partly and not any(self.counts_so_far().values()):
            raise error
        outcome = "busy" if isinstance(error, ScopeBusy) else "partial" if partly else "failed"
        scope = run.scope if run else stored_scope(target)
        if isinstance(error, RetryLater) and scope is not None:
            Scope.objects.filter(pk=scope.pk).update(not_before=error.not_before)
        if run is None and not isinstance(error, (RetryLater, ScopeBusy, BudgetExhausted)):
            name = scope.external_id if scope else target.full_name
            record_skip(
                collector=self.name, scope=name, stream="repository", external_id=name, reason=failure.reason,
                detail=failure.detail,
            )  # fmt: skip
        reason = failure.detail
        if isinstance(error, NotFound) and error.reason != "blocked":
            reason = NOT_SHOWN.format(target.full_name)
        if not ends_run:
            try:
                self.outage.note_failure(error)
            except Unreachable as gone:
                reason, ends_run = str(gone), True
        if ends_run and plan.queue and not isinstance(error, BudgetExhausted):
            reason += f"; {len(plan.queue)} more repositories wait for the next run"
        logger.info("collection ended early scope=%s outcome=%s reason=%s", target.full_name, outcome, reason)
        return ScopeReport(
            scope=scope.name if scope else target.full_name, outcome=outcome,
            counts={k: n for k, n in counts.items() if n}, skipped=1 + len(failures),
            reason="; ".join(filter(None, [reason, in_words(failures.items())])), category=failure.category,
            stops_run=ends_run, waits=isinstance(error, RetryLater),
        )  # fmt: skip


def _report_of_no_turn(target: Target, error: BudgetExhausted) -> ScopeReport:
    """Return the report of a repository that was not reached before the budget of the run was spent."""
    reason, category = str(error), error.category.value
    return ScopeReport(scope=target.full_name, outcome="partial", skipped=1, reason=reason, category=category)


def _report_of_owner(owner: str, error: Exception) -> ScopeReport:
    """Return the report of an organisation with repositories that could not be listed."""
    failure = Failure.of(error, where=f"repositories of {owner}")
    reason, category = failure.detail, failure.category
    if isinstance(error, NotFound):
        reason = NO_OWNER.format(owner)
        category = ConfigurationError.category.value
    elif isinstance(error, AccessDenied):
        reason = f"{reason.rstrip('.')}; the repositories of {owner} were not listed"
    later = isinstance(error, CollectorError) and error.exit_code == 3
    return ScopeReport(
        scope=f"{owner}/*", outcome="partial" if later else "failed", skipped=1, reason=reason, category=category
    )
