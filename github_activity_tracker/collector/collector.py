"""Runs over repositories: one that fails stops none of the others."""

import logging
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import DataError, IntegrityError, ProgrammingError

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
    SourceTimeout,
    SourceUnavailable,
    UnexpectedAnswer,
    classify_failure,
    in_one_line,
)
from core.models import Scope
from core.operations.redaction import redact
from core.runs import clear_skips, record_skip, scope_lock
from core.search.documents import DocumentSource
from github_activity_tracker import convert, fetch, store
from github_activity_tracker.collector import quiet
from github_activity_tracker.collector.estimate import estimate
from github_activity_tracker.collector.options import CollectOptions, Target, full_name, provisional_id, targets
from github_activity_tracker.collector.repository import RepositoryRun
from github_activity_tracker.collector.streams import STREAMS
from github_activity_tracker.documents import GitHubDocuments
from github_activity_tracker.payloads import RepositoryPayload

logger = logging.getLogger(__name__)
PATIENCE = 90.0
"""Seconds to wait for a limit to end when nothing else can be done; while something can, nobody waits."""
IMPATIENCE = 2.0
NOT_SHOWN = "GitHub shows no repository {}; check the name, or use a token that may see it"
UNFORESEEN = (
    ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
    DataError, IntegrityError, ProgrammingError,
)  # fmt: skip
"""What a payload that nobody thought of may raise; not a lost database or a full disk, which no repository escapes."""


@dataclass(kw_only=True)
class Plan:
    """What is known of the repositories before the first is read."""

    queue: deque[Target]
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    told_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    payloads: Mapping[str, RepositoryPayload] = field(default_factory=dict[str, RepositoryPayload])
    """REST answers about named repositories that were never collected before, by ``owner/name``."""
    readings: Mapping[int, Mapping[str, quiet.Reading]] = field(default_factory=dict[int, Mapping[str, quiet.Reading]])
    quiet: frozenset[str] = frozenset()
    spared: frozenset[str] = frozenset()
    limit: RetryLater | None = None


