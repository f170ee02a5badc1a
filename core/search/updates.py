"""The chunks that the index should contain for each document: cut from a new rendering, or read from the database.

Text search reads the stored chunks, results show them, and every vector index can be filled from them.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from django.db import connection

from core.db.binary_copy import bigint, copy_rows, integer, text, timestamptz
from core.db.text import replace_unstorable
from core.db.upsert import as_json
from core.models import Document, IndexEntry
from core.search.chunking.cutting import CHUNKER_VERSION, Piece, cut_all
from core.search.documents import DocumentSource, RenderedDocument
from core.search.heads import AUTHOR_LENGTH, Head, clip, in_utc
from core.search.vectors import text_hash

CHUNK_COLUMNS = (
    "document_id", "ordinal", "text", "prefix", "words", "url", "author", "occurred_at", "kind", "text_hash",
)  # fmt: skip
KIND_LENGTH = 32
"""Maximum number of characters of the kind of a passage. Every chunk repeats the kind."""
CHECKSUM_LENGTH = 8
"""Number of bytes of a checksum. One of 10^19 damaged documents would have the same checksum."""
MAX_CHUNKER_VERSIONS = 1000
"""Factor of the renderer version in ``combined_version``. ``CHUNKER_VERSION`` must be smaller, so that different
versions never have the same number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredChunk:
    """A chunk as PostgreSQL stores it. ``text_hash`` is the hash of ``prefix`` and ``text``, which are embedded.

    ``author``, ``occurred_at`` and ``kind`` describe the passage.
    """

    text: str
    prefix: str
    words: str
    url: str
    author: str = ""
    occurred_at: datetime | None = None
    kind: str = ""
    text_hash: UUID

    @classmethod
    def of(cls, piece: Piece) -> "StoredChunk":
        """Return a piece as it is stored. Raises ValueError unless its embedded text ends with its text."""
        shown, embedded = replace_unstorable(piece.text), replace_unstorable(piece.embedded)
        if not embedded.endswith(shown):
            raise ValueError("the embedded text of a chunk must end with its text")
        return cls(
            text=shown, prefix=embedded[: len(embedded) - len(shown)],
            words=replace_unstorable(piece.words), url=replace_unstorable(piece.url),
            author=clip(piece.author, AUTHOR_LENGTH), occurred_at=in_utc(piece.at), kind=clip(piece.kind, KIND_LENGTH),
            text_hash=text_hash(embedded),
        )  # fmt: skip

    @property
    def indexed(self) -> tuple[str, str, str, str, str]:
        """Return the parts of the chunk that an index contains. If they are the same, its vector is not written."""
        at = self.occurred_at.isoformat() if self.occurred_at else ""
        return sha256(self.prefix + self.text), self.url, self.author, at, self.kind


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentUpdate:
    """The stored chunks of a document by ordinal (``before``), and its new chunks (``after``).

    A document without new chunks is removed from the index. ``is_cut`` is whether the stored chunks belong to the
    current version of the document, renderer and chunker, and are not damaged.
    """

    entry: IndexEntry
    head: Head
    before: Mapping[int, StoredChunk]
    after: Sequence[StoredChunk]
    renderer_version: int
    is_cut: bool

    @property
    def document(self) -> Document:
        """Return the document. Its fields were read before its chunks."""
        return self.entry.document

    @property
    def content_hash(self) -> str:
        """Return the hash of everything that the index should contain for the document."""
        return document_hash(self.document, self.head, self.after)

    @property
    def is_known(self) -> bool:
        """Return whether the ledger says that the index contains exactly the stored chunks."""
        stored = document_hash(self.document, Head.of(self.document), list(self.before.values()))
        return self.entry.content_hash == stored

    def changed(self, *, with_metadata: bool) -> list[int]:
        """Return the ordinals of the chunks to write. ``with_metadata`` is whether the index contains their metadata.

        If the ledger says that the index contains exactly the stored chunks, only the chunks that differ from the
        stored chunks are written. Otherwise, or if the head differs from the metadata, all chunks are written.
        """
        if not self.is_known or (with_metadata and Head.of(self.document) != self.head):
            return list(range(len(self.after)))

        def is_same(old: StoredChunk | None, new: StoredChunk) -> bool:
            if old is None:
                return False
            return old.indexed == new.indexed if with_metadata else old.text_hash == new.text_hash

        return [n for n, chunk in enumerate(self.after) if not is_same(self.before.get(n), chunk)]


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedBatch:
    """The data of a batch: its entries, and the stored chunks and new renderings by primary key of the document.

    ``intact`` contains the primary keys of the documents whose stored chunks are current and not damaged.
    """

    entries: Sequence[IndexEntry]
    stored: Mapping[int, Mapping[int, StoredChunk]]
    intact: Collection[int]
    rendered: Mapping[int, RenderedDocument]
    versions: Mapping[str, int]
    """The combined version of the renderer and the chunker, by source."""


