"""Compares the number of stored rows with GitHub's total for each stream that has one. Stores and repairs nothing."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from core.operations.github_ops.client import GitHubClient
from github_activity_tracker.collector.compare import discussion_counts, github_counts
from github_activity_tracker.collector.run import Target
from github_activity_tracker.fetch.reconcile import totals_pages
from github_activity_tracker.fetch.repositories import probe_repositories
from github_activity_tracker.models import (
    CommitComment,
    Discussion,
    DiscussionComment,
    GitRef,
    Issue,
    IssueComment,
    Label,
    Milestone,
    Release,
    Review,
    ReviewComment,
    TimelineEvent,
)
from github_activity_tracker.store.gaps import Gap, KnownGaps
from github_activity_tracker.store.reconcile import live_counts, live_numbers

PER_THREAD = ("issue_comments", "reviews", "review_comments", "events")
MODELS: dict[str, type[models.Model]] = {
    "issue_comments": IssueComment,
    "review_comments": ReviewComment,
    "reviews": Review,
    "events": TimelineEvent,
    "commit_comments": CommitComment,
    "releases": Release,
    "labels": Label,
    "milestones": Milestone,
    "discussions": Discussion,
    "discussion_comments": DiscussionComment,
}
SHOWN_NUMBERS = 10
"""Maximum number of differing items that a line names. Of further items, a line gives only the number."""


WHOLE_LISTS = {
    "releases": "releases", "labels": "labels", "milestones": "milestones", "commit_comments": "commitComments",
}  # fmt: skip
"""Streams that are compared by their total only, not item by item. The values are the names of the totals in the facts.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """The result of the comparison for one stream of one repository.

    ``kept`` is the number of live rows, and ``deleted`` the number of tombstones. ``github`` is GitHub's total, or None
    if GitHub does not return it. ``gaps`` are the differences without a recorded reason. ``known`` is the number of
    differences for each reason that a skip records.
    """

    repository: str
    stream: str
    kept: int
    deleted: int
    github: int | None
    repository_id: int = 0
    gaps: list[Gap] = field(default_factory=list[Gap])
    known: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def agrees(self) -> bool:
        """Whether the number of live rows equals GitHub's total and no item differs."""
        return self.kept == self.github and not self.gaps and not self.known

    @property
    def is_explained(self) -> bool:
        """Whether the numbers agree, or each differing item has a recorded reason."""
        return self.agrees or (bool(self.known) and not self.gaps)

    @property
    def verdict(self) -> str:
        """A phrase that describes the differences. Empty if the numbers agree."""
        if self.agrees:
            return ""
        numbers = ", ".join(f"#{gap.number}" for gap in self.gaps[:SHOWN_NUMBERS])
        more = f" and {len(self.gaps) - SHOWN_NUMBERS} more" if len(self.gaps) > SHOWN_NUMBERS else ""
        known = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in sorted(self.known.items()))
        parts = [
            "" if self.is_explained else f"differs: {numbers}{more}" if numbers else "differs",
            f"known: {known}" if known else "",
        ]
        return "; ".join(part for part in parts if part)


def audit(client: GitHubClient, wanted: list[Target]) -> Iterator[Line]:
    """Yield a line for each stream with a total, one repository after the other.

    A repository without facts has a single line, with ``repository`` as its stream. One request reads 100 issues, 100
    pull requests or 25 discussions.
    """
    facts = probe_repositories(client, [target.key for target in wanted]).facts
    for target in wanted:
        known_facts = facts.get(target.key)
        if known_facts is None:
            yield Line(repository=target.full_name, stream="repository", kept=0, deleted=0, github=None)
            continue
        yield from _repository(client, target.full_name, known_facts)


