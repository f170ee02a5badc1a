"""Options of a run, the repositories that they select, and the state that the streams of one repository share."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import F

from core.collectors.progress import Progress
from core.errors import ConfigurationError
from core.ingest.records import PageResult
from core.ingest.skips import clear_skips, record_skip
from core.models import Scope
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker.models import Repository
from github_activity_tracker.protocol_impl import CONTINUED, SHORTFALL, GitHubState
from github_activity_tracker.store.pages import COLLECTOR, load_state, record_refused, shortfalls

NAME = re.compile(r"(?:https?://[^/]+/)?([A-Za-z0-9][\w.-]*/[\w.-]+?)(?:\.git)?/?")
"""Matches ``owner/name``, or the web or git URL of a repository. The group is ``owner/name``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectOptions:
    """The options of ``collect_github``.

    ``since`` must have a time zone. ``max_requests`` and ``max_seconds`` limit the run, unless they are ``None``.
    """

    repositories: Sequence[str] = ()
    organisations: Sequence[str] = ()
    streams: Sequence[str] = ()
    since: datetime | None = None
    full: bool = False
    reconcile: bool = False
    git_only: bool = False
    max_requests: int | None = None
    max_seconds: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A repository to collect. ``known_id`` and ``node_id`` are from an earlier run.

    ``named`` means that an operator wrote the name, as an argument or in GITHUB_REPOS. The operator then means the
    repository that has this name today.
    """

    full_name: str
    known_id: int | None = None
    node_id: str = ""
    named: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Key of the target in a probe.

        It includes the node id, because several repositories may have had the same name.
        """
        return self.full_name, self.node_id


def select_targets(names: Sequence[str]) -> list[Target]:
    """Return the named repositories. By default, return the repositories in GITHUB_REPOS or enabled in the admin.

    Repositories that were never completed come first, then the repositories with the oldest completion. Raises
    ``ConfigurationError`` if there is no repository or a name is invalid.
    """
    operator_names = [full_name(name) for name in names or settings.GITHUB_REPOS]
    wanted = list(operator_names)
    if not names:
        wanted += Repository.objects.filter(enabled=True, deleted_at=None).values_list("full_name", flat=True)
    if not wanted:
        raise ConfigurationError(
            "There is nothing to collect. Name a repository (collect_github owner/name), set GITHUB_REPOS, "
            "or enable one in the admin."
        )
    unique = {name.lower(): name for name in reversed(wanted)}
    named = {name.lower() for name in operator_names}
    known: dict[str, list[tuple[int, str]]] = {}
    stored = Repository.objects.filter(deleted_at=None, id__gt=0).order_by("-updated_at", "-pk")
    for pk, name, node_id in stored.values_list("id", "full_name", "node_id"):
        if name.lower() in unique:
            known.setdefault(name.lower(), []).append((pk, node_id))
    ids = [str(pk) for same_name in known.values() for pk, _ in same_name]
    by_age = Scope.objects.filter(source_system="github", external_id__in=ids)
    stalest = by_age.order_by(F("last_completed_at").asc(nulls_first=True)).values_list("external_id", flat=True)
    order = {external_id: position for position, external_id in enumerate(stalest)}
    nothing: list[tuple[int | None, str]] = [(None, "")]
    result = [
        Target(full_name=name, known_id=known_id, node_id=node_id, named=key in named)
        for key, name in unique.items()
        for known_id, node_id in known.get(key, nothing)
    ]
    return sorted(result, key=lambda target: order.get(str(target.known_id), -1))


def full_name(text: str) -> str:
    """Return ``owner/name`` from a name or a URL. Raises ConfigurationError for anything else."""
    match = NAME.fullmatch(text.strip())
    if match is None or match[1].endswith(("/.", "/..")):
        raise ConfigurationError(f"{text!r} is not a repository. Write owner/name, such as django/django.")
    return match[1]


def provisional_id(full_name: str) -> int:
    """Return an artificial id for a repository that is not requested from GitHub.

    The id is negative. The same name always gets the same id.
    """
    digest = hashlib.blake2b(full_name.lower().encode(), digest_size=6).digest()
    return -1 - int.from_bytes(digest)


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """The state of one repository during a run.

    ``node_id`` is empty if GraphQL cannot be used. ``facts`` is None if GraphQL returned no facts. ``probed_at`` is the
    time at which the facts were requested, according to GitHub's clock.
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
    """Whether the previous run was interrupted. If so, the first pages are small, so that this run stores something."""
    continued: bool = False
    """Whether the previous run ended before it compared totals."""

    @property
    def repository_id(self) -> int:
        """GitHub's numeric id of the repository, or the artificial id of ``provisional_id``."""
        return int(self.scope.external_id)

    def start(self, stream: str) -> GitHubState:
        """Return the checkpoint of a stream. With ``--full``, return an empty checkpoint."""
        return GitHubState() if self.options.full else load_state(self.repository_id, stream)

    def count(self, stream: str, stored: PageResult, *, pages: int = 1) -> None:
        """Add the result of a write to the counts, and advance the progress once per page.

        ``pages`` is the number of pages in the write. It is 0 for items that are nested in items of another stream,
        because the progress counts only the items of that other stream.
        """
        self.counts[stream] += stored.seen
        for name in ("inserted", "updated", "deleted", "malformed"):
            self.counts[f"{stream}_{name}"] += getattr(stored, name)
        for page in range(pages):
            self.progress.advance(stored.seen * (page + 1) // pages - stored.seen * page // pages)
        self.client.share_budgets()

    def skip(self, stream: str, external_id: str, reason: str, detail: str, payload: Any = None) -> None:
        """Record and count an item that GitHub did not return or returned incompletely."""
        self.counts[f"{stream}_{'incomplete' if reason == 'incomplete' else 'refused'}"] += 1
        record_skip(
            collector=COLLECTOR, scope=self.scope.external_id, stream=stream, external_id=external_id[:300],
            reason=reason, detail=detail, payload=payload,
        )  # fmt: skip

    def skip_refused(self, stream: str, items: Sequence[Mapping[str, Any]]) -> None:
        """Record items for which GitHub refuses even a query of their own, because their nested lists are too large."""
        for item in items:
            self.counts[f"{stream}_refused"] += 1
            record_refused(self.scope, stream, f"{stream}:{item['number']}")


class Shortfalls:
    """Records items with incomplete nested lists as skips, and clears the skips when the lists are complete.

    The payload of a skip contains the item's node id and the incomplete lists. An unchanged shortfall is not recorded
    again, because some lists never agree with their totals. An example is the timeline of a pull request with more than
    250 commits.
    """

    def __init__(self, run: Run, stream: str) -> None:
        self.run, self.stream = run, stream
        self.known = shortfalls(run.repository_id, stream)

    def known_lists(self) -> dict[str, object]:
        """Return the recorded incomplete lists of each item, by the item's node id."""
        return {str(payload.get("id")): payload.get("lists") for payload in self.known.values()}

    def record(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Record new and changed shortfalls of these items. Clear the shortfalls of complete items."""
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