def combined_version(source: DocumentSource) -> int:
    """Return a number that changes whenever the renderer of the source or the chunker changes."""
    return source.renderer_version * MAX_CHUNKER_VERSIONS + CHUNKER_VERSION


def prepare_updates(entries: Sequence[IndexEntry], sources: Mapping[str, DocumentSource]) -> list[DocumentUpdate]:
    """Return the update of each entry, in the same order. Documents with intact chunks are not rendered."""
    return cut_batch(load_batch(entries, sources))


def load_batch(entries: Sequence[IndexEntry], sources: Mapping[str, DocumentSource]) -> LoadedBatch:
    """Read the stored chunks of the documents, and render the documents with outdated or damaged chunks."""
    versions = {system: combined_version(source) for system, source in sources.items()}
    stored = stored_chunks([entry.document_id for entry in entries])
    documents = [entry.document for entry in entries]
    intact = {
        document.pk for document in documents
        if _is_current(document, versions) and has_checksum(document, stored.get(document.pk, {}))
    }  # fmt: skip
    stale = [document for document in documents if not document.deleted_at and document.pk not in intact]
    rendered = _render(stale, sources)
    return LoadedBatch(entries=entries, stored=stored, intact=intact, rendered=rendered, versions=versions)


def cut_batch(batch: LoadedBatch) -> list[DocumentUpdate]:
    """Cut the new renderings and return the updates. Any thread can call this, because it does not use the database."""
    from core.search.embedders.local import count_tokens  # imported here because this module loads numpy

    rendered, versions = batch.rendered, batch.versions
    pieces = cut_all(list(rendered.values()), count_tokens)
    new_chunks = {
        pk: [StoredChunk.of(piece) for piece in of_document] for pk, of_document in zip(rendered, pieces, strict=True)
    }
    updates: list[DocumentUpdate] = []
    for entry in batch.entries:
        document, before = entry.document, batch.stored.get(entry.document_id, {})
        rendering, is_cut = rendered.get(document.pk), document.pk in batch.intact
        after: Sequence[StoredChunk] = []
        if not document.deleted_at:
            after = list(before.values()) if is_cut else new_chunks.get(document.pk, [])
        update = DocumentUpdate(
            entry=entry, head=Head.of(rendering or document), before=before, after=after,
            renderer_version=versions[document.source_system], is_cut=is_cut,
        )  # fmt: skip
        updates.append(update)
    return updates


def _is_current(document: Document, versions: Mapping[str, int]) -> bool:
    return (document.chunked_version, document.renderer_version) == (
        document.version,
        versions[document.source_system],
    )


def _render(documents: Sequence[Document], sources: Mapping[str, DocumentSource]) -> dict[int, RenderedDocument]:
    rendered: dict[int, RenderedDocument] = {}
    for system, source in sources.items():
        keys = {document.external_id: document.pk for document in documents if document.source_system == system}
        for rendering in source.render(list(keys)) if keys else ():
            if rendering.external_id in keys:
                rendered[keys[rendering.external_id]] = rendering
    return rendered


def stored_chunks(documents: Sequence[int]) -> Mapping[int, Mapping[int, StoredChunk]]:
    """Return the stored chunks of each document by ordinal, in the order of the document."""
    chunks: dict[int, dict[int, StoredChunk]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT document_id, ordinal, text, prefix, words, url, author, occurred_at, kind, text_hash"
            " FROM core_chunk WHERE document_id = ANY(%s) ORDER BY document_id, ordinal",
            [list(documents)],
        )
        for document, ordinal, shown, prefix, words, url, author, at, kind, key in cursor.fetchall():
            chunk = StoredChunk(
                text=shown, prefix=prefix, words=words, url=url, author=author, occurred_at=in_utc(at), kind=kind,
                text_hash=key,
            )  # fmt: skip
            chunks[document][ordinal] = chunk
    return chunks


