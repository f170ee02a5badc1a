"""Runs the collection of repositories. An error in one repository does not stop the others, unless it affects all."""

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

from django.conf import settings

from core.collectors import CollectorResult, ScopeReport
from core.collectors.estimate import Estimate
from core.errors import (
    AccessDenied,
    BudgetExhausted,
    CollectorError,
    ConfigurationError,
    NotFound,
    RetryLater,
    ScopeBusy,
)
from core.ingest.scoped import ScopedCollector, Tally
from core.ingest.skips import clear_skips, record_skip
from core.models import Scope
from core.operations.output import at_terminal, number_of
from github_activity_tracker.collector.estimate import estimate
from github_activity_tracker.collector.failures import ENDS_RUN, ISOLATED, Failure, Outage, Unreachable, in_words
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
from github_activity_tracker.collector.run import CollectOptions, Target, provisional_id, select_targets
from github_activity_tracker.collector.streams import STREAMS
from github_activity_tracker.convert.repositories import provisional_row
from github_activity_tracker.fetch.client import open_client
from github_activity_tracker.fetch.repositories import list_repositories
from github_activity_tracker.store.accounts import forget_written
from github_activity_tracker.store.repositories import store_repository

logger = logging.getLogger(__name__)
PATIENCE = 90.0
"""Maximum seconds that a request waits for the end of a rate limit if no other repository is left to read.

If the limit ends later, the run ends as partial, and the next run continues. A larger value would delay the end of
runs.
"""
IMPATIENCE = 2.0
"""Maximum seconds that a request waits for the end of a rate limit while other repositories are left to read.

If the limit ends later, the run reads another repository first. With a larger value, the run would wait although it
could read another repository.
"""


