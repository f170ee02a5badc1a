"""Vectors that were computed once are kept by embedder and text: nothing is embedded twice, whatever goes wrong."""

import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from django.db import DatabaseError, connection, transaction

from core.errors import BudgetExhausted
from core.models.copying import copy_rows, halfvec, text
from core.search.embedders import Embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Half = NDArray[np.float16]

SLICE = 256
"""Texts that are embedded at once."""
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
    embedder: Embedder, texts: Mapping[str, str], counts: Counter[str], deadline: float | None = None
) -> "dict[str, Half]":
    """Vectors of texts by their hash, computed where they are not kept.

    ``deadline`` is a time of the monotonic clock, after which no more is computed: BudgetExhausted, nothing is lost.
    """
    found = kept(embedder, list(texts)) if texts else {}
    missing = sorted((one for one in texts if one not in found), key=lambda one: len(texts[one]))
    kept_until, kept_at = 0, time.monotonic()
    made: list[Half] = []
    for start in range(0, len(missing), SLICE):
        if deadline is not None and time.monotonic() >= deadline:
            _keep(embedder, missing[kept_until:start], made)
            raise BudgetExhausted("stopped because --max-seconds is over; run again to go on")
        some = missing[start : start + SLICE]
        try:
            made.append(embedder.embed([texts[one] for one in some], "passage").astype("f2"))
        except Exception:
            with suppress(DatabaseError):  # the first error is the one to tell
                _keep(embedder, missing[kept_until:start], made)
            raise
        found |= dict(zip(some, made[-1], strict=True))
        counts["chunks_embedded"] += len(some)
        if time.monotonic() - kept_at > KEEP_EVERY or start + SLICE >= len(missing):
            _keep(embedder, missing[kept_until : start + SLICE], made)
            kept_until, kept_at, made = start + SLICE, time.monotonic(), []
    return found


def without_waiting() -> None:
    """The commit of this transaction does not wait for the disk.

    Only for what the next sync makes again: a crash of the server may take the last second of such transactions, each
    as a whole and the latest first, so that the ledger never knows more than there is.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")


def _keep(embedder: Embedder, hashes: list[str], made: "list[Half]") -> None:
    """Another process may keep the same text at the same time."""
    if not hashes:
        return
    rows = [row for some in made for row in some.astype(">f2")]
    with transaction.atomic():
        without_waiting()
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMPORARY TABLE IF NOT EXISTS made_embedding (content_hash varchar, vector halfvec)"
                " ON COMMIT DELETE ROWS"
            )
        order = sorted(range(len(hashes)), key=hashes.__getitem__)  # two processes take the locks in the same order
        copy_rows(
            "made_embedding", ("content_hash", "vector"),
            ((text(hashes[place]), halfvec(rows[place].tobytes())) for place in order),
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO core_embedding (embedder, content_hash, vector)"
                " SELECT %s, content_hash, vector FROM made_embedding ORDER BY content_hash ON CONFLICT DO NOTHING",
                [embedder.info.fingerprint],
            )
