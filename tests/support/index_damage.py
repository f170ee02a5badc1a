"""Damages of a search index and of its rows in the database, and snapshots that show which rows a repair changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from core.models import Chunk, Document, Embedding, EmbeddingModel, IndexEntry, Namespace, Vector
from core.search.indexes.pinecone import PineconeIndex
from core.search.namespaces import serving

TABLES = {
    "chunk": """
        SELECT (document_id, ordinal)::text, document_id, xmin::text, text, prefix, words, url, author, occurred_at,
            kind, text_hash FROM core_chunk
    """,
    "vector": """
        SELECT (v.document_id, v.ordinal)::text, v.document_id, v.xmin::text, e.text_hash, e.model_id
        FROM core_vector v JOIN core_embedding e ON e.id = v.embedding_id
    """,
    "embedding": """
        SELECT e.text_hash::text, (SELECT min(document_id) FROM core_chunk c WHERE c.text_hash = e.text_hash),
            e.xmin::text, e.vector::text, e.checksum::text
        FROM core_embedding e JOIN core_namespace n ON n.state = 'serving'
        JOIN core_embeddingmodel m ON m.fingerprint = n.embedder AND m.id = e.model_id
    """,
    "document": """
        SELECT id::text, id, xmin::text, kind, version, title, url, author, state, labels, chunked_version,
            renderer_version, checksum::text FROM core_document
    """,
    "entry": """
        SELECT document_id::text, document_id, xmin::text, state, indexed_version, content_hash, embedder,
            renderer_version, chunks, high_water FROM core_indexentry
    """,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row of the database: its document, the transaction that wrote it, and its content."""

    document: int | None
    written_by: str
    content: tuple[Any, ...]


Rows = Mapping[tuple[str, str], Row]
"""Rows by table and key."""


def snapshot() -> Rows:
    """Return all rows of the index by table and key."""
    rows: dict[tuple[str, str], Row] = {}
    with connection.cursor() as cursor:
        for table, query in TABLES.items():
            cursor.execute(query)
            for key, document, written_by, *content in cursor.fetchall():
                rows[table, key] = Row(document=document, written_by=written_by, content=tuple(content))
    return rows


def contents(rows: Rows) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Return the contents of rows without the transactions that wrote them."""
    return {key: row.content for key, row in rows.items()}


def changed_without_need(
    clean: Mapping[tuple[str, str], Row],
    damaged: Mapping[tuple[str, str], Row],
    repaired: Mapping[tuple[str, str], Row],
) -> list[tuple[str, str]]:
    """Return the rows that were not damaged, but were written by the repair.

    The rows of documents and entries may be written if any row of the document was damaged.
    """
    wrong = {
        key for key in clean.keys() | damaged.keys()
        if key not in clean or key not in damaged or clean[key].content != damaged[key].content
    }  # fmt: skip
    documents = {row.document for rows in (clean, damaged) for key, row in rows.items() if key in wrong}
    return sorted(
        key for key in damaged.keys() - wrong
        if not (key[0] in {"document", "entry"} and damaged[key].document in documents)
        and (key not in repaired or repaired[key].written_by != damaged[key].written_by)
    )  # fmt: skip


def store() -> Any:
    """Return the store of the serving namespace in Pinecone."""
    target = serving()
    assert target is not None
    assert isinstance(target.index, PineconeIndex)
    return target.index.store


def boat(**where: Any) -> dict[str, Any]:
    return {"document__external_id": "boat", **where}


PARTS = {
    "of_chunk": "ordinal = 1 AND document_id = (SELECT id FROM core_document WHERE external_id = 'boat')",
    "of_text": """text_hash = (SELECT text_hash FROM core_chunk
        WHERE ordinal = 1 AND document_id = (SELECT id FROM core_document WHERE external_id = 'boat'))""",
    "of_other": """text_hash = (SELECT text_hash FROM core_chunk
        WHERE ordinal = 0 AND document_id = (SELECT id FROM core_document WHERE external_id = 'tide'))""",
}
"""Conditions that the statements below contain by name: one chunk, the text of this chunk, and the vector of another
text."""


def sql(statement: str) -> Callable[[], None]:
    """Return a function that executes a statement. Names in braces stand for ``PARTS``."""

    def execute() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement.format_map(PARTS))

    return execute


@dataclass(frozen=True, kw_only=True, slots=True)
class Damage:
    """A damage, the kind of difference that it causes, and the number of texts that its repair embeds.

    With ``deep``, only ``verify_index --deep`` finds it.
    """

    name: str
    apply: Callable[[], object]
    kind: str
    embedded: int = 0
    deep: bool = False


def _swap_chunks() -> None:
    first, second = Vector.objects.filter(document__external_id="boat", ordinal__lt=2).order_by("ordinal")
    for vector, embedding in ((first, second.embedding_id), (second, first.embedding_id)):  # type: ignore[attr-defined]
        Vector.objects.filter(document=vector.document, ordinal=vector.ordinal).update(embedding=embedding)


def _vector_of(external_id: str, ordinal: int) -> None:
    document, namespace = Document.objects.get(external_id=external_id), Namespace.objects.get()
    Vector.objects.create(
        document=document, ordinal=ordinal, namespace=namespace, embedding=Embedding.objects.order_by("pk")[0]
    )


def _duplicate() -> None:
    """Store a document twice, as after a damaged index of the unique constraint."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_document DROP CONSTRAINT document_identity")
    copy = Document.objects.defer("key", "title_tsv").get(external_id="boat")
    entry, chunks = IndexEntry.objects.get(document=copy), list(Chunk.objects.filter(document=copy))
    copy.pk = entry.pk = None
    copy.save(force_insert=True)
    entry.document = copy
    entry.save(force_insert=True)
    for chunk in chunks:
        Chunk.objects.create(
            document=copy, ordinal=chunk.ordinal, text=chunk.text, prefix=chunk.prefix, words=chunk.words,
            url=chunk.url, text_hash=chunk.text_hash,
        )  # fmt: skip


