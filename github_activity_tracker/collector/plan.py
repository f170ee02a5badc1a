"""Prepares the repositories of a run: probes them for changes, refuses misspelt names, and opens each repository.

A repository is identified by its numeric id. Its name can move to another repository: after a deletion or a rename, a
new repository can take the old name. GitHub's responses decide:

- GitHub knows the id: it is the same repository, under its present name.
- The id returns 404 and the name has another id: the old repository is gone. It is marked as deleted with all its rows.
  The repository that now has the name is collected as a separate scope.
- The id and the name return 404: the repository was deleted or made private, and GitHub does not say which. Nothing is
  marked as deleted, and each run reports the repository.

A name on the command line is a usage error if GitHub returns 404 for it and nothing was ever stored under it. The name
is checked before anything is stored. The collection reuses the response, so the check costs no extra request. A
repository that GitHub blocks or denies access to, or that was collected before, does not count as misspelt. Its
collection reports the reason.
"""

import logging
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from core.collectors import ScopeReport
from core.errors import (
    AccessDenied,
    BudgetExhausted,
    CollectorError,
    ConfigurationError,
    NotFound,
    RetryLater,
    SourceTimeout,
    SourceUnavailable,
    UnexpectedAnswer,
)
from core.models import Scope
from core.operations.github_ops.client import GitHubClient
from core.operations.output import at_terminal, number_of
from github_activity_tracker.collector.change_detection import (
    Reading,
    changed_streams,
    load_readings,
    sample_unchanged,
)
from github_activity_tracker.collector.failures import ENDS_RUN, ISOLATED, UNFORESEEN, Failure, Outage
from github_activity_tracker.collector.run import Target, full_name
from github_activity_tracker.collector.streams import STREAMS
from github_activity_tracker.convert.accounts import account_row, actor_rows
from github_activity_tracker.convert.repositories import repository_row, repository_row_of_facts
from github_activity_tracker.fetch.repositories import Facts, Probe, fetch_repository, probe_repositories
from github_activity_tracker.models import Repository
from github_activity_tracker.payloads import RepositoryPayload
from github_activity_tracker.store.repositories import mark_repository_deleted, store_repository

logger = logging.getLogger(__name__)
Key = tuple[str, str]
GONE = frozenset({"not_found", "gone"})
NOT_SHOWN = "GitHub shows no repository {}; check the name, or use a token that may see it"
NO_OWNER = "GitHub shows no organisation or person {}; check the name, or use a token that may see it"


@dataclass(kw_only=True)
class Plan:
    """The repositories of a run, and GitHub's responses about them from before the first repository is read.

    ``probe`` is None if GraphQL is not used, because there is no token or only commits are read. ``opened`` maps
    the external id of each repository to the key of the target that collects it. Several targets can name the same
    repository. ``answers`` has the REST responses or errors for named repositories that were never stored.
    """

    queue: deque[Target]
    probe: Probe | None = None
    probed_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """Time of the probe, according to GitHub's clock."""
    readings: Mapping[int, Mapping[str, Reading]] = field(default_factory=dict[int, Mapping[str, Reading]])
    unchanged: frozenset[Key] = frozenset()
    sampled: frozenset[Key] = frozenset()
    """Unchanged repositories in which this run still reads review comments, because edited comments change no total."""
    opened: dict[str, Key] = field(default_factory=dict[str, Key])
    answers: dict[Key, RepositoryPayload | CollectorError] = field(
        default_factory=dict[Key, RepositoryPayload | CollectorError]
    )
    _facts: dict[Key, Facts] = field(default_factory=dict[Key, Facts])
    _failures: dict[Key, CollectorError] = field(default_factory=dict[Key, CollectorError])
    _probed: set[Key] = field(default_factory=set[Key])

    def ask(self, client: GitHubClient, targets: Sequence[Target]) -> None:
        """Probe repositories over GraphQL. Afterwards ``probe`` shows whether there was an outage or a rate limit."""
        probe = probe_repositories(client, [target.key for target in targets])
        self._facts |= probe.facts
        self._failures |= probe.failures
        if probe.limit is None and probe.outage is None:
            self._probed |= {target.key for target in targets}
        self.probe = probe

    def facts_of(self, client: GitHubClient, outage: Outage, target: Target) -> Facts | None:
        """Return the facts of a repository, or None. Probe it now if no earlier probe did and GraphQL responds."""
        if self.probe is not None and self.probe.limit is None and target.key not in self._probed:
            if outage.retry_graphql():
                self.ask(client, [target])
            if self.probe.outage is not None:
                outage.note_graphql(self.probe.outage)
        return self._facts.get(target.key)

    def known_facts(self, target: Target) -> Facts | None:
        """Return the facts of a repository from the probe, or None. Sends no request."""
        return self._facts.get(target.key)

    def failure_of(self, target: Target) -> CollectorError | None:
        """Return the error with which the probe of a repository failed, or None."""
        return self._failures.get(target.key)


