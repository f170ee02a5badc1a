"""Write one batch of documents to the index: embed changed chunks, write vectors, record the result.

The steps for each document are: (a) commit its chunks, and the number of vectors that the index may then contain
(``high_water``), (b) write its vectors, (c) delete the vectors after its last chunk, (d) mark it clean unless it has
changed since it was read. Each step can be repeated, so the next run finishes the work of a killed process.

For an index in this database, one transaction does all steps. The commit does not wait for the disk. If the database
server crashes, the documents of lost transactions are dirty again.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection, transaction

from core.models import Namespace
from core.search.indexes.base import Record, vector_id
from core.search.namespaces import Target
from core.search.refusals import document_errors
from core.search.updates import DocumentUpdate, store_chunks, store_heads
from core.search.vectors import (
    commit_without_waiting,
    compute_vectors,
    hold_vectors,
    model_key,
    remove_replaced_vectors,
)

if TYPE_CHECKING:
    from core.search.vectors import Half

MAX_SURPLUS = 100_000
"""Maximum number of vectors after the last chunk of a document that are deleted. A larger number in the ledger is
damage, and ``verify_index`` finds the vectors that stay. No document has so many chunks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingDocument:
    """A document to write: the records to send, and the ids to delete (``stale``), which follow the last chunk."""

    update: DocumentUpdate
    records: list[Record]
    stale: list[str]
    content_hash: str


def write_batch(
    target: Target,
    batch: Sequence[DocumentUpdate],
    counts: Counter[str],
    deadline: float | None = None,
    embedded: Callable[[int], None] | None = None,
    *,
    compare: bool = False,
) -> None:
    """Write documents to the index. Documents that another session is changing stay dirty.

    If the ledger does not say what the index contains of a document, all its chunks are written. With ``compare``, the
    index is read instead, and only the chunks that differ are written.

    The numbers of documents and chunks are added to ``counts``. ``embedded`` is called after each batch of texts with
    the number of new vectors. Raises DocumentRefused if a document cannot be written, and BudgetExhausted after
    ``deadline``.
    """
    with document_errors():
        plans = _plan(target, batch, counts, deadline, embedded, compare=compare)
    outgoing = [document for document in plans if document is not None]
    unchanged = [update for update, document in zip(batch, plans, strict=True) if document is None]
    if target.index.transactional:
        with document_errors(), transaction.atomic():
            commit_without_waiting()
            locked = _lock(batch)
            outgoing = [document for document in outgoing if document.update.document.pk in locked]
            _store_chunks_and_heads(batch, locked)
            _send(target, outgoing)
            _record(outgoing, unchanged, locked)
            remove_replaced_vectors(_replaced(batch, locked))
    else:
        locked, outgoing = _announce(target, batch, outgoing)
        lsn = _send(target, outgoing)
        with document_errors(), transaction.atomic():
            locked &= _lock(batch)
            _record(outgoing, unchanged, locked)
            if lsn is not None:
                Namespace.objects.filter(pk=target.namespace.pk).update(lsn=lsn)
    for update in batch:
        if update.document.pk in locked:
            counts["deleted" if update.document.deleted_at else "documents"] += 1
    counts["chunks_sent"] += sum(len(document.records) for document in outgoing)
    counts["chunks"] += sum(len(document.update.after) for document in outgoing)


def _replaced(batch: Sequence[DocumentUpdate], locked: Collection[int]) -> set[UUID]:
    """Return the hashes of the texts that this batch replaced or removed."""
    changed = [update for update in batch if update.document.pk in locked]
    before = {chunk.text_hash for update in changed for chunk in update.before.values()}
    return before - {chunk.text_hash for update in changed for chunk in update.after}


def _plan(
    target: Target,
    batch: Sequence[DocumentUpdate],
    counts: Counter[str],
    deadline: float | None,
    embedded: Callable[[int], None] | None,
    *,
    compare: bool,
) -> list[OutgoingDocument | None]:
    """Return the records to send for each document, or ``None`` if the index contains the document unchanged."""
    texts: dict[UUID, str] = {}
    plans: list[tuple[DocumentUpdate, list[int], str] | None] = []
    for update in batch:
        content_hash = update.content_hash
        if content_hash == update.entry.content_hash:
            plans.append(None)
            continue
        ordinals = update.changed(with_metadata=target.index.has_metadata)
        texts |= {update.after[n].text_hash: update.after[n].prefix + update.after[n].text for n in ordinals}
        plans.append((update, ordinals, content_hash))
    vectors = compute_vectors(target.embedder, texts, counts, deadline, embedded) if texts else {}
    outgoing = [plan and (plan[0], records_of(plan[0], plan[1], vectors), plan[2]) for plan in plans]
    if compare:
        unknown = [plan for plan in outgoing if plan is not None and not plan[0].is_known]
        differing = set(target.index.differing([record for _, records, _ in unknown for record in records]))
        for _, records, _ in unknown:
            records[:] = [record for record in records if record.id in differing]
    return [plan and _outgoing(*plan) for plan in outgoing]