def unique_again() -> None:
    """Create the constraint that the damage ``a document stored twice`` drops."""
    sql("ALTER TABLE core_document ADD CONSTRAINT document_identity UNIQUE (key)")()


def _old_namespace(state: str) -> Callable[[], None]:
    def create() -> None:
        current = Namespace.objects.get()
        Namespace.objects.create(
            index=current.index, container=current.container, name="an-old-model", embedder="hashed/old",
            dimension=8, state=state,
        )  # fmt: skip

    return create


def _edited(column: str, value: str) -> Damage:
    return Damage(
        name=f"the {column} of a chunk", apply=sql(f"UPDATE core_chunk SET {column} = {value} WHERE {{of_chunk}}"),
        kind="content",
    )  # fmt: skip


def _head(column: str, value: str) -> Damage:
    statement = f"UPDATE core_document SET {column} = {value} WHERE external_id = 'boat'"
    return Damage(name=f"the {column} of a document", apply=sql(statement), kind="content")


def _entry(**values: Any) -> Damage:
    return Damage(
        name=f"{'and '.join(values)} of an entry", kind="ledger",
        apply=lambda: IndexEntry.objects.filter(**boat()).update(**values),
    )  # fmt: skip


IN_THE_DATABASE = [
    *(
        Damage(
            name=f"chunk {n} lost", kind="content",
            apply=lambda n=n: Chunk.objects.filter(**boat(ordinal=n)).delete(),
        )
        for n in (0, 1, 2)
    ),
    Damage(name="all chunks lost", apply=lambda: Chunk.objects.filter(**boat()).delete(), kind="content"),
    Damage(
        name="a chunk too many", kind="content",
        apply=sql("INSERT INTO core_chunk (document_id, ordinal, text, prefix, words, url, text_hash)"
                  " SELECT document_id, 7, text, prefix, words, url, text_hash FROM core_chunk WHERE {of_chunk}"),
    ),
    Damage(
        name="chunks in another order", kind="content",
        apply=sql("UPDATE core_chunk SET ordinal = ordinal + 5 WHERE ordinal = 0"),
    ),
    _edited("text", "'edited by hand'"),
    _edited("prefix", "'edited by hand'"),
    _edited("url", "'https://example.org/edited'"),
    _edited("words", "'edited'"),
    _edited("author", "'mallory'"),
    _edited("occurred_at", "now()"),
    _edited("kind", "'edited'"),
    _edited("text_hash", "md5('another text')::uuid"),
    Damage(
        name="a text with its hash", kind="content",
        apply=sql("UPDATE core_chunk SET prefix = '', text = 'x',"
                  " text_hash = encode(substring(sha256('x') FROM 1 FOR 16), 'hex')::uuid WHERE {of_chunk}"),
    ),
    _head("title", "'Edited'"),
    _head("url", "'https://example.org/edited'"),
    _head("author", "'mallory'"),
    _head("state", "'closed'"),
    _head("labels", "ARRAY['edited']"),
    Damage(
        name="a stored vector of zeros", kind="embeddings", embedded=1,
        apply=sql("UPDATE core_embedding SET vector = '[0,0,0,0,0,0,0,0]' WHERE {of_text}"),
    ),
    Damage(
        name="a stored vector of another dimension", kind="embeddings", embedded=1,
        apply=sql("UPDATE core_embedding SET vector = '[1,2,3]' WHERE {of_text}"),
    ),
    Damage(
        name="a stored vector of another text", kind="embeddings", embedded=1,
        apply=sql("UPDATE core_embedding e SET vector = o.vector FROM core_embedding o"
                  " WHERE o.{of_other} AND e.{of_text}"),
    ),
    Damage(
        name="a stored vector of another text with its checksum", kind="embeddings", embedded=1,
        apply=sql("UPDATE core_embedding e SET vector = o.vector, checksum = o.checksum FROM core_embedding o"
                  " WHERE o.{of_other} AND e.{of_text}"),
    ),
    Damage(
        name="an entry lost", kind="unrecorded",
        apply=lambda: IndexEntry.objects.filter(**boat()).delete(),
    ),
    _entry(chunks=2),
    _entry(chunks=2_000_000_000, high_water=2_000_000_000),
    _entry(high_water=0),
    _entry(content_hash="0" * 64),
    _entry(indexed_version=0),
    _entry(embedder="another"),
    Damage(name="a document stored twice", apply=_duplicate, kind="duplicates"),
    Damage(name="a namespace of an abandoned switch", apply=_old_namespace("filling"), kind="namespaces"),
    Damage(name="a namespace of an interrupted removal", apply=_old_namespace("dropping"), kind="namespaces"),
]  # fmt: skip
IN_PGVECTOR = [
    Damage(name="a vector lost", apply=lambda: Vector.objects.filter(**boat(ordinal=1)).delete(), kind="missing"),
    Damage(name="all vectors lost", apply=lambda: Vector.objects.all().delete(), kind="missing"),
    Damage(name="a vector too many", apply=lambda: _vector_of("boat", 9), kind="extra"),
    Damage(name="a vector of a tombstone", apply=lambda: _vector_of("gone", 0), kind="extra"),
    Damage(name="swapped vectors", apply=_swap_chunks, kind="misplaced"),
    Damage(
        name="a chunk with another vector", kind="misplaced",
        apply=sql("UPDATE core_vector SET embedding_id = (SELECT id FROM core_embedding WHERE {of_other})"
                  " WHERE {of_chunk}"),
    ),
    Damage(
        name="a chunk with the vector of another model", kind="misplaced",
        apply=lambda: _other_model(),
    ),
]  # fmt: skip