def make_plan(client: GitHubClient, targets: Sequence[Target], *, with_graphql: bool) -> Plan:
    """Return the plan of a run. With ``with_graphql``, probe the repositories and find the unchanged repositories."""
    plan = Plan(queue=deque(targets))
    if not with_graphql:
        return plan
    plan.ask(client, targets)
    plan.probed_at = client.server_time or plan.probed_at
    plan.readings = load_readings([target.known_id for target in targets if target.known_id])
    unchanged: dict[Key, Mapping[str, Reading]] = {}
    for target in targets:
        facts = plan.known_facts(target)
        readings = plan.readings.get(target.known_id or 0)
        if facts is not None and readings is not None and not changed_streams(STREAMS, facts, readings, plan.probed_at):
            unchanged[target.key] = readings
    plan.unchanged, plan.sampled = frozenset(unchanged), frozenset(sample_unchanged(unchanged))
    return plan


def refuse_unknown(client: GitHubClient, plan: Plan, names: Sequence[str], refused: Sequence[ScopeReport]) -> None:
    """Raise ConfigurationError for misspelt names, before anything is stored.

    ``names`` are the repositories on the command line. ``refused`` are reports of organisations that could not be
    listed.

    At a terminal, any misspelt name raises the error. Elsewhere, it is raised only if no other repository is left to
    collect, so that a wrong name in a crontab does not stop the others. Raises ReplaceToken if no token is left.
    """
    missing = _missing(client, plan, _never_stored(plan, names))
    is_all = len(missing) == len(plan.queue) and all(is_unknown(report) for report in refused)
    if missing and (at_terminal() or is_all):
        raise ConfigurationError(f"{NOT_SHOWN.format(', '.join(sorted(missing)))}. Nothing was collected.")


def is_unknown(report: ScopeReport) -> bool:
    """Return whether the report of an organisation says that GitHub does not know the organisation."""
    return report.category == ConfigurationError.category.value


def _never_stored(plan: Plan, names: Sequence[str]) -> list[Target]:
    """Return the named repositories without facts that were never stored, not even as deleted. Omit denied ones."""
    wanted = {full_name(name).lower() for name in names}
    named = [target for target in plan.queue if target.full_name.lower() in wanted and target.known_id is None]
    without_facts = [target for target in named if plan.known_facts(target) is None]
    return [
        target
        for target in without_facts
        if not isinstance(plan.failure_of(target), AccessDenied)
        and not Repository.objects.filter(full_name__iexact=target.full_name, id__gt=0).exists()
    ]