def records_of(update: DocumentUpdate, ordinals: Iterable[int], vectors: "Mapping[UUID, Half]") -> list[Record]:
    """Return the records of some chunks of a document. ``vectors`` contains their vectors by the hash of the text."""
    document, records = update.document, list[Record]()
    for ordinal in ordinals:
        chunk = update.after[ordinal]
        record = Record(
            id=vector_id(document.external_id, ordinal), document=document, head=update.head, ordinal=ordinal,
            text=chunk.text, url=chunk.url, author=chunk.author, occurred_at=chunk.occurred_at, kind=chunk.kind,
            text_hash=chunk.text_hash, vector=vectors[chunk.text_hash],
        )  # fmt: skip
        records.append(record)
    return records


def _outgoing(update: DocumentUpdate, records: list[Record], content_hash: str) -> OutgoingDocument:
    size = len(update.after)
    beyond = range(size, min(max(update.entry.high_water, update.entry.chunks), size + MAX_SURPLUS))
    stale = [vector_id(update.document.external_id, ordinal) for ordinal in beyond]
    return OutgoingDocument(update=update, records=records, stale=stale, content_hash=content_hash)


def _lock(batch: Sequence[DocumentUpdate]) -> set[int]:
    """Lock documents and return their primary keys. Documents that another session is changing are left out.

    Waiting for the other session could cause a deadlock.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM core_document WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
            [[update.document.pk for update in batch]],
        )
        return {row[0] for row in cursor.fetchall()}


def _store_chunks_and_heads(batch: Sequence[DocumentUpdate], locked: Collection[int]) -> None:
    changed = [update for update in batch if update.document.pk in locked and not update.is_cut]
    store_chunks(changed)
    store_heads(changed)


def _announce(
    target: Target, batch: Sequence[DocumentUpdate], outgoing: Sequence[OutgoingDocument]
) -> tuple[set[int], list[OutgoingDocument]]:
    """Do step (a): commit the chunks and the number of vectors that the index may contain. Their vectors stay stored.

    Until step (d), the ledger does not record the contents of the index for these documents.
    """
    with document_errors(), transaction.atomic():
        locked = _lock(batch)
        documents = [document for document in outgoing if document.update.document.pk in locked]
        _store_chunks_and_heads(batch, locked)
        _raise_high_water(documents)
        vectors = {record.text_hash: record.vector for document in documents for record in document.records}
        hold_vectors(model_key(target.namespace.embedder), vectors)
        remove_replaced_vectors(_replaced(batch, locked))
    return locked, documents


def _raise_high_water(outgoing: Sequence[OutgoingDocument]) -> None:
    if not outgoing:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_indexentry e SET content_hash = '', high_water = greatest(e.high_water, n.reach)"
            " FROM unnest(%s::bigint[], %s::int[]) AS n (id, reach) WHERE e.id = n.id",
            [
                [document.update.entry.pk for document in outgoing],
                [len(document.update.after) for document in outgoing],
            ],
        )


def _send(target: Target, outgoing: Sequence[OutgoingDocument]) -> int | None:
    """Do steps (b) and (c) for all documents together. Return the log sequence number of the last write, if any."""
    lsn = target.index.upsert([record for document in outgoing for record in document.records])
    target.index.delete([name for document in outgoing for name in document.stale])
    return lsn


RECORD = """
    UPDATE core_indexentry e SET indexed_version = n.version, content_hash = n.content_hash, embedder = s.embedder,
        renderer_version = n.renderer, chunks = n.chunks, high_water = n.chunks, attempts = 0, last_error = '',
        next_try_at = NULL, state = CASE WHEN d.version = n.version THEN 'clean' ELSE 'dirty' END
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::int[], %s::int[])
        AS n (id, version, content_hash, renderer, chunks), core_document d, core_namespace s
    WHERE e.id = n.id AND d.id = e.document_id AND s.id = e.namespace_id
"""


def _record(outgoing: Sequence[OutgoingDocument], unchanged: Sequence[DocumentUpdate], locked: Collection[int]) -> None:
    """Do step (d): record the contents of the index. A document that has changed since it was read stays dirty."""
    written = [(document.update, document.content_hash) for document in outgoing]
    written += [(update, update.entry.content_hash) for update in unchanged]
    written = [(update, content_hash) for update, content_hash in written if update.document.pk in locked]
    if written:
        columns = [
            [update.entry.pk for update, _ in written], [update.document.version for update, _ in written],
            [content_hash for _, content_hash in written], [update.renderer_version for update, _ in written],
            [len(update.after) for update, _ in written],
        ]  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(RECORD, columns)