def store_chunks(updates: Iterable[DocumentUpdate]) -> None:
    """Write the chunks that differ from the stored chunks, and delete surplus chunks. Documents must be locked."""
    removed: list[tuple[int, int]] = []
    rows: list[tuple[bytes | None, ...]] = []
    for update in updates:
        document, before, after = update.document, update.before, update.after
        for ordinal, new in enumerate(after):
            if ordinal in before:
                if before[ordinal] == new:
                    continue
                removed.append((document.pk, ordinal))
            texts = map(text, (new.text, new.prefix, new.words, new.url, new.author))
            at = timestamptz(new.occurred_at) if new.occurred_at else None
            rows.append((bigint(document.pk), integer(ordinal), *texts, at, text(new.kind), new.text_hash.bytes))
        removed += [(document.pk, ordinal) for ordinal in before if ordinal >= len(after)]
    if removed:
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM core_chunk c USING unnest(%s::bigint[], %s::int[]) AS g (document_id, ordinal)"
                " WHERE c.document_id = g.document_id AND c.ordinal = g.ordinal",
                [[pk for pk, _ in removed], [ordinal for _, ordinal in removed]],
            )
    if rows:
        copy_rows("core_chunk", CHUNK_COLUMNS, rows)


HEADS = """
    UPDATE core_document d SET chunked_version = n.version, renderer_version = n.renderer, title = n.title,
        url = n.url, author = n.author, occurred_at = n.occurred_at, number = n.number, state = n.state,
        answered = n.answered, labels = n.labels, private = n.private, language = n.language,
        changed_at = n.changed_at, checksum = n.checksum
    FROM json_to_recordset(%s::json) AS n (
        id bigint, version bigint, renderer int, title text, url text, author text, occurred_at timestamptz,
        number text, state text, answered boolean, labels text[], private boolean, language text,
        changed_at timestamptz, checksum bytea
    ) WHERE d.id = n.id
"""


def store_heads(updates: Sequence[DocumentUpdate]) -> None:
    """Store the heads of documents, the versions to which their chunks belong, and their checksums."""
    if not updates:
        return
    checksums = [document_checksum(update.head, dict(enumerate(update.after))) for update in updates]
    rows = [
        {"id": update.document.pk, "version": update.document.version, "renderer": update.renderer_version}
        | {field.name: getattr(update.head, field.name) for field in fields(Head)}
        | {"checksum": f"\\x{checksum.hex()}"}
        for update, checksum in zip(updates, checksums, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(HEADS, [as_json(rows)])
    for update, checksum in zip(updates, checksums, strict=True):
        document = update.document
        document.checksum = checksum
        for field in fields(Head):
            setattr(document, field.name, getattr(update.head, field.name))
        document.labels = list(update.head.labels)
        document.chunked_version, document.renderer_version = document.version, update.renderer_version


def document_checksum(head: Head, chunks: Mapping[int, StoredChunk]) -> bytes:
    """Return a checksum of the head and the chunks as PostgreSQL stores them. It is empty without chunks.

    If the fields of ``Head`` or ``StoredChunk`` change, increase ``CHUNKER_VERSION``. Otherwise, all documents have
    wrong checksums.
    """
    if not chunks:
        return b""
    parts = head.parts()
    for ordinal, chunk in chunks.items():
        parts += [str(ordinal), *(str(getattr(chunk, field.name)) for field in fields(StoredChunk))]
    return hashlib.sha256("\0".join(parts).encode()).digest()[:CHECKSUM_LENGTH]


def has_checksum(document: Document, chunks: Mapping[int, StoredChunk]) -> bool:
    """Return whether the stored head and chunks of a document are those that the sync stored."""
    return bytes(document.checksum) == document_checksum(Head.of(document), chunks)


def document_hash(document: Document, head: Head, chunks: Sequence[StoredChunk]) -> str:
    """Return the SHA-256 of everything that the index should contain for a document.

    Without chunks, this is the SHA-256 of an empty text.
    """
    if not chunks:
        return sha256("")
    parts = [*head.parts(), document.kind, document.scope.name, document.scope.external_id]
    return sha256("\0".join([*parts, *("\0".join(chunk.indexed) for chunk in chunks)]))


def sha256(value: str) -> str:
    """Return the SHA-256 of a text in hexadecimal digits."""
    return hashlib.sha256(value.encode()).hexdigest()
