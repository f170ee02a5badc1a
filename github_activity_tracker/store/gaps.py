"""Gaps: items that GitHub counts and does not deliver. Saved, so that a gap does not cost requests in every run.

A gap is a ``SkippedItem`` with the reason ``not_delivered``: visible in the admin, where a retry can be requested.
It is tried again when one of its numbers changes, when a retry is requested, or after a pause that doubles with
each attempt. A gap that the operator accepted is tried again only when it grows or when a retry is requested.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.ingest.skips import clear_skips, record_skip
from core.models import Scope, SkippedItem
from github_activity_tracker.store.pages import COLLECTOR

NOT_DELIVERED = "not_delivered"
ACCEPTED = "accepted"
"""A difference that the operator accepted, such as rows that were deleted here on purpose."""
UNSERVED = "@"
"""Separates stream and instant in the name of a skip for items that GitHub lists at that instant and does not serve."""
LONGEST_PAUSE = timedelta(days=32)
"""Maximum pause between two attempts."""
DOUBLINGS = 5
"""Attempts after which the pause no longer grows: 2 ** 5 days."""
THREAD_STREAMS = {
    "issue_timelines": ("events",),
    "pulls": ("events", "reviews"),
    "discussions": ("discussion_comments",),
}
"""Streams that retry their own incomplete items, and the contents of such an item."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """One issue, pull request or discussion with a number of rows of one stream that differs from GitHub's."""

    stream: str
    number: int
    github: int
    stored: int


class KnownGaps:
    """The open gaps of a repository, and the items that their own streams retry."""

    def __init__(self, repository_id: int) -> None:
        self._scope = str(repository_id)
        self._gaps: dict[tuple[str, int], SkippedItem] = {}
        self._reasons: dict[tuple[str, int], str] = {}
        self._asked: set[tuple[str, int]] = set()
        for item in SkippedItem.objects.filter(collector=COLLECTOR, scope=self._scope, cleared_at=None):
            number = item.external_id.rpartition(":")[2]
            if not number.isdecimal():
                continue
            if item.reason in {NOT_DELIVERED, ACCEPTED}:
                self._gaps[item.stream, int(number)] = item
            else:
                for stream in (*THREAD_STREAMS.get(item.stream, ()), item.stream):
                    self._reasons[stream, int(number)] = item.reason

    def reason(self, stream: str, number: int) -> str:
        """Return why rows of this stream are known to be missing there; empty when they are not."""
        gap = self._gaps.get((stream, number))
        return gap.reason if gap else self._reasons.get((stream, number), "")

    def is_due(self, gap: Gap, now: datetime) -> bool:
        """Return whether a difference should be tried (again); once in a comparison is enough."""
        known = self._gaps.get((gap.stream, gap.number))
        if (gap.stream, gap.number) in self._asked:
            return False
        if known is None:
            return (gap.stream, gap.number) not in self._reasons
        if known.retry_requested_at:
            return True
        if known.reason == ACCEPTED:
            return gap.github - gap.stored > known.payload["github"] - known.payload["stored"]
        if known.payload != _numbers(gap):
            return True
        return now >= known.last_seen_at + timedelta(days=2 ** min(known.attempts, DOUBLINGS))

    def settle(self, scope: Scope, asked: Collection[Gap], still: Iterable[Gap]) -> int:
        """Record the gaps that are ``still`` open after an attempt, and clear the others; return how many remain."""
        self._asked |= {(gap.stream, gap.number) for gap in asked}
        remaining = {(gap.stream, gap.number): gap for gap in still}
        for gap in asked:
            key = (gap.stream, gap.number)
            if key not in remaining and key in self._gaps:
                clear_skips(collector=COLLECTOR, scope=self._scope, stream=gap.stream, external_id=_name(gap))
                del self._gaps[key]
        for gap in remaining.values():
            record_skip(
                collector=COLLECTOR, scope=scope.external_id, stream=gap.stream, external_id=_name(gap),
                reason=NOT_DELIVERED, detail=_explain(gap), payload=_numbers(gap),
            )  # fmt: skip
        return len(remaining)

    def clear_closed(
        self, differing: Iterable[tuple[str, int]], numbers: Iterable[int], streams: Iterable[str]
    ) -> None:
        """Clear gaps of these numbers and streams that no longer exist."""
        open_keys, covered, of = set(differing), set(numbers), set(streams)
        for stream, number in [key for key in self._gaps if key[0] in of and key[1] in covered]:
            if (stream, number) not in open_keys:
                item = self._gaps.pop((stream, number))
                clear_skips(collector=COLLECTOR, scope=self._scope, stream=stream, external_id=item.external_id)


def clear_unserved(repository_id: int) -> None:
    """Clear the skips of instants that GitHub did not serve completely, after a comparison of everything.

    Skips of a stream of which GitHub still counts more than is stored stay.
    """
    waiting = SkippedItem.objects.filter(collector=COLLECTOR, scope=str(repository_id), cleared_at=None)
    short = set(waiting.filter(reason=NOT_DELIVERED).values_list("stream", flat=True))
    for stream, name in waiting.filter(external_id__contains=UNSERVED).values_list("stream", "external_id"):
        if name.startswith(f"{stream}{UNSERVED}") and stream not in short:
            clear_skips(collector=COLLECTOR, scope=str(repository_id), stream=stream, external_id=name)


def accept(repository_id: int, gaps: Iterable[Gap]) -> int:
    """Record differences that the operator accepts; return how many."""
    accepted = list(gaps)
    for gap in accepted:
        record_skip(
            collector=COLLECTOR, scope=str(repository_id), stream=gap.stream, external_id=_name(gap),
            reason=ACCEPTED, detail=f"{_explain(gap)}; accepted by the operator", payload=_numbers(gap),
        )  # fmt: skip
    return len(accepted)


def _name(gap: Gap) -> str:
    return f"{gap.stream}:{gap.number}"


def _numbers(gap: Gap) -> dict[str, int]:
    return {"github": gap.github, "stored": gap.stored}


def _explain(gap: Gap) -> str:
    """Return one line about the difference for the operator."""
    text = f"GitHub counts {gap.github} {gap.stream.replace('_', ' ')} of #{gap.number}; {gap.stored} are stored"
    if gap.stream == "events" and gap.github > 250 and gap.stored >= 250:
        text += "; a timeline lists at most 250 commits of a pull request"
    return text
