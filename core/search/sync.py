"""Brings a namespace of the index in step with the documents; may be killed anywhere, and run by several at once.

A document is claimed by an advisory lock of the session, so that no transaction stays open while something is embedded,
and a killed worker's claims end with its session. What order a write has is told in ``writing``.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from core.errors import BudgetExhausted, DocumentRefused
from core.models import IndexEntry
from core.operations.redaction import redact
from core.search.documents import DocumentSource
from core.search.frequencies import refresh_common_words
from core.search.namespaces import Target, finish_dropping, serving_or_new, writable
from core.search.preparing import prepare, renderer_version
from core.search.writing import write_batch

logger = logging.getLogger(__name__)
BATCH = 128
LOCK_SPACE = 7310
"""The first half of the advisory locks' keys; the second is the document."""
NEWS = 30.0
"""Seconds between two lines of the log about a long work."""
FIRST_PAUSE, LONGEST_PAUSE = 10, 24 * 60
"""Minutes until a document that was refused is tried again; each refusal doubles them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncResult:
    """What a sync did. ``remaining`` documents wait: time was over, others work on them, or they failed.

    ``held`` of them are in the hands of others, and ``fresh`` says whether all that was written can be found already.
    """

    documents: int = 0
    deleted: int = 0
    chunks_embedded: int = 0
    chunks_reused: int = 0
    chunks_sent: int = 0
    failed: int = 0
    held: int = 0
    remaining: int = 0
    fresh: bool = True
    seconds: float = 0.0


Progress = Callable[[int, int], None]


def sync(
    sources: Sequence[DocumentSource],
    *,
    max_seconds: float | None = None,
    progress: Progress | None = None,
    wait: float | None = None,
) -> SyncResult:
    """Index every changed document of these sources, also those that an earlier run left.

    ``progress`` hears how many are done, of how many. ``wait``: so many seconds at most, until queries see all of it.
    """
    began = time.monotonic()
    target = serving_or_new()
    finish_dropping()
    counts = fill(target, sources, None if max_seconds is None else began + max_seconds, progress)
    refresh_common_words()
    fresh = True
    if wait is not None:
        target.namespace.refresh_from_db()
        fresh = target.index.wait(target.namespace.lsn, wait)
    return SyncResult(
        documents=counts["documents"], deleted=counts["deleted"], chunks_embedded=counts["chunks_embedded"],
        chunks_reused=max(0, counts["chunks"] - counts["chunks_embedded"]), chunks_sent=counts["chunks_sent"],
        failed=counts["failed"], held=counts["held"], remaining=waiting(target).count(), fresh=fresh,
        seconds=time.monotonic() - began,
    )  # fmt: skip


def waiting(target: Target):
    """Entries of a namespace that are not in step."""
    return IndexEntry.objects.filter(namespace=target.namespace).exclude(state="clean")


def fill(
    target: Target, sources: Sequence[DocumentSource], deadline: float | None, progress: Progress | None = None
) -> Counter[str]:
    """Work off the queue of one namespace once; ``deadline`` is a time of the monotonic clock."""
    counts: Counter[str] = Counter()
    by_system = {source.source_system: source for source in sources}
    queue_missing(target, by_system)
    due = _due(target, by_system)
    work, last, news = _Passed(due.count(), progress), 0, time.monotonic()
    while deadline is None or time.monotonic() < deadline:
        entries = list(due.filter(pk__gt=last).order_by("pk").values_list("pk", "document_id")[:BATCH])
        if not entries:
            break
        last = entries[-1][0]
        with writable(target.namespace) as alive:
            if not alive:  # it was replaced by another
                break
            try:
                _sync_documents(target, by_system, [document for _, document in entries], counts, deadline)
            except BudgetExhausted:
                break
        work.pass_(len(entries))
        if time.monotonic() - news > NEWS:
            news = time.monotonic()
            logger.info("index sync %s", work.in_words())
    return counts


class _Passed:
    """How far a work is, and when it may end."""

    def __init__(self, total: int, told: Progress | None) -> None:
        self.total, self.done, self.told, self.began = total, 0, told, time.monotonic()

    def pass_(self, more: int) -> None:
        self.done += more
        if self.told:
            self.told(self.done, max(self.total, self.done))

    def in_words(self) -> str:
        left = max(0, self.total - self.done) * (time.monotonic() - self.began) / max(1, self.done)
        return f"documents={self.done} of={self.total} seconds_left={left:.0f}"


def _due(target: Target, systems: dict[str, DocumentSource]):
    """What waits, and whose next try has come."""
    found = waiting(target).filter(document__source_system__in=list(systems))
    return found.exclude(next_try_at__gt=timezone.now())


MISSING = """
    INSERT INTO core_indexentry (namespace_id, document_id, state, indexed_version, content_hash, embedder,
        renderer_version, chunks, high_water, attempts, last_error)
    SELECT %s, d.id, 'dirty', 0, '', '', 0, 0, 0, 0, '' FROM core_document d
    WHERE d.deleted_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM core_indexentry e WHERE e.document_id = d.id AND e.namespace_id = %s)
    ON CONFLICT DO NOTHING
