"""Requests are cut by what the vendor counts: encoded bytes, and records.

The limits: https://docs.pinecone.io/reference/api/database-limits
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MOST_BYTES = 1_500_000
"""Of 2 MB: what other versions of the encoding may add has room."""
MOST_RECORDS = 1_000
MOST_IDS = 1_000
BYTES_A_NUMBER = 10
"""``-0.123456,``: vectors are rounded to six decimals."""


def size_of(record: Mapping[str, Any]) -> int:
    """At most so many bytes when encoded."""
    about = json.dumps(record["metadata"], ensure_ascii=False, separators=(",", ":")).encode()
    return len(about) + BYTES_A_NUMBER * len(record["values"]) + len(record["id"]) + 64


def by_bytes(records: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Requests that fit; a record that is too long by itself goes alone."""
    held: list[Mapping[str, Any]] = []
    used = 0
    for record in records:
        size = size_of(record)
        if held and (used + size > MOST_BYTES or len(held) >= MOST_RECORDS):
            yield held
            held, used = [], 0
        held.append(record)
        used += size
    if held:
        yield held


def by_count(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """A thousand ids at a time."""
    for start in range(0, len(ids), MOST_IDS):
        yield ids[start : start + MOST_IDS]