class GitHubCollector(ScopedCollector[Target]):
    """Collects repositories. Those that were never completed come first, then those completed longest ago."""

    name = "github"
    isolated = ISOLATED
    ends_run = ENDS_RUN
    incomplete = ("_malformed", "_refused", "_incomplete")

    def __init__(self, options: CollectOptions) -> None:
        super().__init__(max_requests=options.max_requests, max_seconds=options.max_seconds)
        self.options = options
        self.client = open_client(self.allowance)
        self.outage = Outage(self.client)
        self.plan = Plan(queue=deque())
        self.repository: RepositoryRun | None = None
        """The repository that is being collected. ``None`` until the repository is opened and locked."""
        self._notices = 0
        """Number of notices of the GitHub client that are already in the reports of repositories."""

    def validate_config(self) -> None:
        """Raise ConfigurationError for unknown streams. The check precedes all writes."""
        if unknown := set(self.options.streams) - set(STREAMS):
            raise ConfigurationError(f"Not a stream: {', '.join(sorted(unknown))}. Choose from: {', '.join(STREAMS)}.")

    def collect(self) -> CollectorResult:
        """Collect all repositories. Share the token budgets with other processes before and after the collection."""
        if not self.client.tokens.has_tokens and not self.options.git_only:
            logger.warning(
                "GITHUB_TOKENS is empty: GitHub allows 60 requests an hour, and returns no reviews, timelines or "
                "discussions."
            )
        forget_written()
        self.client.share_budgets(everything=True)
        result = super().collect()
        self.client.share_budgets(everything=True)
        return result

    def targets(self) -> Iterator[Target]:
        """Yield the repositories. A repository that hit a rate limit is yielded once more at the end.

        May raise ConfigurationError for misspelt names before anything is stored. See ``refuse_unknown``.
        """
        wanted, refused = self._wanted()
        self.reports |= {report.scope: report for report in refused}
        try:
            self.plan = plan = self._plan(wanted)
        except BudgetExhausted as error:
            reason, category = str(error), error.category.value
            for target in wanted:
                self.reports[target] = ScopeReport(
                    scope=target.full_name, outcome="partial", skipped=1, reason=reason, category=category
                )
            return
        self._refuse_unknown(plan, refused)
        self.client.share_budgets()
        waiting: set[Target] = set()
        while plan.queue:
            target = plan.queue.popleft()
            alone = not plan.queue or waiting >= {target, *plan.queue}
            self.client.patience = PATIENCE if alone else IMPATIENCE
            yield target
            if self.reports[target].waits and target not in waiting:
                waiting.add(target)
                plan.queue.append(target)

    def estimate(self) -> list[Estimate]:
        """Return the estimated cost of each repository, based on GitHub's totals."""
        wanted, refused = self._wanted()
        plan = self._plan(wanted)
        costs = [Estimate(scope=report.scope, requests=0, note=report.reason) for report in refused]
        return costs + [self._estimate(target, plan) for target in wanted]

    def _estimate(self, target: Target, plan: Plan) -> Estimate:
        """Return the estimated cost of one repository. If the estimate fails, its note has the reason."""
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

    def _wanted(self) -> tuple[list[Target], list[ScopeReport]]:
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
                raise ConfigurationError(
                    f"GitHub lists no repositories for {', '.join(self.options.organisations)}. "
                    "Check the name, or use a token that may see them."
                )
            return [], refused
        return select_targets(named), refused

    def _refuse_unknown(self, plan: Plan, refused: Sequence[ScopeReport]) -> None:
        """Raise ConfigurationError for misspelt names. If only commits from a local folder are read, check nothing."""
        if self.options.git_only and settings.GITHUB_GIT_URL.startswith("file://"):
            return
        self.client.patience = IMPATIENCE
        refuse_unknown(self.client, plan, self.options.repositories, refused)

    def _plan(self, wanted: Sequence[Target]) -> Plan:
        """Probe the repositories for changes, and return the plan of the run."""
        with_graphql = self.client.tokens.has_tokens and not self.options.git_only
        plan = make_plan(self.client, wanted, with_graphql=with_graphql)
        if plan.probe is not None and plan.probe.outage is not None:
            self.outage.note_graphql(plan.probe.outage)
        return plan

    def collect_target(self, target: Target, tally: Tally) -> None:
        """Open one repository and collect it under its lock."""
        self.repository, tally.name = None, target.full_name
        opened = self._open(target, tally)
        scope = opened.scope
        if self.plan.opened.setdefault(scope.external_id, target.key) != target.key:
            tally.notes.append(
                f"GitHub now calls this repository {scope.name}, and this run collects it; use that name"
            )
            return
        with self.locked(scope.external_id, scope.name):
            self.repository = run = self._repository_run(target, opened, tally)
            tally.scope, tally.name = scope, scope.name
            if opened.failure is not None:
                run.skip(FACTS, opened.failure)
            run.collect()
        # Failures of earlier attempts to open the repository are recorded under these names.
        for name in {scope.external_id, target.full_name, scope.name}:
            clear_skips(collector=self.name, scope=name, stream="repository")
        tally.error = run.limit
        if run.limit is None:
            tally.notes += [*opened.notes, *run.features.notes]

    def _repository_run(self, target: Target, opened: Opened, tally: Tally) -> RepositoryRun:
        plan = self.plan
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
            counts=tally.counts,
            complete=tally.complete,
        )

    def _open(self, target: Target, tally: Tally) -> Opened:
        """Return the repository's scope and facts. Sends no request if only commits from a local folder are read."""
        if self.options.git_only and settings.GITHUB_GIT_URL.startswith("file://"):
            repository_id = target.known_id or provisional_id(target.full_name)
            known = Scope.objects.filter(source_system="github", external_id=str(repository_id)).first()
            row = provisional_row(repository_id, target.full_name)
            return Opened(scope=known or store_repository(row), facts=None, node_id="")
        opened = Opening(client=self.client, plan=self.plan, outage=self.outage).open(target, tally.counts)
        self.outage.note_answer()
        return opened

    def report_of(self, target: Target, tally: Tally) -> ScopeReport:
        """Return the report with the streams that failed and the notices of the GitHub client."""
        run = self.repository
        failures = run.failures if run else {}
        tally.failures = [in_words(failures.items())] if failures else []
        report = super().report_of(target, tally)
        notes = [*report.notes, *self.client.notices[self._notices :]]
        self._notices = len(self.client.notices)
        report = replace(report, skipped=len(failures) + (tally.error is not None), notes=notes)
        if run is not None and tally.error is None and run.read_nothing:
            return replace(report, outcome="failed", category=next(iter(failures.values())).category)
        return report

    def explain(self, target: Target, tally: Tally, error: Exception) -> str:
        """Return the reason why the collection of a repository ended early.

        Record outages. If the repository could not be opened, record the failure as a skip.
        """
        if tally.scope is None and (scope := stored_scope(target)) is not None:
            tally.scope, tally.name = scope, scope.name
        failure = Failure.of(error, where=f"collection of {target.full_name}")
        if self.repository is None and not isinstance(error, (RetryLater, ScopeBusy, BudgetExhausted)):
            name = tally.scope.external_id if tally.scope else target.full_name
            record_skip(
                collector=self.name, scope=name, stream="repository", external_id=name, reason=failure.reason,
                detail=failure.detail,
            )  # fmt: skip
        reason = failure.detail
        if isinstance(error, NotFound) and error.reason != "blocked":
            reason = NOT_SHOWN.format(target.full_name)
        if not tally.stops_run:
            try:
                self.outage.note_failure(error)
            except Unreachable as gone:
                reason, tally.stops_run = str(gone), True
        if tally.stops_run and self.plan.queue and not isinstance(error, BudgetExhausted):
            reason += f"; {number_of(len(self.plan.queue), 'more repository')} must wait for the next run"
        return reason


def _report_of_owner(owner: str, error: Exception) -> ScopeReport:
    """Return the report of an organisation that could not be listed."""
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