"""
BEHIND = """
    UPDATE core_indexentry e SET state = 'dirty' FROM core_document d
    WHERE d.id = e.document_id AND e.namespace_id = %s AND e.state = 'clean' AND d.source_system = %s
        AND (e.indexed_version <> d.version OR (e.renderer_version <> %s AND e.chunks > 0))
"""


def queue_missing(target: Target, systems: dict[str, DocumentSource]) -> None:
    """Queue what this namespace has never seen, or holds in an older version or rendering."""
    place = target.namespace.pk
    with connection.cursor() as cursor:
        cursor.execute(MISSING, [place, place])
        for system, source in systems.items():
            cursor.execute(BEHIND, [place, system, renderer_version(source)])


@contextmanager
def claimed(documents: Sequence[int]) -> Generator[list[int]]:
    """Lock documents for this session; those that others hold are left to them."""
    with connection.cursor() as cursor:
        # unnest first: the planner may call a lock function for rows that a condition removes later.
        query = "SELECT id FROM unnest(%s::int[]) AS id WHERE pg_try_advisory_lock(%s, id)"
        cursor.execute(query, [[pk % 2**31 for pk in documents], LOCK_SPACE])
        held = [row[0] for row in cursor.fetchall()]
    try:
        mine = set(held)
        yield [pk for pk in documents if pk % 2**31 in mine]
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, id) FROM unnest(%s::int[]) AS id", [LOCK_SPACE, held])


def _sync_documents(
    target: Target,
    sources: dict[str, DocumentSource],
    documents: Sequence[int],
    counts: Counter[str],
    deadline: float | None,
) -> None:
    """Claim some documents and bring them in; when one is refused, halves, down to that one."""
    with claimed(documents) as mine:
        counts["held"] += len(documents) - len(mine)
        _sync_claimed(target, sources, mine, counts, deadline)


def _sync_claimed(
    target: Target,
    sources: dict[str, DocumentSource],
    documents: Sequence[int],
    counts: Counter[str],
    deadline: float | None,
) -> None:
    rows = IndexEntry.objects.filter(namespace=target.namespace, document__in=documents).exclude(state="clean")
    entries = list(rows.select_related("document__scope").order_by("document_id"))
    if not entries:
        return
    try:
        write_batch(target, prepare(entries, sources), counts, deadline)
    except DocumentRefused as refusal:
        if len(entries) == 1:
            _set_aside(entries[0], refusal, counts)
            return
        half = len(entries) // 2
        for some in (entries[:half], entries[half:]):
            _sync_claimed(target, sources, [entry.document_id for entry in some], counts, deadline)


def _set_aside(entry: IndexEntry, refusal: DocumentRefused, counts: Counter[str]) -> None:
    """Keep the words of the refusal; the document is tried again later and later."""
    pause = timedelta(minutes=min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(entry.attempts, 10)))
    words = redact(str(refusal))[:1000]
    IndexEntry.objects.filter(pk=entry.pk).update(
        attempts=entry.attempts + 1, state="failed", last_error=words, next_try_at=timezone.now() + pause
    )
    counts["failed"] += 1
    logger.warning("document refused id=%s reason=%s", entry.document.external_id, words)
