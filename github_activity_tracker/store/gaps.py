"""Records gaps: rows that GitHub counts but does not return. A recorded gap does not cost requests in every run.

A gap is stored as a ``SkippedItem`` with the reason ``not_delivered``. It is visible in the admin, where a retry can be
requested. The missing rows are requested again if GitHub's count or the number of stored rows changes, if a retry is
requested, or after a pause that doubles with each attempt. If the operator accepted a gap, its rows are requested again
only if the gap grows or a retry is requested.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.ingest.skips import clear_skips, record_skip
from core.models import Scope, SkippedItem
from github_activity_tracker.store.pages import COLLECTOR

NOT_DELIVERED = "not_delivered"
ACCEPTED = "accepted"
"""Reason of skips for differences that the operator accepted, such as rows that were deleted on purpose."""
UNSERVED = "@"
"""Separator between stream and time in the external id of a skip. GitHub did not return all items with this time."""
DOUBLINGS = 5
"""Number of attempts after which the pause no longer grows. The pause is then 2 ** 5 = 32 days.

A larger number would delay the collection of rows that GitHub returns again. A smaller number would send more requests
for rows that GitHub never returns.
"""
THREAD_STREAMS = {
    "issue_timelines": ("events",),
    "pulls": ("events", "reviews"),
    "discussions": ("discussion_comments",),
}
"""Streams that retry their incomplete items themselves, with the streams of the rows inside such an item."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """A difference between GitHub and the database in the number of rows of one stream.

    ``number`` identifies the issue, pull request or discussion. ``github`` is GitHub's count of the rows, and
    ``stored`` is the number of live rows in the database.
    """

    stream: str
    number: int
    github: int
    stored: int


class KnownGaps:
    """The open gaps of a repository, and the reasons of its open skips, which the streams themselves retry."""

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
        """Return the known reason why an item lacks rows of this stream, or an empty string if none is known."""
        gap = self._gaps.get((stream, number))
        return gap.reason if gap else self._reasons.get((stream, number), "")

    def is_due(self, gap: Gap, now: datetime) -> bool:
        """Return whether to request the missing rows of a gap now. Rows are not requested twice in one comparison."""
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
        """Record the gaps that are ``still`` open after an attempt, and clear the closed gaps.

        ``asked`` contains the gaps for which rows were requested. Returns the number of gaps that are still open.
        """
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
        """Clear the gaps of these ``numbers`` and ``streams``, except for the gaps in ``differing``."""
        open_keys, covered, of = set(differing), set(numbers), set(streams)
        for stream, number in [key for key in self._gaps if key[0] in of and key[1] in covered]:
            if (stream, number) not in open_keys:
                item = self._gaps.pop((stream, number))
                clear_skips(collector=COLLECTOR, scope=self._scope, stream=stream, external_id=item.external_id)


def clear_unserved(repository_id: int) -> None:
    """Clear the skips of times for which GitHub did not return all items. Call this after a complete comparison.

    The skips of a stream with open gaps are not cleared.
    """
    waiting = SkippedItem.objects.filter(collector=COLLECTOR, scope=str(repository_id), cleared_at=None)
    short = set(waiting.filter(reason=NOT_DELIVERED).values_list("stream", flat=True))
    for stream, name in waiting.filter(external_id__contains=UNSERVED).values_list("stream", "external_id"):
        if name.startswith(f"{stream}{UNSERVED}") and stream not in short:
            clear_skips(collector=COLLECTOR, scope=str(repository_id), stream=stream, external_id=name)


def accept(repository_id: int, gaps: Iterable[Gap]) -> int:
    """Record the differences that the operator accepts. Returns the number of these differences."""
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
    """Return a line that explains the difference to the operator."""
    text = f"GitHub counts {gap.github} {gap.stream.replace('_', ' ')} of #{gap.number}; {gap.stored} are stored"
    if gap.stream == "events" and gap.github > 250 and gap.stored >= 250:
        text += "; a timeline lists at most 250 commits of a pull request"
    return text
