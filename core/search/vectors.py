"""Vectors that were computed once are kept by embedder and text: nothing is embedded twice, whatever goes wrong."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Self

from django.db import connection, transaction

from core.db.binary_copy import copy_rows, halfvec, text
from core.errors import BudgetExhausted
from core.search.embedders import Embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Half = NDArray[np.float16]

SLICE, LARGEST_SLICE = 64, 256
"""Texts that are embedded at once, and between two reports of progress. A model that takes more in one request gets
more, up to the second number."""
KEEP_EVERY = 1.0
"""Seconds of work that a death may cost, and one slice; an error costs none."""


def kept(embedder: Embedder, hashes: list[str]) -> "dict[str, Half]":
    """Those of the texts' vectors that are there, by SHA-256."""
    import numpy as np

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT content_hash, halfvec_send(vector) FROM core_embedding"
            " WHERE embedder = %s AND content_hash = ANY(%s)",
            [embedder.info.fingerprint, hashes],
        )
        # Two numbers of 16 bits stand before the vector: its dimension, and one that is not used.
        return {row[0]: np.frombuffer(row[1], ">f2", offset=4).astype(np.float16) for row in cursor.fetchall()}


def vectors_of(
    embedder: Embedder,
    texts: Mapping[str, str],
    counts: Counter[str],
    deadline: float | None = None,
    embedded: Callable[[int], None] | None = None,
) -> "dict[str, Half]":
    """Vectors of texts by their hash, computed where they are not kept.

    ``deadline`` is a time of the monotonic clock, after which no more is computed: BudgetExhausted, nothing is lost.
    ``embedded`` is called with the number of vectors after each slice.
    """
    found = kept(embedder, list(texts)) if texts else {}
    missing = sorted((one for one in texts if one not in found), key=lambda one: len(texts[one]))
    with _Keeper(embedder) as keeper:
        step = min(LARGEST_SLICE, max(SLICE, embedder.info.max_batch)) if missing else SLICE
        for start in range(0, len(missing), step):
            if deadline is not None and time.monotonic() >= deadline:
                raise BudgetExhausted("stopped because --max-seconds is over; run again to go on")
            some = missing[start : start + step]
            made = embedder.embed([texts[one] for one in some], "passage").astype("f2")
            keeper.add(some, made)
            found |= dict(zip(some, made, strict=True))
            counts["chunks_embedded"] += len(some)
            if embedded:
                embedded(len(some))
    return found


def without_waiting() -> None:
    """The commit of this transaction does not wait for the disk.

    Only for what the next sync makes again: a crash of the server may take the last second of such transactions, each
    as a whole and the latest first, so that the ledger never knows more than there is.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")


class _Keeper:
    """Keeps vectors every ``KEEP_EVERY`` seconds and at the end, however that comes."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder, self.kept_at = embedder, time.monotonic()
        self.waiting: dict[str, Half] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _keep(self.embedder, self.waiting)

    def add(self, hashes: Sequence[str], made: "Half") -> None:
        """Take vectors, and write what waits when it is time."""
        self.waiting |= dict(zip(hashes, made, strict=True))
        if time.monotonic() - self.kept_at > KEEP_EVERY:
            _keep(self.embedder, self.waiting)
            self.waiting, self.kept_at = {}, time.monotonic()


def _keep(embedder: Embedder, made: "Mapping[str, Half]") -> None:
    """Another process may keep the same text at the same time."""
    if not made:
        return
    import numpy as np

    order = sorted(made)  # two processes take the locks in the same order
    rows = np.stack([made[one] for one in order]).astype(">f2")
    with transaction.atomic():
        without_waiting()
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMPORARY TABLE IF NOT EXISTS made_embedding (content_hash varchar, vector halfvec)"
                " ON COMMIT DELETE ROWS"
            )
        copy_rows(
            "made_embedding", ("content_hash", "vector"),
            ((text(one), halfvec(row.tobytes())) for one, row in zip(order, rows, strict=True)),
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO core_embedding (embedder, content_hash, vector)"
                " SELECT %s, content_hash, vector FROM made_embedding ORDER BY content_hash ON CONFLICT DO NOTHING",
                [embedder.info.fingerprint],
            )
