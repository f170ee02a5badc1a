"""Damages of a search index and of its rows in the database, and snapshots that show which rows a repair changed."""

from collections.abc import Callable, Collection, Mapping
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


def changed_without_need(clean: Rows, damaged: Rows, repaired: Rows, names: Collection[str]) -> list[tuple[str, str]]:
    """Return the rows that were not damaged, but were written by the repair.

    The rows of a document and its entry may be written if anything about the document was damaged. ``names`` are the
    external ids of these documents.
    """
    wrong = {
        key for key in clean.keys() | damaged.keys()
        if key not in clean or key not in damaged or clean[key].content != damaged[key].content
    }  # fmt: skip
    written = set(Document.objects.filter(external_id__in=names).values_list("pk", flat=True))
    return sorted(
        key for key in damaged.keys() - wrong
        if not (key[0] in {"document", "entry"} and damaged[key].document in written)
        and (key not in repaired or repaired[key].written_by != damaged[key].written_by)
    )  # fmt: skip


def store() -> Any:
    """Return the store of the serving namespace in Pinecone."""
    target = serving()
    assert target is not None
    assert isinstance(target.index, PineconeIndex)
    return target.index.store


Apply = Callable[[str], object]
"""A function that damages the document with this external id."""
OTHER = "other"
"""External id of a document that no damage changes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Damage:
    """A damage of one document with three chunks, and the kind of difference that it causes.

    ``embedded`` is the number of texts that the repair embeds. With ``deep``, only ``verify_index --deep`` finds the
    damage. With ``deleted``, the document is a tombstone. ``finds`` is the name in the report. If it is empty, the name
    begins with the external id.
    """

    name: str
    apply: Apply
    kind: str
    embedded: int = 0
    deep: bool = False
    deleted: bool = False
    finds: str = ""


PARTS = {
    "document": "document_id = (SELECT id FROM core_document WHERE external_id = %(name)s)",
    "chunk": "ordinal = 1 AND document_id = (SELECT id FROM core_document WHERE external_id = %(name)s)",
    "text": """text_hash = (SELECT text_hash FROM core_chunk
        WHERE ordinal = 1 AND document_id = (SELECT id FROM core_document WHERE external_id = %(name)s))""",
    "other": """text_hash = (SELECT text_hash FROM core_chunk
        WHERE ordinal = 0 AND document_id = (SELECT id FROM core_document WHERE external_id = 'other'))""",
}
"""Conditions that the statements below contain by name: a document, one of its chunks, the text of this chunk, and the
text of another document."""


def sql(statement: str) -> Apply:
    """Return a function that executes a statement. Names in braces stand for ``PARTS``."""

    def execute(name: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement.format_map(PARTS), {"name": name})

    return execute


def _duplicate(name: str) -> None:
    """Store a document twice, as after a damaged index of the unique constraint."""
    sql("ALTER TABLE core_document DROP CONSTRAINT document_identity")(name)
    copy = Document.objects.defer("key", "title_tsv").get(external_id=name)
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
    """Remove all documents, and create the constraint that the damage ``a document stored twice`` drops."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE core_document CASCADE")
        cursor.execute("ALTER TABLE core_document DROP CONSTRAINT IF EXISTS document_identity")
        cursor.execute("ALTER TABLE core_document ADD CONSTRAINT document_identity UNIQUE (key)")


def _edited(column: str, value: str) -> Damage:
    statement = f"UPDATE core_chunk SET {column} = {value} WHERE {{chunk}}"  # noqa: S608  (values of this file)
    return Damage(name=f"the {column} of a chunk", apply=sql(statement), kind="content")


def _head(column: str, value: str) -> Damage:
    statement = f"UPDATE core_document SET {column} = {value} WHERE external_id = %(name)s"  # noqa: S608  (as above)
    return Damage(name=f"the {column} of a document", apply=sql(statement), kind="content")


