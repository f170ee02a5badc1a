"""Brings the index in step with the documents; may be killed anywhere and run by several processes at once.

Order of one document: commit the intent (high-water mark), write its chunks, remove those beyond, commit "clean" unless
the document changed meanwhile. Each step may be repeated.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from core.models import IndexEntry
from core.search.documents import DocumentSource, RenderedDocument
from core.search.frequencies import refresh_common_words
from core.search.writing import prepare, write_batch

logger = logging.getLogger(__name__)
BATCH = 32
LOCK_SPACE = 7310
"""The first half of the advisory locks' keys; the second is the entry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncResult:
    """What a sync did. ``remaining`` documents wait: time was over, others work on them, or they failed."""

    documents: int = 0
    deleted: int = 0
    chunks_embedded: int = 0
    chunks_reused: int = 0
    failed: int = 0
    remaining: int = 0
    seconds: float = 0.0


def sync(
    sources: Sequence[DocumentSource],
    *,
    max_seconds: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SyncResult:
    """Index every changed document of these sources. ``progress`` hears how many are done, of how many."""
    began, counts, done, last = time.monotonic(), Counter[str](), 0, 0
    by_system = {source.source_system: source for source in sources}
    _queue_missing(by_system)
    total = _queue(by_system).count()
    while max_seconds is None or time.monotonic() - began < max_seconds:
        ids = list(_queue(by_system).filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH])
        if not ids:
            break
        last = ids[-1]
        with _claimed(ids) as claimed:
            counts.update(_sync_batch(claimed, by_system))
        done += len(ids)
        if progress:
            progress(done, max(total, done))
    refresh_common_words()
    remaining = IndexEntry.objects.filter(index=settings.VECTOR_INDEX).exclude(state="clean").count()
    return SyncResult(**counts, remaining=remaining, seconds=time.monotonic() - began)


def _queue(systems: dict[str, DocumentSource]):
    """Entries that wait, and whose next try has come."""
    now = timezone.now()
    waiting = IndexEntry.objects.filter(index=settings.VECTOR_INDEX, document__source_system__in=list(systems))
    return waiting.exclude(state="clean").exclude(next_try_at__gt=now)


def _queue_missing(systems: dict[str, DocumentSource]) -> None:
    """Queue what this index has never seen (it was switched to), or holds in an older rendering."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO core_indexentry (index, document_id, state, indexed_version, content_hash, embedder,
                renderer_version, chunks, high_water, attempts, last_error)
            SELECT %s, d.id, 'dirty', 0, '', '', 0, 0, 0, 0, '' FROM core_document d
            WHERE d.deleted_at IS NULL AND NOT EXISTS (
                SELECT 1 FROM core_indexentry e WHERE e.document_id = d.id AND e.index = %s)
            ON CONFLICT DO NOTHING
            """,
            [settings.VECTOR_INDEX, settings.VECTOR_INDEX],
        )
    for system, source in systems.items():
        rendered = IndexEntry.objects.filter(index=settings.VECTOR_INDEX, document__source_system=system, state="clean")
        rendered.exclude(renderer_version=source.renderer_version).exclude(chunks=0).update(state="dirty")


@contextmanager
def _claimed(ids: list[int]) -> Generator[list[IndexEntry]]:
    """Lock entries for this session, so that no transaction stays open; those that others hold are left to them."""
    with connection.cursor() as cursor:
        # unnest first: the planner may call a lock function for rows that a condition removes later.
        query = "SELECT id FROM unnest(%s::int[]) AS id WHERE pg_try_advisory_lock(%s, id)"
        cursor.execute(query, [[pk % 2**31 for pk in ids], LOCK_SPACE])
        held = [row[0] for row in cursor.fetchall()]
    try:
        free = [pk for pk in ids if pk % 2**31 in set(held)]
        yield list(IndexEntry.objects.filter(pk__in=free).exclude(state="clean").select_related("document"))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, id) FROM unnest(%s::int[]) AS id", [LOCK_SPACE, held])


def _sync_batch(entries: list[IndexEntry], sources: dict[str, DocumentSource]) -> Counter[str]:
    """Render, embed and write some documents; when the batch is refused, each on its own."""
    rendered: dict[str, RenderedDocument] = {}
    for system, source in sources.items():
        of = [
            e.document.external_id for e in entries if e.document.source_system == system and not e.document.deleted_at
        ]
        rendered |= {document.external_id: document for document in source.render(of)} if of else {}
    work = [
        prepare(entry, rendered.get(entry.document.external_id), sources[entry.document.source_system].renderer_version)
        for entry in entries
    ]
    try:
        return write_batch(work)
    except ValueError as error:  # what an index or a model says of a document that it cannot take
        if len(work) > 1:
            return sum((_sync_batch([entry], sources) for entry in entries), Counter[str]())
        return _note_failure(entries[0], error)


def _note_failure(entry: IndexEntry, error: ValueError) -> Counter[str]:
    """Set a document aside with the words of the refusal; tried again later and later."""
    entry.attempts += 1
    entry.state, entry.last_error = "failed", str(error)[:1000]
    entry.next_try_at = timezone.now() + timedelta(minutes=min(24 * 60, 5 * 2**entry.attempts))
    entry.save(update_fields=["attempts", "state", "last_error", "next_try_at"])
    logger.warning("document refused id=%s reason=%s", entry.document.external_id, entry.last_error)
    return Counter(failed=1)
