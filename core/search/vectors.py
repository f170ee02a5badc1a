"""Compute vectors, and store them by model and text. After a failure, stored vectors are not computed again."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from core.db.binary_copy import copy_rows, halfvec
from core.errors import BudgetExhausted, DocumentRefused
from core.models import EmbeddingModel
from core.operations.bounds import TIME_IS_OVER
from core.operations.output import number_of
from core.search.embedders.base import Embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Half = NDArray[np.float16]

BATCH_SIZE, MAX_BATCH_SIZE = 64, 256
"""Minimum and maximum number of texts that are embedded between two progress reports.

The number depends on how many texts the model accepts in one request. Larger batches would report progress less often.
"""
CHECKSUM = """substring(sha256(int2send({row}.model_id) || uuid_send({row}.text_hash) || halfvec_send({row}.vector))
    FROM 1 FOR 8)"""
"""SQL expression of the checksum of a row of the table of vectors. ``row`` is an alias of the table. The expression
contains the hash of the text, so a vector that was copied from another text has a wrong checksum."""
STORED = """
    SELECT text_hash, halfvec_send(vector) FROM core_embedding e
    WHERE text_hash = ANY(%s) AND model_id = (SELECT id FROM core_embeddingmodel WHERE fingerprint = %s)
        AND checksum = {checksum}
"""
STORE = """
    INSERT INTO core_embedding (model_id, text_hash, vector, checksum)
    SELECT model_id, text_hash, vector, {new}
    FROM (SELECT %s::smallint AS model_id, text_hash, vector FROM new_embedding) n ORDER BY text_hash
    ON CONFLICT (text_hash, model_id) DO UPDATE SET vector = excluded.vector, checksum = excluded.checksum
        WHERE core_embedding.checksum <> {stored}
"""
STORE_INTERVAL = 1.0
"""Minimum seconds between two writes of new vectors. If the process is killed, the vectors of this time and of one
batch are lost. After an error, the computed vectors are still written."""


def model_key(fingerprint: str) -> int:
    """Return the primary key of a model in the database. The row is created if it does not exist."""
    known = EmbeddingModel.objects.filter(fingerprint=fingerprint).values_list("pk", flat=True).first()
    return known or EmbeddingModel.objects.get_or_create(fingerprint=fingerprint)[0].pk


def text_hash(embedded: str) -> UUID:
    """Return the first half of the SHA-256 of an embedded text. Texts with the same hash share a vector."""
    return UUID(bytes=hashlib.sha256(embedded.encode()).digest()[:16])


def stored_vectors(embedder: Embedder, hashes: Sequence[UUID]) -> "dict[UUID, Half]":
    """Return the stored vectors of texts by the hash of the text.

    Texts without a stored vector are left out, and also texts whose vector does not have its checksum.
    """
    import numpy as np

    with connection.cursor() as cursor:
        cursor.execute(
            STORED.format(checksum=CHECKSUM.format(row="e")),
            [list(hashes), embedder.info.fingerprint],
        )
        # The vector begins after two numbers of 16 bits: its dimension and an unused number.
        return {row[0]: np.frombuffer(row[1], ">f2", offset=4).astype(np.float16) for row in cursor.fetchall()}


def lock_vectors(model: int, hashes: Sequence[UUID]) -> dict[UUID, int]:
    """Return the primary keys of stored vectors by the hash of the text.

    Until the end of the transaction, no session removes these vectors as unused.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT text_hash, id FROM core_embedding WHERE text_hash = ANY(%s) AND model_id = %s FOR KEY SHARE",
            [list(hashes), model],
        )
        return dict(cursor.fetchall())


def hold_vectors(model: int, vectors: "Mapping[UUID, Half]") -> dict[UUID, int]:
    """Lock vectors as ``lock_vectors`` does, and store those that another session has removed as unused.

    Call this in the transaction that stores the chunks or index rows of the vectors.
    """
    held = lock_vectors(model, list(vectors))
    while missing := {key: vector for key, vector in vectors.items() if key not in held}:
        store_vectors(model, missing)
        held |= lock_vectors(model, list(missing))
    return held


