"""Bring a namespace of the index in step with the documents.

Several processes can run a sync at the same time, and each can be killed at any time. ``queue`` selects the documents,
and ``writing`` writes them in a safe order of steps.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from core.db.locks import require_own_session
from core.errors import BudgetExhausted, DocumentRefused
from core.logs import redact
from core.models import IndexEntry
from core.operations.bounds import earlier_end
from core.operations.output import duration_in_words, number_of
from core.search.documents import DocumentSource
from core.search.namespaces import Target, finish_dropping, serving_or_new, writable
from core.search.query.text import refresh_common_words
from core.search.queue import (
    Batch,
    due_entries,
    load_entries,
    name_session,
    not_in_step,
    other_session_name,
    queue_missing,
    read_batches,
)
from core.search.refusals import document_errors
from core.search.updates import DocumentUpdate, prepare_updates
from core.search.vectors import remove_unused_vectors
from core.search.writing import write_batch

logger = logging.getLogger(__name__)
LOG_INTERVAL = 30.0
"""Minimum number of seconds between two log lines of a long sync, so that a sync of an hour writes about 120 lines."""
FIRST_PAUSE, LONGEST_PAUSE = 10, 24 * 60
"""Minimum and maximum number of minutes until a refused document is tried again. Each refusal doubles the pause, so
that a document that is always refused is tried once a day."""


ReportProgress = Callable[[int, int | None], None]
"""Function that is called with two numbers: the finished chunks, and the estimated total (``None`` if it is
unknown)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncResult:
    """The numbers of documents and chunks that a sync processed.

    ``remaining`` is the number of documents that must still be indexed, because the time limit was reached, another
    process works on them, or they failed. ``held`` is the number of documents on which other processes work, and
    ``holder`` is the name of one of these processes. ``fresh`` is whether queries see everything that was written.
    """

    documents: int = 0
    deleted: int = 0
    chunks_embedded: int = 0
    chunks_reused: int = 0
    chunks_sent: int = 0
    failed: int = 0
    held: int = 0
    holder: str = ""
    remaining: int = 0
    fresh: bool = True
    seconds: float = 0.0

    @property
    def idle(self) -> bool:
        """Return whether this sync processed no documents because other processes had claimed them."""
        return bool(self.held) and not self.documents + self.deleted + self.failed

    def in_words(self) -> str:
        """Return a summary in one line."""
        if self.idle:
            who = self.holder or "another process"
            return f"{who} is indexing {number_of(self.remaining, 'document')}; this run had nothing to index"
        if not self.documents + self.deleted + self.failed + self.remaining:
            return "up to date, nothing new" + ("" if self.fresh else "; queries do not see all changes yet")
        chunks = f"{number_of(self.chunks_embedded, 'chunk')} embedded, {self.chunks_reused:,} reused"
        parts = [f"{number_of(self.documents, 'document')} indexed ({chunks})"]
        parts += [f"{number_of(self.deleted, 'document')} removed"] if self.deleted else []
        parts += [f"{number_of(self.failed, 'document')} refused"] if self.failed else []
        waiting = self.remaining - self.failed
        parts += [f"{number_of(waiting, 'document')} still to index" + self._reason()] if waiting > 0 else []
        parts += [] if self.fresh else ["queries do not see all changes yet"]
        return f"{', '.join(parts)}, {duration_in_words(self.seconds)}"

    def _reason(self) -> str:
        return f" ({self.holder} works on {self.held:,})" if self.held and self.holder else ""


def sync(
    sources: Sequence[DocumentSource],
    *,
    max_seconds: float | None = None,
    progress: ReportProgress | None = None,
    wait: float | None = None,
    compare: bool = False,
) -> SyncResult:
    """Index every changed document of these sources, including documents that an earlier run did not finish.

    With ``compare``, the index is read before documents with unknown contents are written, so that only chunks that
    differ are written.

    ``progress`` is called after every 64 to 256 embedded chunks, and before and after each batch of documents. ``wait``
    is the maximum number of seconds to wait until queries see everything.
    """
    require_own_session()
    began = time.monotonic()
    target = serving_or_new()
    finish_dropping()
    name_session()
    other_sessions: list[str] = []
    deadline = earlier_end(None if max_seconds is None else began + max_seconds)
    counts = fill(target, sources, deadline, progress, other_sessions, compare=compare)
    if (deadline is None or time.monotonic() < deadline) and refresh_common_words() and not _is_unfinished(target):
        remove_unused_vectors(deadline)
    fresh = True
    if wait is not None:
        target.namespace.refresh_from_db()
        fresh = target.index.wait(target.namespace.lsn, wait)
    return SyncResult(
        documents=counts["documents"], deleted=counts["deleted"], chunks_embedded=counts["chunks_embedded"],
        chunks_reused=max(0, counts["chunks"] - counts["chunks_embedded"]), chunks_sent=counts["chunks_sent"],
        failed=counts["failed"], held=counts["held"], holder=next(iter(other_sessions), ""),
        remaining=not_in_step(target).count(), fresh=fresh, seconds=time.monotonic() - began,
    )  # fmt: skip


def _is_unfinished(target: Target) -> bool:
    """Return whether documents must still be indexed. Their vectors may already be stored, although no chunk exists."""
    return not_in_step(target).exclude(state="failed").exists()


