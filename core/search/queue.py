"""The queue of a namespace, in batches that are claimed and cut while those before them are written.

A document is claimed by an advisory lock of the session, so that no transaction stays open while something is embedded,
and a killed worker's claims end with its session.
"""

import sys
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from core.db.locks import DOCUMENTS, require_own_session
from core.models import IndexEntry
from core.search.documents import DocumentSource
from core.search.namespaces import Target
from core.search.preparing import cut, gather, renderer_version
from core.search.writing import Work

BATCH = 256


def waiting(target: Target):
    """Entries of a namespace that are not in step."""
    return IndexEntry.objects.filter(namespace=target.namespace).exclude(state="clean")


def due(target: Target, systems: Mapping[str, DocumentSource]):
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


def queue_missing(target: Target, systems: Mapping[str, DocumentSource]) -> None:
    """Queue what this namespace has never seen, or holds in an older version or rendering."""
    place = target.namespace.pk
    with connection.cursor() as cursor:
        cursor.execute(MISSING, [place, place])
        for system, source in systems.items():
            cursor.execute(BEHIND, [place, system, renderer_version(source)])


@contextmanager
def claimed(documents: Sequence[int]) -> Generator[list[int]]:
    """Lock documents for this session; those that others hold are left to them."""
    require_own_session()
    with connection.cursor() as cursor:
        # unnest first: the planner may call a lock function for rows that a condition removes later.
        query = "SELECT id FROM unnest(%s::int[]) AS id WHERE pg_try_advisory_lock(%s, id)"
        cursor.execute(query, [[pk % 2**31 for pk in documents], DOCUMENTS])
        held = [row[0] for row in cursor.fetchall()]
    try:
        mine = set(held)
        yield [pk for pk in documents if pk % 2**31 in mine]
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, id) FROM unnest(%s::int[]) AS id", [DOCUMENTS, held])


def entries_of(target: Target, documents: Sequence[int]) -> list[IndexEntry]:
    """What of these documents is not in step."""
    rows = IndexEntry.objects.filter(namespace=target.namespace, document__in=documents).exclude(state="clean")
    return list(rows.select_related("document__scope").order_by("document_id"))


TURN = 0.0005
"""Seconds; Python's own are ten times as long."""


@contextmanager
def _short_turns() -> Generator[None]:
    """Let threads take turns quickly: the one that got its answer from the database waits for the cutting otherwise."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Some entries of the queue, ``last`` the highest; theirs are in nobody else's hands until ``claim`` is closed."""

    last: int
    size: int
    claim: ExitStack
    cut: Future[list[Work]]


def batches(
    target: Target,
    sources: Mapping[str, DocumentSource],
    queue: QuerySet[IndexEntry],
    counts: Counter[str],
    deadline: float | None,
) -> Generator[Batch]:
    """The queue in batches. Each is claimed and read before the one before is written, and cut meanwhile.

    After ``deadline``, a time of the monotonic clock, no more are begun.
    """
    with ThreadPoolExecutor(1, "cut") as thread, ExitStack() as claims, _short_turns():

        def begin(after: int) -> Batch | None:
            rows = list(queue.filter(pk__gt=after).order_by("pk").values_list("pk", "document_id")[:BATCH])
            if not rows:
                return None
            claim = claims.enter_context(ExitStack())
            mine = claim.enter_context(claimed([document for _, document in rows]))
            counts["held"] += len(rows) - len(mine)
            gathered = gather(entries_of(target, mine), sources)
            return Batch(last=rows[-1][0], size=len(rows), claim=claim, cut=thread.submit(cut, gathered))

        def in_time() -> bool:
            return deadline is None or time.monotonic() < deadline

        claims.callback(thread.shutdown, cancel_futures=True)
        batch = begin(0) if in_time() else None
        while batch:
            following = None
            try:
                following = begin(batch.last) if in_time() else None
            finally:  # what is ready is written, also when the next cannot be read
                yield batch
            batch.claim.close()
            batch = following
