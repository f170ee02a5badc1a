"""Which streams have nothing new, told by a repository's facts alone.

A stream whose sign is the same as after its last complete reading is not read. A sign counts only when its newest
change was older than ``SETTLED`` at that time: a later change within the same second would not move it.
Two things leave no trace in any sign: edits of review comments, and of labels. Those streams are read again when the
last reading is old; and in every run for the stalest ``SPARE`` of the repositories that are otherwise quiet, so that
a fleet of quiet repositories costs hardly more than one request.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core.models import Checkpoint
from github_activity_tracker.protocol_impl import GitHubState
from github_activity_tracker.store.checkpoints import COLLECTOR

QUIET = "quiet"
SETTLED = timedelta(seconds=60)
SPARE = 2
OLD = {
    "review_comments": timedelta(hours=20),
    "labels": timedelta(days=7),
    "milestones": timedelta(days=7),
    "releases": timedelta(days=7),
    "commit_comments": timedelta(days=7),
}
"""After so long a stream is read although nothing tells of a change."""
Facts = Mapping[str, Any]
PARTS = {
    "issues": ("issues", "pullRequests"),
    "issue_comments": ("issues", "pullRequests"),
    "issue_timelines": ("issues",),
    "pulls": ("pullRequests",),
    "review_comments": ("pullRequests",),
    "discussions": ("discussions",),
    "labels": ("labels",),
    "commit_comments": ("commitComments",),
    "comment_states": ("issues", "pullRequests", "commitComments"),
    "milestones": ("milestones",),
    "releases": ("releases",),
    "commits": ("pushedAt", "heads", "tags", "defaultBranchRef"),
}
"""What of the facts tells of changes in each stream."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """The sign of a stream after its last complete reading, and when that was (UTC).

    None where the newest change was too recent: such a sign is like no other.
    """

    sign: Any
    read_at: datetime


def sign(stream: str, facts: Facts) -> list[Any]:
    """What changes when the stream does."""
    return [facts.get(part) for part in PARTS[stream]]


def readings(repository_ids: Collection[int]) -> dict[int, dict[str, Reading]]:
    """The last complete readings of many repositories; one query."""
    kept = Checkpoint.objects.filter(collector=COLLECTOR, stream=QUIET, scope__in=[str(pk) for pk in repository_ids])
    return {
        int(scope): {
            stream: Reading(sign=told["sign"], read_at=datetime.fromisoformat(told["read_at"]))
            for stream, told in extras.items()
        }
        for scope, extras in kept.values_list("scope", "extras")
    }


def loud(streams: Iterable[str], facts: Facts, known: Mapping[str, Reading], now: datetime) -> list[str]:
    """The streams that must be read."""
    return [
        stream
        for stream in streams
        if stream not in known
        or _is_unknown(stream, facts)
        or known[stream].sign != sign(stream, facts)
        or now - known[stream].read_at > OLD.get(stream, timedelta.max)
    ]


def _is_unknown(stream: str, facts: Facts) -> bool:
    """Return whether the facts leave out what the stream is judged by, as those of a server that lacks a field do."""
    return any(part not in facts for part in PARTS[stream])


def in_turn(streams: Sequence[str], known: Mapping[str, Reading]) -> list[str]:
    """Return streams in the order in which they are read: those first that were not read to their end for longest.

    In a run of few requests, streams that are complete leave their turn to those behind them.
    """
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(streams, key=lambda stream: known[stream].read_at if stream in known else never)


def spared(quiet: Mapping[tuple[str, str], Mapping[str, Reading]]) -> set[tuple[str, str]]:
    """The keys of those quiet repositories whose review comments are read in this run all the same."""
    by_age = sorted(
        (known["review_comments"].read_at, key) for key, known in quiet.items() if "review_comments" in known
    )
    return {key for _, key in by_age[:SPARE]}


def readings_to_save(read: Sequence[str], facts: Facts, known: Mapping[str, Reading], at: datetime) -> GitHubState:
    """The state that remembers what was read to its end after the facts were told at ``at``."""
    told = {stream: reading for stream, reading in known.items() if stream not in read}
    told |= {
        stream: Reading(sign=sign(stream, facts) if _is_settled(stream, facts, at) else None, read_at=at)
        for stream in read
    }
    return GitHubState(
        extras={stream: {"sign": one.sign, "read_at": one.read_at.isoformat()} for stream, one in told.items()}
    )


def _is_settled(stream: str, facts: Facts, at: datetime) -> bool:
    """Whether the newest change is old enough that another one at the same second is out of question."""
    times = [str(facts["pushedAt"])] if stream == "commits" and facts.get("pushedAt") else []
    for part in sign(stream, facts):
        nodes: Any = part.get("nodes") if isinstance(part, dict) else None
        times += [str(node["updatedAt"]) for node in nodes or () if node and node.get("updatedAt")]
    return all(datetime.fromisoformat(time) < at - SETTLED for time in times)
