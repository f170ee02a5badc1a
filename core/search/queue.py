"""The queue of a namespace: the documents to index. Batches are read and cut while earlier batches are written.

A session claims a document with an advisory lock. Therefore no transaction stays open while texts are embedded, and the
claims of a killed process end with its session.
"""

import os
import socket
import sys
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from core.db.locks import DOCUMENTS, require_own_session
from core.errors import DocumentRefused
from core.models import IndexEntry
from core.search.documents import DocumentSource
from core.search.namespaces import Target
from core.search.refusals import document_errors
from core.search.updates import DocumentUpdate, combined_version, cut_batch, load_batch

BATCH_SIZE = 256
"""Number of documents in one batch. Larger batches need fewer statements, but more memory."""


def not_in_step(target: Target) -> QuerySet[IndexEntry]:
    """Return the entries that are not clean. The index may differ from the documents of these entries."""
    return IndexEntry.objects.filter(namespace=target.namespace).exclude(state="clean")


def due_entries(target: Target, systems: Mapping[str, DocumentSource]) -> QuerySet[IndexEntry]:
    """Return the entries of these sources that are due. Refused documents are left out until their next attempt."""
    entries = not_in_step(target).filter(document__source_system__in=list(systems))
    return entries.exclude(next_try_at__gt=timezone.now())


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
    """Queue documents that are missing in the namespace, have a newer version, or must be rendered or cut again."""
    namespace = target.namespace.pk
    with connection.cursor() as cursor:
        cursor.execute(MISSING, [namespace, namespace])
        for system, source in systems.items():
            cursor.execute(BEHIND, [namespace, system, combined_version(source)])


@contextmanager
def claim_documents(documents: Sequence[int]) -> Generator[list[int]]:
    """Claim documents for this session inside the block. Yield the primary keys of the claimed documents.

    Documents that another session has claimed are left out.
    """
    require_own_session()
    with connection.cursor() as cursor:
        # The query reads an array. In a query on a table, the planner may lock rows that another condition removes.
        query = "SELECT id FROM unnest(%s::int[]) AS id WHERE pg_try_advisory_lock(%s, id)"
        cursor.execute(query, [[pk % 2**31 for pk in documents], DOCUMENTS])
        locked = [row[0] for row in cursor.fetchall()]
    try:
        keys = set(locked)
        yield [pk for pk in documents if pk % 2**31 in keys]
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, id) FROM unnest(%s::int[]) AS id", [DOCUMENTS, locked])


MAX_NAME_BYTES = 63
"""Maximum number of bytes of an ``application_name``.

https://www.postgresql.org/docs/current/runtime-config-logging.html
"""


def name_session() -> None:
    """Name this database session after the command and the process, so that other processes can show the name."""
    program = Path(sys.argv[0]).name
    command = sys.argv[1] if program == "manage.py" and len(sys.argv) > 1 else program
    name = f"{command} (process {os.getpid()} on {socket.gethostname()})"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('application_name', %s, false)",
            [name.encode()[:MAX_NAME_BYTES].decode("ascii", "ignore")],
        )


def other_session_name() -> str:
    """Return the name of another session that has claimed documents, or an empty string if no session has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE l.locktype = 'advisory' AND l.classid = %s AND l.objsubid = 2 AND l.granted"
            " AND a.datname = current_database() AND l.pid <> pg_backend_pid() ORDER BY a.backend_start LIMIT 1",
            [DOCUMENTS],
        )
        row = cursor.fetchone()
    return str(row[0]) if row and row[0] else ""


def load_entries(target: Target, documents: Sequence[int]) -> list[IndexEntry]:
    """Return the entries of these documents that are not clean."""
    rows = IndexEntry.objects.filter(namespace=target.namespace, document__in=documents).exclude(state="clean")
    return list(rows.select_related("document__scope").order_by("document_id"))


SWITCH_INTERVAL = 0.0005
"""Interval in seconds at which Python switches between threads. Python's default is 5 ms. With the default, the thread
that receives a response of the database could wait 5 ms for the thread that cuts documents into chunks."""


@contextmanager
def _fast_thread_switches() -> Generator[None]:
    """Switch threads often inside the block, so that the thread that writes does not wait for the thread that cuts."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Up to ``BATCH_SIZE`` entries of the queue. Their documents are claimed until ``claim`` is closed.

    ``last`` is the highest primary key of the batch. ``entries`` are the claimed entries. ``updates`` raises
    DocumentRefused if the rows of a document cannot be read.
    """

    last: int
    size: int
    entries: Sequence[IndexEntry]
    claim: ExitStack
    updates: Future[list[DocumentUpdate]]


def read_batches(
    target: Target,
    sources: Mapping[str, DocumentSource],
    queue: QuerySet[IndexEntry],
    counts: Counter[str],
    deadline: float | None,
) -> Generator[Batch]:
    """Yield the queue in batches. The next batch is claimed and read before the current batch is yielded.

    Another thread cuts the next batch while the caller writes the current batch. No batch is read after ``deadline``,
    which is a time of the monotonic clock. The number of documents that other sessions have claimed is added to
    ``counts``.
    """
    with ThreadPoolExecutor(1, "cut") as thread, ExitStack() as claims, _fast_thread_switches():

        def read(after: int) -> Batch | None:
            rows = list(queue.filter(pk__gt=after).order_by("pk").values_list("pk", "document_id")[:BATCH_SIZE])
            if not rows:
                return None
            claim = claims.enter_context(ExitStack())
            documents = claim.enter_context(claim_documents([document for _, document in rows]))
            counts["held"] += len(rows) - len(documents)
            entries = load_entries(target, documents)
            try:
                with document_errors():
                    updates = thread.submit(cut_batch, load_batch(entries, sources))
            except DocumentRefused as refusal:
                updates = Future[list[DocumentUpdate]]()
                updates.set_exception(refusal)
            return Batch(last=rows[-1][0], size=len(rows), entries=entries, claim=claim, updates=updates)

        def in_time() -> bool:
            return deadline is None or time.monotonic() < deadline

        claims.callback(thread.shutdown, cancel_futures=True)
        batch = read(0) if in_time() else None
        while batch:
            following = None
            try:
                following = read(batch.last) if in_time() else None
            finally:  # yield this batch even if the next batch cannot be read
                yield batch
            batch.claim.close()
            batch = following
