"""One batch of documents into the index: embed what is new, write, record.

Order of one document: (a) commit its chunks and how far the write may reach, (b) write its vectors, (c) remove those
beyond, (d) commit "clean" unless the document changed meanwhile. Where the index is in this database, all is one
transaction, and nobody waits for the disk: what a crash takes of it is dirty again. Each step may be repeated; a death
anywhere is mended by the next run.
"""

from collections import Counter
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import DataError, OperationalError, connection, transaction

from core.errors import DocumentRefused
from core.models import Document, IndexEntry, Namespace
from core.search import texts
from core.search.indexes.base import Record, vector_id
from core.search.namespaces import Target
from core.search.texts import Head, Text
from core.search.vectors import vectors_of, without_waiting

PROGRAM_LIMIT = "54000"
"""SQLSTATE of what is too large for PostgreSQL, such as a text with a megabyte of different words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What is to be done with one document; without ``after`` it leaves the index.

    ``before`` are the chunks that are kept, ``after`` those that should be.
    """

    entry: IndexEntry
    head: Head
    before: Sequence[Text]
    after: Sequence[Text]
    renderer_version: int

    @property
    def document(self) -> Document:
        """The document, as old as the reading of its rows at most."""
        return self.entry.document

    @property
    def content_hash(self) -> str:
        """Of what should be in the index."""
        return texts.sum_of(self.document, self.head, self.after)

    @property
    def is_cut(self) -> bool:
        """Whether the kept chunks are those that should be."""
        kept = self.document.chunked_version == self.document.version
        return kept and self.document.renderer_version == self.renderer_version

    def changed(self) -> list[int]:
        """Places to write. All, unless the index is known to hold exactly the kept chunks, and the same is shown."""
        kept = Head.of(self.document)
        if self.entry.content_hash == texts.sum_of(self.document, kept, self.before) and kept == self.head:
            held = [(one.content_hash, one.url) for one in self.before]
            return [n for n, one in enumerate(self.after) if (one.content_hash, one.url) not in held[n : n + 1]]
        return list(range(len(self.after)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Going:
    """What goes out of one document. ``stale`` are the ids beyond its end."""

    work: Work
    records: list[Record]
    stale: list[str]
    content_hash: str


def write_batch(
    target: Target,
    batch: Sequence[Work],
    counts: Counter[str],
    deadline: float | None = None,
    embedded: Callable[[int], None] | None = None,
) -> None:
    """Bring documents into the index; raises DocumentRefused when one of them cannot be taken.

    ``counts`` takes what was done, as ``SyncResult`` names it; ``embedded`` is called with numbers of new vectors.
    Documents that another session is marking just now stay dirty.
    """
    outgoing = _outgoing(target, batch, counts, deadline, embedded)
    going = [one for one in outgoing if one is not None]
    quiet = [work for work, one in zip(batch, outgoing, strict=True) if one is None]
    if target.index.transactional:
        with _refusing(), transaction.atomic():
            without_waiting()
            free = _hold([work.document.pk for work in batch])
            going = [one for one in going if one.work.document.pk in free]
            _keep_texts(batch, free)
            _send(target, going)
            _record(going, quiet, free)
    else:
        free, going = _intend(batch, going)
        lsn = _send(target, going)
        with transaction.atomic():
            free &= _hold([work.document.pk for work in batch])
            _record(going, quiet, free)
            if lsn is not None:
                Namespace.objects.filter(pk=target.namespace.pk).update(lsn=lsn)
    for work in batch:
        if work.document.pk in free:
            counts["deleted" if work.document.deleted_at else "documents"] += 1
    counts["chunks_sent"] += sum(len(one.records) for one in going)
    counts["chunks"] += sum(len(one.work.after) for one in going)


def _outgoing(
    target: Target,
    batch: Sequence[Work],
    counts: Counter[str],
    deadline: float | None,
    embedded: Callable[[int], None] | None,
) -> list[Going | None]:
    """What each document sends; None when the index holds it already."""
    needed: dict[str, str] = {}
    plans: list[tuple[Work, list[int], str] | None] = []
    for work in batch:
        content_hash = work.content_hash
        if content_hash == work.entry.content_hash:
            plans.append(None)
            continue
        places = work.changed()
        needed |= {work.after[n].content_hash: work.after[n].prefix + work.after[n].text for n in places}
        plans.append((work, places, content_hash))
    vectors = vectors_of(target.embedder, needed, counts, deadline, embedded) if needed else {}

    def record(work: Work, place: int) -> Record:
        one, name = work.after[place], vector_id(work.document.external_id, place)
        return Record(id=name, document=work.document, text=one.text, url=one.url, vector=vectors[one.content_hash])

    return [plan and _going(plan[0], [record(plan[0], n) for n in plan[1]], plan[2]) for plan in plans]


def _going(work: Work, records: list[Record], content_hash: str) -> Going:
    beyond = range(len(work.after), max(work.entry.high_water, work.entry.chunks))
    stale = [vector_id(work.document.external_id, place) for place in beyond]
    return Going(work=work, records=records, stale=stale, content_hash=content_hash)


def _hold(documents: Sequence[int]) -> set[int]:
    """Lock documents, without waiting for those that somebody marks just now: two that wait for each other die."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM core_document WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
            [list(documents)],
        )
        return {row[0] for row in cursor.fetchall()}


def _keep_texts(batch: Sequence[Work], free: Collection[int]) -> None:
    fresh = [work for work in batch if work.document.pk in free and not work.is_cut]
    texts.replace((work.document, work.before, work.after) for work in fresh)
    texts.describe((work.document, work.head, work.renderer_version) for work in fresh)


def _intend(batch: Sequence[Work], going: Sequence[Going]) -> tuple[set[int], list[Going]]:
    """Step (a): commit the chunks, how far the write may reach, and that the index is not known until it is done."""
    with _refusing(), transaction.atomic():
        free = _hold([work.document.pk for work in batch])
        held = [one for one in going if one.work.document.pk in free]
        _keep_texts(batch, free)
        _reach(held)
    return free, held


def _reach(going: Sequence[Going]) -> None:
    if not going:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_indexentry e SET content_hash = '', high_water = greatest(e.high_water, n.reach)"
            " FROM unnest(%s::bigint[], %s::int[]) AS n (id, reach) WHERE e.id = n.id",
            [[one.work.entry.pk for one in going], [len(one.work.after) for one in going]],
        )


def _send(target: Target, going: Sequence[Going]) -> int | None:
    """Steps (b) and (c), of all documents together: few requests."""
    lsn = target.index.upsert([record for one in going for record in one.records])
    target.index.delete([name for one in going for name in one.stale])
    return lsn


RECORD = """
    UPDATE core_indexentry e SET indexed_version = n.version, content_hash = n.content_hash, embedder = s.embedder,
        renderer_version = n.renderer, chunks = n.chunks, high_water = n.chunks, attempts = 0, last_error = '',
        next_try_at = NULL, state = CASE WHEN d.version = n.version THEN 'clean' ELSE 'dirty' END
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::int[], %s::int[])
        AS n (id, version, content_hash, renderer, chunks), core_document d, core_namespace s
    WHERE e.id = n.id AND d.id = e.document_id AND s.id = e.namespace_id
"""


def _record(going: Sequence[Going], quiet: Sequence[Work], free: Collection[int]) -> None:
    """Step (d): what the index holds now. A document that changed meanwhile stays dirty."""
    done = [(one.work, one.content_hash) for one in going] + [(work, work.entry.content_hash) for work in quiet]
    done = [(work, content_hash) for work, content_hash in done if work.document.pk in free]
    if done:
        columns = [
            [work.entry.pk for work, _ in done], [work.document.version for work, _ in done],
            [content_hash for _, content_hash in done], [work.renderer_version for work, _ in done],
            [len(work.after) for work, _ in done],
        ]  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(RECORD, columns)


@contextmanager
def _refusing() -> Generator[None]:
    """What PostgreSQL cannot take is a document's fault, and is told as such."""
    try:
        yield
    except (DataError, OperationalError) as error:
        state = getattr(error.__cause__, "sqlstate", None)
        if isinstance(error, OperationalError) and state != PROGRAM_LIMIT:
            raise
        raise DocumentRefused(f"the database cannot take it: {' '.join(str(error).split())[:300]}") from error