def fill(
    target: Target,
    sources: Sequence[DocumentSource],
    deadline: float | None,
    progress: ReportProgress | None = None,
    other_sessions: list[str] | None = None,
    *,
    compare: bool = False,
) -> Counter[str]:
    """Process the queue of one namespace once. Stop at ``deadline``, which is a time of the monotonic clock.

    If another process works on documents of the queue, its name is appended to ``other_sessions``. ``compare`` is
    passed to ``write_batch``.
    """
    counts: Counter[str] = Counter()
    by_system = {source.source_system: source for source in sources}
    queue_missing(target, by_system)
    queue = due_entries(target, by_system)
    index_progress, logged_at = IndexProgress(queue.count(), progress), time.monotonic()
    with closing(read_batches(target, by_system, queue, counts, deadline)) as batches:
        for batch in batches:
            if other_sessions is not None and not other_sessions and counts["held"] and (name := other_session_name()):
                other_sessions.append(name)
            if deadline is not None and time.monotonic() >= deadline:
                break
            with writable(target.namespace) as alive:
                if not alive:  # another namespace has replaced this namespace
                    break
                writer = _Writer(target=target, sources=by_system, counts=counts, deadline=deadline, compare=compare)
                try:
                    writer.write(batch, index_progress)
                except BudgetExhausted:
                    break
            index_progress.end()
            if time.monotonic() - logged_at > LOG_INTERVAL:
                logged_at = time.monotonic()
                logger.info("index sync %s", index_progress.in_words())
    return counts


class IndexProgress:
    """Counts finished chunks, and estimates the total from the documents that have been cut."""

    def __init__(self, documents: int, report: ReportProgress | None) -> None:
        self.documents, self.report, self.began = documents, report, time.monotonic()
        self.done_documents = self.done = self.reported = 0
        self.batch_documents = self.batch = 0

    @property
    def total(self) -> int:
        """Return the estimated number of chunks. Uncut documents are assumed to have the mean number of chunks."""
        known, cut = self.done + self.batch, self.done_documents + self.batch_documents
        return known + round(known / max(1, cut) * max(0, self.documents - cut))

    def begin(self, chunks: int, documents: int) -> None:
        """Begin a batch of documents that have been cut."""
        self.batch, self.batch_documents = chunks, documents
        self._send(self.done)

    def embedded(self, chunks: int) -> None:
        """Report that the vectors of ``chunks`` more chunks of this batch were computed."""
        self._send(min(self.reported + chunks, self.done + self.batch))

    def end(self) -> None:
        """End a batch. Chunks with vectors that were already stored also count as finished."""
        self.done, self.done_documents = self.done + self.batch, self.done_documents + self.batch_documents
        self.batch = self.batch_documents = 0
        self._send(self.done)

    def _send(self, done: int) -> None:
        self.reported = done
        if self.report:
            self.report(done, self.total or None)

    def in_words(self) -> str:
        """Return the progress and the remaining seconds as one line for the log."""
        left = max(0, self.total - self.done) * (time.monotonic() - self.began) / max(1, self.done)
        documents = f"documents={self.done_documents} of={self.documents}"
        return f"{documents} chunks={self.done} of={self.total} seconds_left={left:.0f}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Writer:
    """Writes batches of claimed documents. A refused document does not prevent the writing of the other documents."""

    target: Target
    sources: dict[str, DocumentSource]
    counts: Counter[str]
    deadline: float | None
    compare: bool

    def write(self, batch: Batch, progress: "IndexProgress") -> None:
        """Write a batch. If a document is refused, write each half of the batch separately."""
        try:
            updates = batch.updates.result()
            progress.begin(sum(len(update.after) for update in updates), batch.size)
            self._write(updates, progress.embedded)
        except DocumentRefused as refusal:
            self._write_halves(batch.entries, refusal)

    def _write(self, updates: Sequence[DocumentUpdate], embedded: Callable[[int], None] | None = None) -> None:
        if updates:
            write_batch(self.target, updates, self.counts, self.deadline, embedded, compare=self.compare)

    def _write_halves(self, entries: Sequence[IndexEntry], refusal: DocumentRefused) -> None:
        """Read and write each half of the documents separately.

        The halves are divided until the refused document is alone. Then its refusal is recorded.
        """
        if len(entries) == 1:
            _record_refusal(entries[0], refusal, self.counts)
            return
        middle = len(entries) // 2
        for half in (entries[:middle], entries[middle:]):
            try:
                with document_errors():
                    current = load_entries(self.target, [entry.document_id for entry in half])
                    updates = prepare_updates(current, self.sources)
                self._write(updates)
            except DocumentRefused as next_refusal:
                self._write_halves(half, next_refusal)


def _record_refusal(entry: IndexEntry, refusal: DocumentRefused, counts: Counter[str]) -> None:
    """Record the reason of a refusal, and the time of the next attempt."""
    pause = timedelta(minutes=min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(entry.attempts, 10)))
    reason = redact(str(refusal))[:1000]
    IndexEntry.objects.filter(pk=entry.pk).update(
        attempts=entry.attempts + 1, state="failed", last_error=reason, next_try_at=timezone.now() + pause
    )
    counts["failed"] += 1
    logger.warning("document refused id=%s reason=%s", entry.document.external_id, reason)