def _other_model() -> None:
    other = EmbeddingModel.objects.create(fingerprint="hashed/other")
    chunk = Chunk.objects.get(**boat(ordinal=1))
    embedding = Embedding.objects.create(model=other, text_hash=chunk.text_hash, vector=[1.0] * 8)
    Vector.objects.filter(**boat(ordinal=1)).update(embedding=embedding)


def _update(**values: Any) -> Callable[[], object]:
    return lambda: store()._index.update(id="boat#0001", namespace=store().namespace, **values)


def _rewrite(change: Callable[[dict[str, Any]], object]) -> Callable[[], object]:
    """Return a function that writes a record again after ``change`` has changed its metadata."""

    def write() -> None:
        stored = store()._fetch(["boat#0001"])["boat#0001"]
        metadata = dict(stored.metadata)
        change(metadata)
        store().upsert([{"id": "boat#0001", "values": stored.values, "metadata": metadata}])

    return write


def _swap_records() -> None:
    stored = store()._fetch(["boat#0000", "boat#0001"])
    first, second = stored["boat#0000"], stored["boat#0001"]
    store().upsert(
        [
            {"id": "boat#0000", "values": second.values, "metadata": dict(first.metadata)},
            {"id": "boat#0001", "values": first.values, "metadata": dict(second.metadata)},
        ]
    )


def _record(name: str, namespace: str | None = None) -> Callable[[], object]:
    record = {"id": name, "values": [1.0] + [0.0] * 7, "metadata": {"text": "unknown"}}
    return lambda: store()._index.upsert(vectors=[record], namespace=namespace or store().namespace)


IN_PINECONE = [
    Damage(name="a record lost", apply=lambda: store().delete(["boat#0001"]), kind="missing"),
    Damage(name="the namespace lost", apply=lambda: store().drop(), kind="missing"),
    Damage(name="a record too many", apply=_record("boat#0009"), kind="extra"),
    Damage(name="a record far too many", apply=_record("boat#999999999"), kind="extra"),
    Damage(name="a record of a tombstone", apply=_record("gone#0000"), kind="extra"),
    Damage(name="a record of an unknown document", apply=_record("unknown#0000"), kind="foreign"),
    Damage(name="a record with a malformed id", apply=_record("a malformed id"), kind="foreign"),
    Damage(name="swapped records", apply=_swap_records, kind="altered", deep=True),
    Damage(name="other values", apply=_update(values=[1.0] + [0.0] * 7), kind="altered", deep=True),
    Damage(name="other metadata", apply=_update(set_metadata={"text": "edited"}), kind="altered", deep=True),
    Damage(name="another key", apply=_update(set_metadata={"new": "key"}), kind="altered", deep=True),
    Damage(
        name="a number instead of a text", apply=_rewrite(lambda metadata: metadata.update(author=1)),
        kind="altered", deep=True,
    ),
    Damage(name="a key lost", apply=_rewrite(lambda metadata: metadata.pop("title")), kind="altered", deep=True),
    Damage(name="all metadata lost", apply=_rewrite(lambda metadata: metadata.clear()), kind="altered", deep=True),
    Damage(
        name="a stored vector lost", apply=sql("DELETE FROM core_embedding WHERE {of_text}"),
        kind="embeddings", embedded=1,
    ),
    Damage(name="a forgotten namespace", apply=_record("boat#0000", "prod-hashed-first2"), kind="namespaces"),
]  # fmt: skip
