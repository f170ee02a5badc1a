"""Check the stored chunks, properties and ledger entries of all documents, and read vectors back from the index.

The differences are added to the temporary table of ``verifying``.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.models import Sum

from core.db.binary_copy import bigint, copy_rows, integer, text
from core.models import IndexEntry
from core.search.heads import Head
from core.search.namespaces import Target
from core.search.updates import DocumentUpdate, document_hash, has_checksum, stored_chunks
from core.search.vectors import stored_vectors
from core.search.writing import records_of

BATCH_SIZE = 256
"""Number of documents that are read together. Larger batches need fewer statements, but more memory."""
COLUMNS = ("kind", "document_id", "external_id", "ordinal")
Row = tuple[str, int, str, int | None]
"""A difference: its kind, the primary key and the external id of the document, and the ordinal of the chunk if any."""


def check_documents(
    target: Target,
    versions: Mapping[str, int],
    *,
    deep: bool,
    progress: Callable[[int, int | None], None] | None = None,
) -> None:
    """Add the differences of all clean documents, and the waiting documents.

    A document is waiting if its entry has another version of the renderer or chunker than ``versions`` contains for
    its source. With ``deep``, the vectors of all other documents are read from the index.
    """
    clean = IndexEntry.objects.filter(namespace=target.namespace, state="clean")
    total, done, last = clean.aggregate(total=Sum("chunks"))["total"] or 0, 0, 0
    if progress:
        progress(0, total)
    while True:
        with one_snapshot():
            batch = clean.filter(pk__gt=last).select_related("document__scope").order_by("pk")[:BATCH_SIZE]
            updates = _stored(list(batch))
        if not updates:
            return
        last, kinds = updates[-1].entry.pk, [_kind(target, versions, update) for update in updates]
        _add(
            (kind, update.document.pk, update.document.external_id, None)
            for kind, update in zip(kinds, updates, strict=True) if kind
        )  # fmt: skip
        if deep:
            _read_back(target, [update for kind, update in zip(kinds, updates, strict=True) if not kind])
        done += sum(len(update.after) for update in updates)
        if progress:
            progress(done, max(done, total))


def check_vectors_again(target: Target) -> None:
    """Read the vectors of documents with altered vectors again, because an index may return an old state for a time."""
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT document_id FROM difference WHERE kind = 'altered' AND document_id > %s"
                " ORDER BY document_id LIMIT %s",
                [last, BATCH_SIZE],
            )
            documents = [row[0] for row in cursor.fetchall()]
            cursor.execute(
                "DELETE FROM difference WHERE kind = 'altered' AND document_id = ANY(%s)",
                [documents],
            )
        if not documents:
            return
        last = documents[-1]
        with one_snapshot():
            clean = IndexEntry.objects.filter(namespace=target.namespace, state="clean", document__in=documents)
            updates = _stored(list(clean.select_related("document__scope")))
        _read_back(target, updates)


@contextmanager
def one_snapshot() -> Generator[None]:
    """Let all queries in the block see the same state of the database, so that a running sync is no difference."""
    outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def _stored(entries: Sequence[IndexEntry]) -> list[DocumentUpdate]:
    """Return the stored state of documents as updates that change nothing."""
    chunks = stored_chunks([entry.document_id for entry in entries])
    updates: list[DocumentUpdate] = []
    for entry in entries:
        before = chunks.get(entry.document_id, {})
        update = DocumentUpdate(
            entry=entry, head=Head.of(entry.document), before=before, after=list(before.values()),
            renderer_version=entry.renderer_version, is_cut=True,
        )  # fmt: skip
        updates.append(update)
    return updates


def _kind(target: Target, versions: Mapping[str, int], update: DocumentUpdate) -> str | None:
    """Return the kind of the difference of a document, or ``None`` if its rows match."""
    entry, document = update.entry, update.document
    if entry.indexed_version != document.version:
        return "ledger"
    if entry.chunks and entry.renderer_version != versions.get(document.source_system, entry.renderer_version):
        return "waiting"
    if document.chunked_version == document.version and not has_checksum(document, update.before):
        return "content"
    size = 0 if document.deleted_at else len(update.after)
    numbers = (entry.chunks, entry.high_water, entry.embedder) == (size, size, target.namespace.embedder)
    is_right = numbers and entry.content_hash == document_hash(document, update.head, update.after)
    return None if is_right and document.chunked_version == document.version else "ledger"


def _read_back(target: Target, updates: Sequence[DocumentUpdate]) -> None:
    """Compare the vectors of documents with the index. Chunks without a stored vector are left out."""
    hashes = {chunk.text_hash for update in updates for chunk in update.after}
    vectors = stored_vectors(target.embedder, list(hashes)) if hashes else {}
    records = [
        record for update in updates
        for record in records_of(
            update, [n for n, chunk in enumerate(update.after) if chunk.text_hash in vectors], vectors
        )
    ]  # fmt: skip
    differing = set(target.index.differing(records)) if records else set[str]()
    _add(
        ("altered", record.document.pk, record.document.external_id, record.ordinal)
        for record in records if record.id in differing
    )  # fmt: skip


def _add(rows: Iterable[Row]) -> None:
    copy_rows(
        "difference", COLUMNS,
        ((text(kind), bigint(document), text(external_id), None if ordinal is None else integer(ordinal))
         for kind, document, external_id, ordinal in rows),
    )  # fmt: skip