def _entry(**values: Any) -> Damage:
    return Damage(
        name=f"{' and '.join(values)} of an entry", kind="ledger",
        apply=lambda name: IndexEntry.objects.filter(document__external_id=name).update(**values),
    )  # fmt: skip


def _namespace(state: str) -> Damage:
    def create(name: str) -> None:
        current = Namespace.objects.get(state="serving")
        Namespace.objects.create(
            index=current.index, container=current.container, name=name, embedder=f"hashed/{name}", dimension=8,
            state=state,
        )  # fmt: skip

    return Damage(name=f"a namespace that is {state}", apply=create, kind="namespaces")


IN_THE_DATABASE = [
    *(
        Damage(
            name=f"chunk {n} lost", kind="content",
            apply=sql(f"DELETE FROM core_chunk WHERE {{document}} AND ordinal = {n}"),  # noqa: S608  (a number)
        )
        for n in (0, 1, 2)
    ),
    Damage(name="all chunks lost", apply=sql("DELETE FROM core_chunk WHERE {document}"), kind="content"),
    Damage(
        name="a chunk too many", kind="content",
        apply=sql("INSERT INTO core_chunk (document_id, ordinal, text, prefix, words, url, text_hash)"
                  " SELECT document_id, 7, text, prefix, words, url, text_hash FROM core_chunk WHERE {chunk}"),
    ),
    Damage(
        name="a chunk with another ordinal", kind="content",
        apply=sql("UPDATE core_chunk SET ordinal = 5 WHERE {chunk}"),
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
                  " text_hash = encode(substring(sha256('x') FROM 1 FOR 16), 'hex')::uuid WHERE {chunk}"),
    ),
    _head("title", "'Edited'"),
    _head("url", "'https://example.org/edited'"),
    _head("author", "'mallory'"),
    _head("state", "'closed'"),
    _head("labels", "ARRAY['edited']"),
    Damage(
        name="a stored vector of zeros", kind="embeddings", embedded=1,
        apply=sql("UPDATE core_embedding SET vector = '[0,0,0,0,0,0,0,0]' WHERE {text}"),
    ),
    Damage(
        name="a stored vector of another dimension", kind="embeddings", embedded=1,
        apply=sql("UPDATE core_embedding SET vector = '[1,2,3]' WHERE {text}"),
    ),
    Damage(
        name="a stored vector of another text", kind="embeddings", embedded=1,
        apply=sql("UPDATE core_embedding e SET vector = o.vector FROM core_embedding o WHERE o.{other} AND e.{text}"),
    ),
    Damage(
        name="a stored vector of another text with its checksum", kind="embeddings", embedded=1,
        apply=sql("UPDATE core_embedding e SET vector = o.vector, checksum = o.checksum FROM core_embedding o"
                  " WHERE o.{other} AND e.{text}"),
    ),
    Damage(
        name="an entry lost", kind="unrecorded",
        apply=lambda name: IndexEntry.objects.filter(document__external_id=name).delete(),
    ),
    _entry(chunks=2),
    _entry(chunks=2_000_000_000, high_water=2_000_000_000),
    _entry(high_water=0),
    _entry(content_hash="0" * 64),
    _entry(indexed_version=0),
    _entry(embedder="another"),
    Damage(name="a document stored twice", apply=_duplicate, kind="duplicates"),
    _namespace("filling"),
    _namespace("dropping"),
]  # fmt: skip


def _vector(ordinal: int) -> Apply:
    return lambda name: Vector.objects.create(
        document=Document.objects.get(external_id=name),
        ordinal=ordinal,
        namespace=Namespace.objects.get(state="serving"),
        embedding=Embedding.objects.order_by("pk")[0],
    )


def _vector_of_another_model(name: str) -> None:
    model, _ = EmbeddingModel.objects.get_or_create(fingerprint="hashed/other")
    chunk = Chunk.objects.get(document__external_id=name, ordinal=1)
    embedding = Embedding.objects.create(model=model, text_hash=chunk.text_hash, vector=[1.0] * 8)
    Vector.objects.filter(document=chunk.document, ordinal=1).update(embedding=embedding)