class GitHubCollector(AbstractCollector):
    """Collects repositories, the stalest first; see ``CollectOptions`` for what a run can be asked to do."""

    name = "github"

    def __init__(self, options: CollectOptions) -> None:
        self.options = options
        self.progress: Progress = Silence()
        self.tallies: list[Counter[str]] = []
        """The counts of each repository, the one that is being read last."""
        self.client = fetch.open_client(max_requests=options.max_requests, max_seconds=options.max_seconds)

    def validate_config(self) -> None:
        """Refuse what cannot be done before anything is touched."""
        if unknown := set(self.options.streams) - set(STREAMS):
            raise ConfigurationError(f"Unknown stream {', '.join(sorted(unknown))}. There are: {', '.join(STREAMS)}.")

    def document_sources(self) -> list[DocumentSource]:
        """What the second phase brings up to date."""
        return [GitHubDocuments()]

    def counts_so_far(self) -> Mapping[str, int]:
        """Return what this run has stored until now, over all repositories."""
        return sum(self.tallies, Counter[str]())

    def collect(self) -> CollectorResult:
        """Collect every repository; what went wrong with one is in its report.

        Raises ConfigurationError, before anything is stored, for names that GitHub does not show.
        """
        if not settings.GITHUB_TOKENS and not self.options.git_only:
            logger.warning(
                "GITHUB_TOKENS is empty: GitHub allows 60 requests an hour, and shows neither reviews nor timelines."
            )
        store.forget_written()
        self.client.share_budgets(everything=True)
        plan = self._plan(self._targets())
        plan.payloads = self._payloads_of_unknown(plan)
        self.client.share_budgets()
        reports: dict[str, ScopeReport] = {}
        waiting: set[str] = set()
        while plan.queue:
            target = plan.queue.popleft()
            alone = not plan.queue or waiting >= {target.full_name, *(other.full_name for other in plan.queue)}
            self.client.patience = PATIENCE if alone else IMPATIENCE
            report = self._collect_apart(target, plan)
            reports[target.full_name] = report
            if report.waits and target.full_name not in waiting:
                waiting.add(target.full_name)
                plan.queue.append(target)
            if report.stops_run:
                break
        self.client.share_budgets(everything=True)
        return CollectorResult.of(list(reports.values()), requests=self.client.requests)

    def estimate(self) -> list[Estimate]:
        """What a run would cost, out of GitHub's totals."""
        found = self._targets()
        plan = self._plan(found)
        return [
            estimate(
                self.client, target.full_name, plan.facts.get(target.full_name),
                is_quiet=target.full_name in plan.quiet and not self.options.full,
            )
            for target in found
        ]  # fmt: skip

    def _targets(self) -> list[Target]:
        """The repositories of this run: those that are named, and those of the organisations."""
        named = list(self.options.repositories)
        for owner in self.options.organisations:
            try:
                found = [str(item["full_name"]) for item in fetch.repositories_of(self.client, owner)]
            except NotFound as error:
                raise ConfigurationError(f"GitHub shows no organisation or user {owner}; check the name.") from error
            logger.info("organisation read org=%s repositories=%s", owner, len(found))
            named += found
        if self.options.organisations and not named:
            raise ConfigurationError(f"GitHub shows no repository of {', '.join(self.options.organisations)}.")
        return targets(named)

    def _payloads_of_unknown(self, plan: Plan) -> dict[str, RepositoryPayload]:
        """Ask for the named repositories that were never collected and that the probe did not show.

        Raises ConfigurationError for misspelt names: at a terminal for any of them, otherwise only when no other
        repository is left to collect, so that one wrong name in a crontab stops nothing else.
        """
        if self.options.git_only and settings.GITHUB_GIT_URL.startswith("file://"):
            return {}
        named = {full_name(name).lower() for name in self.options.repositories}
        payloads: dict[str, RepositoryPayload] = {}
        missing: list[str] = []
        for target in plan.queue:
            name = target.full_name
            if name.lower() not in named or target.known_id or name in plan.facts:
                continue
            try:
                payloads[name] = fetch.repository(self.client, name, None)
            except NotFound as error:
                missing += [name] if error.reason == "not_found" else []
            except (AccessDenied, RetryLater, BudgetExhausted, SourceUnavailable, SourceTimeout, UnexpectedAnswer):
                continue  # asked again, and reported, when it is its turn
        if missing and (at_terminal() or len(missing) == len(plan.queue)):
            raise ConfigurationError(f"{NOT_SHOWN.format(', '.join(sorted(missing)))}. Nothing was collected.")
        return payloads

    def _plan(self, found: Sequence[Target]) -> Plan:
        """Ask whether anything changed, a hundred repositories at a time."""
        plan = Plan(queue=deque(found))
        if not self.client.tokens.has_tokens or self.options.git_only:
            return plan
        try:
            plan.facts = fetch.probe(self.client, {target.full_name: target.node_id for target in found})
        except RetryLater as error:  # REST and git have quotas of their own
            plan.limit = error
            return plan
        plan.told_at = self.client.server_time or plan.told_at
        plan.readings = quiet.readings([target.known_id for target in found if target.known_id])
        still = {
            target.full_name: plan.readings[target.known_id]
            for target in found
            if target.known_id in plan.readings
            and target.full_name in plan.facts
            and not quiet.loud(STREAMS, plan.facts[target.full_name], plan.readings[target.known_id], plan.told_at)
        }
        plan.quiet, plan.spared = frozenset(still), frozenset(quiet.spared(still))
        return plan

    def _collect_apart(self, target: Target, plan: Plan) -> ScopeReport:
        """Collect one repository; an error becomes its report, except one that no repository can escape."""
        counts: Counter[str] = Counter()
        self.tallies.append(counts)
        try:
            facts = plan.facts.get(target.full_name)
            scope = self._open_scope(target, plan)
            with scope_lock(self.name, scope.external_id, name=scope.name) as held:
                if not held:
                    raise ScopeBusy("another run is collecting it; skipped")
                run = RepositoryRun(
                    client=self.client,
                    options=self.options,
                    target=target,
                    scope=scope,
                    facts=facts,
                    told_at=plan.told_at,
                    known=plan.readings.get(int(scope.external_id), {}),
                    spare=target.full_name in plan.spared,
                    progress=self.progress,
                    limit=plan.limit,
                    counts=counts,
                )
                run.collect()
        except ReplaceToken:
            raise
        except CollectorError as error:
            return self._report_error(target, error, counts)
        except UNFORESEEN as error:
            return self._report_unforeseen(target, error, counts)
        clear_skips(collector=self.name, scope=target.full_name, stream="repository", external_id=target.full_name)
        counts = Counter({name: n for name, n in counts.items() if n})
        reason = "could not be read: " + ", ".join(run.skipped) if run.skipped else ""
        short = run.skipped or any(name.endswith(("_malformed", "_refused")) for name in counts)
        return ScopeReport(
            scope=scope.name, outcome="partial" if short else "succeeded", counts=counts, skipped=len(run.skipped),
            reason=reason,
        )  # fmt: skip

    def _open_scope(self, target: Target, plan: Plan) -> Scope:
        """The repository's scope; GitHub is asked for its facts unless they are known or only a clone is to be read."""
        facts = plan.facts.get(target.full_name)
        if self.options.git_only and settings.GITHUB_GIT_URL.startswith("file://"):
            repository_id = target.known_id or provisional_id(target.full_name)
            known = Scope.objects.filter(source_system="github", external_id=str(repository_id)).first()
            return known or store.store_repository(convert.provisional_row(repository_id, target.full_name))
        if facts is not None:
            owner = next(iter(convert.actor_rows(facts.get("owner"))), None)
            return store.store_repository(convert.repository_row_of_facts(dict(facts)), owner)
        payload = plan.payloads.get(target.full_name) or fetch.repository(
            self.client, target.full_name, target.known_id
        )
        owner = payload.get("owner")
        return store.store_repository(convert.repository_row(payload), convert.account_row(owner) if owner else None)

    def _report_error(self, target: Target, error: CollectorError, counts: Counter[str]) -> ScopeReport:
        """What is said, and kept, of a repository that could not be collected."""
        partly = error.exit_code == 3 or any(counts.values())
        outcome = "busy" if isinstance(error, ScopeBusy) else "partial" if partly else "failed"
        if isinstance(error, RetryLater):
            Scope.objects.filter(source_system="github", name=target.full_name).update(not_before=error.not_before)
        if isinstance(error, (NotFound, AccessDenied)):
            record_skip(
                collector=self.name, scope=target.full_name, stream="repository", external_id=target.full_name,
                reason=error.reason, detail=str(error),
            )  # fmt: skip
        reason = str(error)
        if isinstance(error, NotFound) and error.reason != "blocked":
            reason = NOT_SHOWN.format(target.full_name)
        logger.info("collection ended early scope=%s outcome=%s reason=%s", target.full_name, outcome, reason)
        return ScopeReport(
            scope=target.full_name, outcome=outcome, counts={k: n for k, n in counts.items() if n}, skipped=1,
            reason=reason, category=error.category.value, stops_run=isinstance(error, BudgetExhausted),
            waits=isinstance(error, RetryLater),
        )  # fmt: skip

    def _report_unforeseen(self, target: Target, error: Exception, counts: Counter[str]) -> ScopeReport:
        """What is said of a repository in which something failed that should not; the log has the whole story."""
        category, reason = classify_failure(error).value, redact(f"{type(error).__name__}: {in_one_line(error)}")[:300]
        extra = {"failure_category": category}
        logger.error("collection failed scope=%s: %s", target.full_name, reason, extra=extra, exc_info=error)
        return ScopeReport(
            scope=target.full_name, outcome="failed", counts={k: n for k, n in counts.items() if n}, skipped=1,
            reason=reason, category=category,
        )  # fmt: skip
