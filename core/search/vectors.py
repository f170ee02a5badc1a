"""Compute vectors, and store them by model and text. After a failure, stored vectors are not computed again."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Self

from django.db import connection, transaction

from core.db.binary_copy import copy_rows, halfvec, text
from core.errors import BudgetExhausted
from core.operations.bounds import TIME_IS_OVER
from core.search.embedders.base import Embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Half = NDArray[np.float16]

BATCH_SIZE, MAX_BATCH_SIZE = 64, 256
"""Minimum and maximum number of texts that are embedded between two progress reports.

The number depends on how many texts the model accepts in one request. Larger batches would report progress less often.
"""
STORE_INTERVAL = 1.0
"""Minimum seconds between two writes of new vectors. If the process is killed, the vectors of this time and of one
batch are lost. After an error, the computed vectors are still written."""


def stored_vectors(embedder: Embedder, hashes: list[str]) -> "dict[str, Half]":
    """Return the stored vectors of texts by the SHA-256 of the texts. Texts without a stored vector are left out."""
    import numpy as np

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT content_hash, halfvec_send(vector) FROM core_embedding"
            " WHERE embedder = %s AND content_hash = ANY(%s)",
            [embedder.info.fingerprint, hashes],
        )
        # The vector begins after two numbers of 16 bits: its dimension and an unused number.
        return {row[0]: np.frombuffer(row[1], ">f2", offset=4).astype(np.float16) for row in cursor.fetchall()}


def compute_vectors(
    embedder: Embedder,
    texts: Mapping[str, str],
    counts: Counter[str],
    deadline: float | None = None,
    embedded: Callable[[int], None] | None = None,
) -> "dict[str, Half]":
    """Return the vectors of texts by the hash of the texts. Vectors that are not stored are computed.

    Raises BudgetExhausted after ``deadline``, which is a time of the monotonic clock. The vectors that were computed
    before an error are stored. ``embedded`` is called after each batch with the number of vectors in the batch.
    """
    vectors = stored_vectors(embedder, list(texts)) if texts else {}
    missing = sorted((key for key in texts if key not in vectors), key=lambda key: len(texts[key]))
    with _VectorWriter(embedder) as writer:
        step = min(MAX_BATCH_SIZE, max(BATCH_SIZE, embedder.info.max_batch)) if missing else BATCH_SIZE
        for start in range(0, len(missing), step):
            if deadline is not None and time.monotonic() >= deadline:
                raise BudgetExhausted(TIME_IS_OVER)
            batch = missing[start : start + step]
            new = embedder.embed([texts[key] for key in batch], "passage").astype("f2")
            writer.add(batch, new)
            vectors |= dict(zip(batch, new, strict=True))
            counts["chunks_embedded"] += len(batch)
            if embedded:
                embedded(len(batch))
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
        self.waiting: dict[str, Half] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _store(self.embedder, self.waiting)

    def add(self, hashes: Sequence[str], vectors: "Half") -> None:
        """Add vectors. If the last write is more than ``STORE_INTERVAL`` ago, store all vectors added since then."""
        self.waiting |= dict(zip(hashes, vectors, strict=True))
        if time.monotonic() - self.stored_at > STORE_INTERVAL:
            _store(self.embedder, self.waiting)
            self.waiting, self.stored_at = {}, time.monotonic()


def _store(embedder: Embedder, vectors: "Mapping[str, Half]") -> None:
    """Store vectors. Vectors that another process has stored in the meantime are skipped."""
    if not vectors:
        return
    import numpy as np

    order = sorted(vectors)  # every process locks rows in the same order, which prevents deadlocks
    rows = np.stack([vectors[key] for key in order]).astype(">f2")
    with transaction.atomic():
        commit_without_waiting()
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMPORARY TABLE IF NOT EXISTS made_embedding (content_hash varchar, vector halfvec)"
                " ON COMMIT DELETE ROWS"
            )
        copy_rows(
            "made_embedding", ("content_hash", "vector"),
            ((text(key), halfvec(row.tobytes())) for key, row in zip(order, rows, strict=True)),
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO core_embedding (embedder, content_hash, vector)"
                " SELECT %s, content_hash, vector FROM made_embedding ORDER BY content_hash ON CONFLICT DO NOTHING",
                [embedder.info.fingerprint],
            )