def compute_vectors(
    embedder: Embedder,
    texts: Mapping[UUID, str],
    counts: Counter[str],
    deadline: float | None = None,
    embedded: Callable[[int], None] | None = None,
) -> "dict[UUID, Half]":
    """Return the vectors of texts by the hash of the texts. Vectors that are not stored are computed.

    Raises BudgetExhausted after ``deadline``, which is a time of the monotonic clock. Raises DocumentRefused if the
    model returns a vector that is not finite. All other vectors are stored, also those that were computed before an
    error. ``embedded`` is called after each batch with the number of vectors in the batch.
    """
    import numpy as np

    vectors = stored_vectors(embedder, list(texts)) if texts else {}
    missing = sorted((key for key in texts if key not in vectors), key=lambda key: len(texts[key]))
    unusable = 0
    with _VectorWriter(embedder) as writer:
        step = min(MAX_BATCH_SIZE, max(BATCH_SIZE, embedder.info.max_batch)) if missing else BATCH_SIZE
        for start in range(0, len(missing), step):
            if deadline is not None and time.monotonic() >= deadline:
                raise BudgetExhausted(TIME_IS_OVER)
            batch = missing[start : start + step]
            new = embedder.embed([texts[key] for key in batch], "passage").astype("f2")
            finite = [bool(np.isfinite(row).all()) for row in new]
            usable = [key for key, is_finite in zip(batch, finite, strict=True) if is_finite]
            unusable += len(batch) - len(usable)
            writer.add(usable, new[finite])
            vectors |= dict(zip(usable, new[finite], strict=True))
            counts["chunks_embedded"] += len(batch)
            if embedded:
                embedded(len(batch))
    if unusable:
        raise DocumentRefused(f"the model returned a vector with NaN or infinity for {number_of(unusable, 'text')}")
    return vectors


def commit_without_waiting() -> None:
    """Let the commit of the current transaction return before the transaction is on disk.

    Use this only for work that the next sync repeats. A crash of the database server may lose the transactions of the
    last second. A transaction is lost completely, together with all later transactions, so the ledger never records
    vectors that do not exist.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")


class _VectorWriter:
    """Stores vectors every ``STORE_INTERVAL`` seconds and at the end, also after an error."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder, self.stored_at = embedder, time.monotonic()
        self.waiting: dict[UUID, Half] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _store(self.embedder, self.waiting)

    def add(self, hashes: Sequence[UUID], vectors: "Half") -> None:
        """Add vectors. If the last write is more than ``STORE_INTERVAL`` ago, store all vectors added since then."""
        self.waiting |= dict(zip(hashes, vectors, strict=True))
        if time.monotonic() - self.stored_at > STORE_INTERVAL:
            _store(self.embedder, self.waiting)
            self.waiting, self.stored_at = {}, time.monotonic()


def store_vectors(model: int, vectors: "Mapping[UUID, Half]") -> None:
    """Store vectors of a model by the hash of the text.

    Stored vectors are replaced only if they do not have their checksum.
    """
    import numpy as np

    order = sorted(vectors)  # every process locks rows in the same order, which prevents deadlocks
    rows = np.stack([vectors[key] for key in order]).astype(">f2")
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS new_embedding (text_hash uuid, vector halfvec) ON COMMIT DELETE ROWS"
        )
        copy_rows(
            "new_embedding", ("text_hash", "vector"),
            ((key.bytes, halfvec(row.tobytes())) for key, row in zip(order, rows, strict=True)),
        )  # fmt: skip
        cursor.execute(
            STORE.format(new=CHECKSUM.format(row="n"), stored=CHECKSUM.format(row="core_embedding")),
            [model],
        )
        cursor.execute("TRUNCATE new_embedding")


def _store(embedder: Embedder, vectors: "Mapping[UUID, Half]") -> None:
    if vectors:
        with transaction.atomic():
            commit_without_waiting()
            store_vectors(model_key(embedder.info.fingerprint), vectors)


UNUSED = """
    SELECT id FROM core_embedding e WHERE {condition}
        AND NOT EXISTS (SELECT 1 FROM core_chunk c WHERE c.text_hash = e.text_hash)
        AND NOT EXISTS (SELECT 1 FROM core_vector v WHERE v.embedding_id = e.id)
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""
REMOVED_TOGETHER = 5_000
"""Maximum number of vectors that one transaction removes. A larger number would keep rows locked for longer."""


def remove_replaced_vectors(hashes: Collection[UUID]) -> None:
    """Remove the vectors of these texts that are in no chunk and in no index any more.

    Of more than ``REMOVED_TOGETHER`` vectors, the rest stays until ``remove_unused_vectors`` runs.
    """
    if hashes:
        _remove_unused("text_hash = ANY(%s)", list(hashes))


def remove_unused_vectors(deadline: float | None = None) -> int:
    """Remove all vectors of texts that are in no chunk and in no index. Return the number of removed vectors.

    Ends after ``deadline``, which is a time of the monotonic clock. A later call continues.
    """
    removed = last = 0
    while deadline is None or time.monotonic() < deadline:
        unused = _remove_unused("id > %s", last)
        if not unused:
            break
        removed, last = removed + len(unused), unused[-1]
    return removed


def _remove_unused(condition: str, value: int | list[UUID]) -> list[int]:
    """Remove unused vectors that meet a condition, and return their primary keys, at most ``REMOVED_TOGETHER``.

    Another session may begin to use one of the vectors at the same time. Then the foreign key refuses the removal, and
    no vector is removed. All pending constraints of the caller's transaction are checked here, and not at its end.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(UNUSED.format(condition=condition), [value, REMOVED_TOGETHER])
            unused = [row[0] for row in cursor.fetchall()]
            if unused:
                cursor.execute("DELETE FROM core_embedding WHERE id = ANY(%s)", [unused])
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            return unused
    except IntegrityError:
        return []