def _missing(client: GitHubClient, plan: Plan, targets: Sequence[Target]) -> list[str]:
    """Request the repositories and save the responses in the plan. Return the names of missing repositories."""
    missing: list[str] = []
    for target in targets:
        try:
            plan.answers[target.key] = fetch_repository(client, target.full_name, None)
        except (NotFound, AccessDenied, UnexpectedAnswer) as error:
            plan.answers[target.key] = error
            missing += [target.full_name] if isinstance(error, NotFound) and error.reason == "not_found" else []
        except (SourceUnavailable, SourceTimeout) as error:
            plan.answers[target.key] = error
            break  # GitHub does not respond, so requests for the other names would fail too
        except (BudgetExhausted, RetryLater):
            break  # the collection of these repositories will report the error
        except UNFORESEEN:
            continue
    return missing


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A repository that is ready to be collected.

    ``facts`` is None if GraphQL returned no facts. ``failure`` describes the error if there was one. ``node_id`` is
    empty if no response contained it. ``notes`` are lines for the operator.
    """

    scope: Scope
    facts: Mapping[str, Any] | None
    node_id: str
    failure: Failure | None = None
    notes: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Opening:
    """Opens the repositories of one run."""

    client: GitHubClient
    plan: Plan
    outage: Outage

    def open(self, target: Target, counts: Counter[str]) -> Opened:
        """Return the repository of a target, stored under its present name.

        Raises ``NotFound``, ``AccessDenied`` or another error of ``GitHubClient`` if the repository cannot be opened.
        """
        facts = self.plan.facts_of(self.client, self.outage, target)
        from_facts = _open_with_facts(facts) if facts is not None else self._failure(target)
        opened = from_facts if isinstance(from_facts, Opened) else self._over_rest(target, from_facts, counts)
        if target.named and target.known_id and opened.scope.external_id == str(target.known_id):
            self._follow_name(target, opened.scope)
        return opened

    def _failure(self, target: Target) -> Failure | None:
        """Return the reason why the probe has no facts of a repository, or None if the probe has no error for it."""
        error = self.plan.failure_of(target)
        return None if error is None else Failure.of(error, where=f"facts of {target.full_name}")

    def _over_rest(self, target: Target, failure: Failure | None, counts: Counter[str]) -> Opened:
        try:
            payload = self._payload(target)
        except AccessDenied as denied:
            from_graphql = self.plan.failure_of(target)
            raise (from_graphql if isinstance(from_graphql, AccessDenied) else denied) from denied
        except (SourceUnavailable, SourceTimeout, UnexpectedAnswer, *UNFORESEEN) as error:
            scope = stored_scope(target)
            if scope is None:
                raise
            failure = failure or Failure.of(error, where=f"facts of {target.full_name}")
            return Opened(scope=scope, facts=None, node_id=target.node_id, failure=failure)
        if target.known_id is not None and int(payload["id"]) != target.known_id:
            return self._successor(target, payload, counts)
        return _open_with_payload(payload, failure)

    def _payload(self, target: Target) -> RepositoryPayload:
        """Return the facts from the REST API, by the known id. If GitHub no longer knows the id, use the name.

        If the check of misspelt names has saved a response or an error, this method uses it once and sends no request.
        """
        answer = self.plan.answers.pop(target.key, None)
        if isinstance(answer, CollectorError):
            raise answer
        if answer is not None:
            return answer
        try:
            return fetch_repository(self.client, target.full_name, target.known_id)
        except NotFound as gone:
            if target.known_id is None or gone.reason not in GONE:
                raise
            return fetch_repository(self.client, target.full_name, None)

    def _successor(self, target: Target, payload: RepositoryPayload, counts: Counter[str]) -> Opened:
        """Mark the repository that is gone as deleted, and open the repository that now has its name."""
        assert target.known_id is not None  # noqa: S101  (the caller compared it)
        documents = mark_repository_deleted(target.known_id, timezone.now())
        counts["repositories_deleted"] += 1
        note = (
            f"the earlier repository {target.full_name} no longer exists on GitHub: it is marked as deleted, "
            f"and {number_of(documents, 'document')} will be removed from the search index"
        )
        logger.warning("repository is gone, another has its name scope=%s id=%s", target.full_name, target.known_id)
        successor = Target(full_name=payload["full_name"], known_id=int(payload["id"]), named=False)
        facts = self.plan.facts_of(self.client, self.outage, successor)
        from_facts = _open_with_facts(facts) if facts is not None else self._failure(successor)
        opened = from_facts if isinstance(from_facts, Opened) else _open_with_payload(payload, from_facts)
        return Opened(
            scope=opened.scope, facts=opened.facts, node_id=opened.node_id, failure=opened.failure, notes=(note,)
        )

    def _follow_name(self, target: Target, scope: Scope) -> None:
        """After a rename, queue the repository that now has the old name, if there is one. Sends one request.

        If the request fails, the next run finds this repository, because then no stored repository has the old name.
        """
        if scope.name.lower() == target.full_name.lower():
            return
        try:
            payload = fetch_repository(self.client, target.full_name, None)
        except ENDS_RUN:
            raise
        except ISOLATED as error:
            name = target.full_name
            logger.info("no repository opened under the old name scope=%s name=%s: %s", scope.name, name, error)
            return
        if str(payload["id"]) != scope.external_id:
            self.plan.queue.append(Target(full_name=target.full_name, named=True))


def _open_with_facts(facts: Mapping[str, Any]) -> Opened | Failure:
    """Store and return a repository from GraphQL's facts. Returns a ``Failure`` if the facts cannot be stored."""
    try:
        owner = next(iter(actor_rows(facts.get("owner"))), None)
        scope = store_repository(repository_row_of_facts(dict(facts)), owner)
    except UNFORESEEN as error:
        return Failure.of(error, where=f"facts of {facts['nameWithOwner']}")
    return Opened(scope=scope, facts=facts, node_id=str(facts["id"]))


def _open_with_payload(payload: RepositoryPayload, failure: Failure | None) -> Opened:
    owner = payload.get("owner")
    scope = store_repository(repository_row(payload), account_row(owner) if owner else None)
    return Opened(scope=scope, facts=None, node_id=str(payload.get("node_id") or ""), failure=failure)


def stored_scope(target: Target) -> Scope | None:
    """Return the stored scope of a target, or None. Sends no request."""
    if target.known_id is None:
        return None
    return Scope.objects.filter(source_system="github", external_id=str(target.known_id)).first()
