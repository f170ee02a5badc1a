"""Brings a namespace of the index in step with the documents; may be killed anywhere, and run by several at once.

What waits is in ``queue``; what order a write has is told in ``writing``.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta

from django.utils import timezone

from core.db.locks import require_own_session
from core.errors import BudgetExhausted, DocumentRefused
from core.logs.redaction import redact
from core.models import IndexEntry
from core.operations.bounds import earlier_end
from core.search.documents import DocumentSource
from core.search.frequencies import refresh_common_words
from core.search.holders import holder_name, introduce
from core.search.namespaces import Target, finish_dropping, serving_or_new, writable
from core.search.preparing import prepare
from core.search.queue import batches, due, entries_of, queue_missing, waiting
from core.search.results import SyncResult
from core.search.writing import Work, write_batch

logger = logging.getLogger(__name__)
NEWS = 30.0
"""Seconds between two lines of the log about a long work."""
FIRST_PAUSE, LONGEST_PAUSE = 10, 24 * 60
"""Minutes until a document that was refused is tried again; each refusal doubles them."""


Progress = Callable[[int, int | None], None]
"""Called with the chunks that are done and their estimated total; ``None`` while nothing is known of it."""


def sync(
    sources: Sequence[DocumentSource],
    *,
    max_seconds: float | None = None,
    progress: Progress | None = None,
    wait: float | None = None,
) -> SyncResult:
    """Index every changed document of these sources, also those that an earlier run left.

    ``progress`` is called for every 64 chunks, and after each batch of documents. ``wait``: seconds to wait at most
    until queries see all of it.
    """
    require_own_session()
    began = time.monotonic()
    target = serving_or_new()
    finish_dropping()
    introduce()
    holders: list[str] = []
    deadline = earlier_end(None if max_seconds is None else began + max_seconds)
    counts = fill(target, sources, deadline, progress, holders)
    if deadline is None or time.monotonic() < deadline:
        refresh_common_words()
    fresh = True
    if wait is not None:
        target.namespace.refresh_from_db()
        fresh = target.index.wait(target.namespace.lsn, wait)
    return SyncResult(
        documents=counts["documents"], deleted=counts["deleted"], chunks_embedded=counts["chunks_embedded"],
        chunks_reused=max(0, counts["chunks"] - counts["chunks_embedded"]), chunks_sent=counts["chunks_sent"],
        failed=counts["failed"], held=counts["held"], holder=next(iter(holders), ""), remaining=waiting(target).count(),
        fresh=fresh, seconds=time.monotonic() - began,
    )  # fmt: skip


def fill(
    target: Target,
    sources: Sequence[DocumentSource],
    deadline: float | None,
    progress: Progress | None = None,
    holders: list[str] | None = None,
) -> Counter[str]:
    """Work off the queue of one namespace once; ``deadline`` is a time of the monotonic clock.

    ``holders`` takes the name of another process that works on documents of the queue.
    """
    counts: Counter[str] = Counter()
    by_system = {source.source_system: source for source in sources}
    queue_missing(target, by_system)
    queue = due(target, by_system)
    work, news = IndexProgress(queue.count(), progress), time.monotonic()
    with closing(batches(target, by_system, queue, counts, deadline)) as found:
        for batch in found:
            if holders is not None and not holders and counts["held"] and (name := holder_name()):
                holders.append(name)
            if deadline is not None and time.monotonic() >= deadline:
                break
            with writable(target.namespace) as alive:
                if not alive:  # it was replaced by another
                    break
                try:
                    works = batch.cut.result()
                    work.begin(sum(len(one.after) for one in works), batch.size)
                    _write(target, by_system, works, counts, deadline, work.embedded)
                except BudgetExhausted:
                    break
            work.end()
            if time.monotonic() - news > NEWS:
                news = time.monotonic()
                logger.info("index sync %s", work.in_words())
    return counts


class IndexProgress:
    """How far the index is, in chunks. The total is estimated from the documents that have been cut."""

    def __init__(self, documents: int, report: Progress | None) -> None:
        self.documents, self.report, self.began = documents, report, time.monotonic()
        self.done_documents = self.done = self.reported = 0
        self.batch_documents = self.batch = 0

    @property
    def total(self) -> int:
        """The estimated number of chunks; at least those that are known."""
        known, cut = self.done + self.batch, self.done_documents + self.batch_documents
        return known + round(known / max(1, cut) * max(0, self.documents - cut))

    def begin(self, chunks: int, documents: int) -> None:
        """Begin a batch that has been cut."""
        self.batch, self.batch_documents = chunks, documents
        self._send(self.done)

    def embedded(self, chunks: int) -> None:
        """Report chunks of this batch that have their vectors."""
        self._send(min(self.reported + chunks, self.done + self.batch))

    def end(self) -> None:
        """End a batch; chunks that had vectors already are done as well."""
        self.done, self.done_documents = self.done + self.batch, self.done_documents + self.batch_documents
        self.batch = self.batch_documents = 0
        self._send(self.done)

    def _send(self, done: int) -> None:
        self.reported = done
        if self.report:
            self.report(done, self.total or None)

    def in_words(self) -> str:
        """Return one line for the log."""
        left = max(0, self.total - self.done) * (time.monotonic() - self.began) / max(1, self.done)
        documents = f"documents={self.done_documents} of={self.documents}"
        return f"{documents} chunks={self.done} of={self.total} seconds_left={left:.0f}"


def _write(
    target: Target,
    sources: dict[str, DocumentSource],
    works: Sequence[Work],
    counts: Counter[str],
    deadline: float | None,
    embedded: Callable[[int], None] | None = None,
) -> None:
    """Bring claimed documents in; when one is refused, halves, down to that one, read anew."""
    if not works:
        return
    try:
        write_batch(target, works, counts, deadline, embedded)
    except DocumentRefused as refusal:
        if len(works) == 1:
            _set_aside(works[0].entry, refusal, counts)
            return
        half = len(works) // 2
        for some in (works[:half], works[half:]):
            again = entries_of(target, [work.entry.document_id for work in some])
            _write(target, sources, prepare(again, sources), counts, deadline)


def _set_aside(entry: IndexEntry, refusal: DocumentRefused, counts: Counter[str]) -> None:
    """Keep the words of the refusal; the document is tried again later and later."""
    pause = timedelta(minutes=min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(entry.attempts, 10)))
    words = redact(str(refusal))[:1000]
    IndexEntry.objects.filter(pk=entry.pk).update(
        attempts=entry.attempts + 1, state="failed", last_error=words, next_try_at=timezone.now() + pause
    )
    counts["failed"] += 1
    logger.warning("document refused id=%s reason=%s", entry.document.external_id, words)
