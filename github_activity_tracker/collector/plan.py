"""What is known of the repositories before the first is read."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from core.errors import CollectorError
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker import fetch
from github_activity_tracker.collector import change_detection
from github_activity_tracker.collector.options import Target
from github_activity_tracker.collector.outage import Outage
from github_activity_tracker.collector.streams import STREAMS
from github_activity_tracker.payloads import RepositoryPayload

Key = tuple[str, str]


@dataclass(kw_only=True)
class Plan:
    """The repositories of a run, what the probe said about them, and which of them nothing new is expected in.

    ``probe`` is None where GraphQL is not asked at all (no token, commits alone). ``opened`` has the target as which
    each repository is collected, by its external id: several names may lead to one repository. ``answers``: what REST
    said about named repositories that were never stored; see ``unknown.py``.
    """

    queue: deque[Target]
    probe: fetch.Probe | None = None
    told_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    readings: Mapping[int, Mapping[str, change_detection.Reading]] = field(
        default_factory=dict[int, Mapping[str, change_detection.Reading]]
    )
    quiet: frozenset[Key] = frozenset()
    spared: frozenset[Key] = frozenset()
    opened: dict[str, Key] = field(default_factory=dict[str, Key])
    answers: dict[Key, RepositoryPayload | CollectorError] = field(
        default_factory=dict[Key, RepositoryPayload | CollectorError]
    )
    _facts: dict[Key, fetch.Facts] = field(default_factory=dict[Key, fetch.Facts])
    _failures: dict[Key, CollectorError] = field(default_factory=dict[Key, CollectorError])
    _asked: set[Key] = field(default_factory=set[Key])

    def ask(self, client: GitHubClient, targets: Sequence[Target]) -> None:
        """Ask GraphQL about some repositories. An outage or a limit is in ``probe`` afterwards."""
        probe = fetch.probe(client, [target.key for target in targets])
        self._facts |= probe.facts
        self._failures |= probe.failures
        if probe.limit is None and probe.outage is None:
            self._asked |= {target.key for target in targets}
        self.probe = probe

    def facts_of(self, client: GitHubClient, outage: Outage, target: Target) -> fetch.Facts | None:
        """Return the facts of a repository; GraphQL is asked again where it had not been asked about this one."""
        if self.probe is not None and self.probe.limit is None and target.key not in self._asked:
            if outage.look_again():
                self.ask(client, [target])
            if self.probe.outage is not None:
                outage.note_graphql(self.probe.outage)
        return self._facts.get(target.key)

    def known_facts(self, target: Target) -> fetch.Facts | None:
        """Return what the probe said about a repository; no request."""
        return self._facts.get(target.key)

    def failure_of(self, target: Target) -> CollectorError | None:
        """Return what GitHub said instead of the facts of a repository."""
        return self._failures.get(target.key)


def make_plan(client: GitHubClient, targets: Sequence[Target], *, with_graphql: bool) -> Plan:
    """Ask whether anything changed, a hundred repositories at a time."""
    plan = Plan(queue=deque(targets))
    if not with_graphql:
        return plan
    plan.ask(client, targets)
    plan.told_at = client.server_time or plan.told_at
    plan.readings = change_detection.readings([target.known_id for target in targets if target.known_id])
    still: dict[Key, Mapping[str, change_detection.Reading]] = {}
    for target in targets:
        facts = plan.known_facts(target)
        readings = plan.readings.get(target.known_id or 0)
        if (
            facts is not None
            and readings is not None
            and not change_detection.loud(STREAMS, facts, readings, plan.told_at)
        ):
            still[target.key] = readings
    plan.quiet, plan.spared = frozenset(still), frozenset(change_detection.spared(still))
    return plan