IN_PGVECTOR = [
    Damage(name="a vector lost", apply=sql("DELETE FROM core_vector WHERE {chunk}"), kind="missing"),
    Damage(name="all vectors lost", apply=sql("DELETE FROM core_vector WHERE {document}"), kind="missing"),
    Damage(name="a vector too many", apply=_vector(9), kind="extra"),
    Damage(name="a vector of a tombstone", apply=_vector(0), kind="extra", deleted=True),
    Damage(
        name="swapped vectors", kind="misplaced",
        apply=sql("UPDATE core_vector v SET embedding_id = o.embedding_id FROM core_vector o"
                  " WHERE v.{document} AND v.document_id = o.document_id AND v.ordinal + o.ordinal = 1"),
    ),
    Damage(
        name="the vector of another text", kind="misplaced",
        apply=sql("UPDATE core_vector SET embedding_id = (SELECT id FROM core_embedding WHERE {other}) WHERE {chunk}"),
    ),
    Damage(name="the vector of another model", apply=_vector_of_another_model, kind="misplaced"),
]  # fmt: skip


def _update(**values: Any) -> Apply:
    return lambda name: store()._index.update(id=f"{name}#0001", namespace=store().namespace, **values)


def _rewrite(change: Callable[[dict[str, Any]], object]) -> Apply:
    """Return a function that writes a record again after ``change`` has changed its metadata."""

    def write(name: str) -> None:
        stored = store()._fetch([f"{name}#0001"])[f"{name}#0001"]
        metadata = dict(stored.metadata)
        change(metadata)
        store().upsert([{"id": f"{name}#0001", "values": stored.values, "metadata": metadata}])

    return write


def _swap_values(name: str) -> None:
    ids = [f"{name}#0000", f"{name}#0001"]
    stored = store()._fetch(ids)
    store().upsert(
        {"id": one, "values": stored[other].values, "metadata": dict(stored[one].metadata)}
        for one, other in zip(ids, reversed(ids), strict=True)
    )


def _record(form: str, namespace: str = "") -> Apply:
    """Return a function that writes a record. ``{}`` in ``form``, the id of the record, stands for the document."""
    values = {"values": [1.0] + [0.0] * 7, "metadata": {"text": "unknown"}}
    return lambda name: store()._index.upsert(
        vectors=[{"id": form.format(name), **values}], namespace=namespace or store().namespace
    )


FORGOTTEN = "hashed/forgotten"
"""A model that was used before."""
IN_PINECONE = [
    Damage(name="a record lost", apply=lambda name: store().delete([f"{name}#0001"]), kind="missing"),
    Damage(
        name="all records lost", kind="missing",
        apply=lambda name: store().delete([f"{name}#{n:04}" for n in range(3)]),
    ),
    Damage(name="a record too many", apply=_record("{}#0009"), kind="extra"),
    Damage(name="a record with a high ordinal", apply=_record("{}#999999999"), kind="extra"),
    Damage(name="a record of a tombstone", apply=_record("{}#0000"), kind="extra", deleted=True),
    Damage(name="a record of an unknown document", apply=_record("unknown#0000"), kind="foreign", finds="unknown#0000"),
    Damage(name="a record with a malformed id", apply=_record("a bad id"), kind="foreign", finds="a bad id"),
    Damage(name="swapped values", apply=_swap_values, kind="altered", deep=True),
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
        name="a stored vector lost", apply=sql("DELETE FROM core_embedding WHERE {text}"), kind="embeddings",
        embedded=1,
    ),
    Damage(
        name="a forgotten namespace", apply=_record("{}#0000", "prod-hashed-forgotten"), kind="namespaces",
        finds="prod-hashed-forgotten",
    ),
]  # fmt: skip
