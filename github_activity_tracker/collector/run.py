"""What the streams of one repository share during a run: the client, the options, counts, progress and skips."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.collectors.progress import Progress
from core.ingest.records import PageResult
from core.ingest.skips import clear_skips, record_skip
from core.models import Scope
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker.collector.options import CollectOptions
from github_activity_tracker.protocol_impl import CONTINUED, SHORTFALL, GitHubState
from github_activity_tracker.store.pages import COLLECTOR, load_state, record_refused, shortfalls


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One repository during a run.

    ``node_id`` is empty while GraphQL cannot be used; ``facts`` is None where GraphQL returned none. ``probed_at`` is
    the time of the facts by GitHub's clock.
    """

    client: GitHubClient
    scope: Scope
    node_id: str
    facts: Mapping[str, Any] | None
    probed_at: datetime
    options: CollectOptions
    counts: Counter[str]
    progress: Progress
    small_steps: bool
    """Whether the previous run was killed: then the first pages are small, so that this run stores something."""
    continued: bool = False
    """Whether the previous run ended before it had compared totals."""

    @property
    def repository_id(self) -> int:
        """GitHub's numeric id."""
        return int(self.scope.external_id)

    def start(self, stream: str) -> GitHubState:
        """Return the checkpoint of a stream; with ``--full`` the beginning."""
        return GitHubState() if self.options.full else load_state(self.repository_id, stream)

    def count(self, stream: str, stored: PageResult, *, pages: int = 1) -> None:
        """Add the result of a write to the counts; each of the ``pages`` that it covered moves the progress.

        ``pages`` is 0 for items inside those of another stream: the progress counts items of that stream only.
        """
        self.counts[stream] += stored.seen
        for name in ("inserted", "updated", "deleted", "malformed"):
            self.counts[f"{stream}_{name}"] += getattr(stored, name)
        for page in range(pages):
            self.progress.advance(stored.seen * (page + 1) // pages - stored.seen * page // pages)
        self.client.share_budgets()

    def skip(self, stream: str, external_id: str, reason: str, detail: str, payload: Any = None) -> None:
        """Record an item that GitHub did not show, and count it."""
        self.counts[f"{stream}_{'incomplete' if reason == 'incomplete' else 'refused'}"] += 1
        record_skip(
            collector=COLLECTOR, scope=self.scope.external_id, stream=stream, external_id=external_id[:300],
            reason=reason, detail=detail, payload=payload,
        )  # fmt: skip

    def skip_refused(self, stream: str, items: Sequence[Mapping[str, Any]]) -> None:
        """Record items that GitHub refuses to show even without their nested lists."""
        for item in items:
            self.counts[f"{stream}_refused"] += 1
            record_refused(self.scope, stream, f"{stream}:{item['number']}")


class Shortfalls:
    """Records the items of a stream whose nested lists arrived incomplete, and clears them once they arrive complete.

    The payload of the skip holds the item's node id and the short lists. A shortfall that did not change is not
    recorded again: some lists never agree with their totals, such as the timelines of pull requests with more than 250
    commits.
    """

    def __init__(self, run: Run, stream: str) -> None:
        self.run, self.stream = run, stream
        self.known = shortfalls(run.repository_id, stream)

    def known_lists(self) -> dict[str, object]:
        """Return the short lists by the node id of their item."""
        return {str(payload.get("id")): payload.get("lists") for payload in self.known.values()}

    def record(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Record new and changed shortfalls of these items, and clear the shortfalls of complete items."""
        for item in items:
            name = f"{self.stream}:{item.get('number')}"
            shortfall: Any = item.get(SHORTFALL)
            if shortfall is None:
                if name in self.known and not item.get(CONTINUED):
                    clear_skips(
                        collector=COLLECTOR, scope=self.run.scope.external_id, stream=self.stream,
                        external_id=name,
                    )  # fmt: skip
                    del self.known[name]
                continue
            payload = {"id": item.get("id"), "lists": shortfall["lists"], "detail": shortfall["detail"]}
            if self.known.get(name) != payload:
                self.run.skip(self.stream, name, shortfall["reason"], shortfall["detail"], payload)
                self.known[name] = payload