def _repository(client: GitHubClient, full_name: str, facts: Mapping[str, Any]) -> Iterator[Line]:
    repository_id = int(facts["databaseId"])
    tallies = _tallies(client, full_name, str(facts["id"]), repository_id)
    for stream, part in (("issues", "issues"), ("pulls", "pullRequests"), ("discussions", "discussions")):
        yield _line(full_name, repository_id, stream, _total(facts, part), tallies[stream])
    for stream in (*PER_THREAD, "discussion_comments"):
        tally = tallies[stream]
        yield _line(full_name, repository_id, stream, tally.github, tally)
    for stream, part in WHOLE_LISTS.items():
        if part in facts:
            yield _line(full_name, repository_id, stream, _total(facts, part), Tally())
    refs = GitRef.objects.filter(repository_id=repository_id)
    branches = [_total(facts, part) for part in ("heads", "tags")]
    yield Line(
        repository=full_name, stream="branches_and_tags", deleted=0,
        kept=refs.filter(name__startswith="refs/heads/").count() + refs.filter(name__startswith="refs/tags/").count(),
        github=None if None in branches else sum(total or 0 for total in branches),
    )  # fmt: skip


@dataclass(kw_only=True)
class Tally:
    """The differences between GitHub and the stored rows of one stream.

    ``github`` is the sum of GitHub's totals for the comments, reviews or events of all items. It stays 0 for the items.
    ``gaps`` are the differences without a recorded reason. ``known`` counts the other differences by reason.
    """

    github: int = 0
    gaps: list[Gap] = field(default_factory=list[Gap])
    known: Counter[str] = field(default_factory=Counter[str])


def _tallies(client: GitHubClient, full_name: str, node_id: str, repository_id: int) -> dict[str, Tally]:
    """Compare all issues, pull requests and discussions with their stored rows. Return a tally for each stream."""
    gaps = KnownGaps(repository_id)
    tallies = {name: Tally() for name in ("issues", "pulls", "discussions", *PER_THREAD, "discussion_comments")}
    for name in ("issues", "pulls", "discussions"):
        live = live_numbers(repository_id, name)
        listed: set[int] = set()
        for page in totals_pages(client, name, node_id, full_name):
            items = {int(item["number"]): item for item in page.items}
            listed |= items.keys()
            differences = [
                Gap(stream=name, number=number, github=1, stored=0) for number in items if number not in live
            ]
            if name == "discussions":
                counts = discussion_counts(repository_id, items)
            else:
                stored = live_counts(repository_id, items)
                counts = [
                    Gap(stream=stream, number=number, github=total, stored=stored[stream][number])
                    for number, item in items.items() for stream, total in github_counts(name, item).items()
                ]  # fmt: skip
            for gap in counts:
                tallies[gap.stream].github += gap.github
            differences += [gap for gap in counts if gap.github != gap.stored]
            _note(tallies, differences, gaps)
        extra = [Gap(stream=name, number=number, github=0, stored=1) for number in live if number not in listed]
        _note(tallies, extra, gaps)
    return tallies


def _note(tallies: Mapping[str, Tally], differences: Iterable[Gap], known: KnownGaps) -> None:
    """Add differences to the tallies. A difference with a recorded reason is only counted."""
    for gap in differences:
        if reason := known.reason(gap.stream, gap.number):
            tallies[gap.stream].known[reason] += 1
        else:
            tallies[gap.stream].gaps.append(gap)


def _total(facts: Mapping[str, Any], part: str) -> int | None:
    total = (facts.get(part) or {}).get("totalCount")
    return total if isinstance(total, int) else None


def _line(full_name: str, repository_id: int, stream: str, total: int | None, tally: Tally) -> Line:
    rows = _rows(stream, repository_id)
    alive = rows.filter(deleted_at=None).count()
    return Line(
        repository=full_name, stream=stream, kept=alive, deleted=rows.count() - alive, github=total,
        repository_id=repository_id, gaps=tally.gaps, known=dict(tally.known),
    )  # fmt: skip


def _rows(stream: str, repository_id: int) -> "models.QuerySet[models.Model]":
    if stream in ("issues", "pulls"):
        return Issue.objects.filter(repository_id=repository_id, is_pull_request=stream == "pulls")  # pyright: ignore[reportReturnType]  # a query set of a subclass
    return MODELS[stream]._default_manager.filter(repository_id=repository_id)
