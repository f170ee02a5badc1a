"""The interface of a vector index, and the ids of its vectors."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, unquote
from uuid import UUID

from core.errors import DocumentRefused
from core.models import Document
from core.search.filters import Filters
from core.search.heads import Head

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST_ID = 512
"""Maximum number of characters of an id in Pinecone."""
PRINTABLE = "".join(chr(code) for code in range(32, 127) if chr(code) != "%")


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A chunk with its vector. The vector has half precision, as in PostgreSQL, so a repeated write is identical.

    ``head`` contains the properties of the document that the write stores. The fields of ``document`` may be older.
    ``url``, ``author``, ``occurred_at`` and ``kind`` describe the passage.
    """

    id: str
    document: Document
    head: Head
    ordinal: int
    text: str
    url: str
    author: str = ""
    occurred_at: datetime | None = None
    kind: str = ""
    text_hash: UUID
    vector: "NDArray[np.float16]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """A chunk near the query. ``score`` is the cosine similarity, at most 1."""

    vector_id: str
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """The number of vectors that queries of a namespace see, and the properties of the index."""

    vectors: int
    dimension: int | None
    metric: str | None


class VectorIndex(Protocol):
    """One namespace of an index. All writes are idempotent."""

    transactional: bool
    """Whether writes are part of the caller's database transaction."""
    has_metadata: bool
    """Whether each vector contains properties of its document and passage, and must be written when these change."""

    def prepare(self) -> None:
        """Create the index if it is missing. Raises ConfigurationError if an existing index does not fit the model."""
        ...

    def upsert(self, records: Sequence[Record]) -> int | None:
        """Write chunks, and return the log sequence number of the last write if the index reports one.

        Raises DocumentRefused for a chunk that the index cannot store.
        """
        ...

    def delete(self, ids: Sequence[str]) -> None:
        """Delete chunks. Missing ids are ignored."""
        ...

    def differing(self, records: Sequence[Record]) -> list[str]:
        """Return the ids of the records that the index does not contain, or contains with another vector or metadata.

        Nothing is written.
        """
        ...

    def query(self, vector: "NDArray[np.float32]", filters: Filters, limit: int) -> list[Match]:
        """Return the nearest chunks of documents that match the filters, nearest first."""
        ...

    def list_ids(self, prefix: str = "") -> Iterator[str]:
        """Yield the ids of all chunks, or only the ids with a prefix."""
        ...

    def namespaces(self) -> list[str]:
        """Return the names of all namespaces in the same index outside of the database, also of other projects."""
        ...

    def describe(self) -> Description:
        """Return the number of vectors of the namespace, and the properties of the index."""
        ...

    def wait(self, lsn: int | None, seconds: float) -> bool:
        """Wait up to ``seconds`` until queries see all writes up to a log sequence number. Return whether they do."""
        ...

    def drop(self) -> None:
        """Remove the namespace with all its vectors."""
        ...


def vector_id(external_id: str, ordinal: int) -> str:
    """Return the id of a chunk, which is the same in every index: printable ASCII of at most 512 characters.

    Raises DocumentRefused for a longer id.
    """
    name = external_id if external_id.isascii() and "%" not in external_id else quote(external_id, safe=PRINTABLE)
    identifier = f"{name}#{ordinal:04d}"
    if len(identifier) > LONGEST_ID:
        raise DocumentRefused(f"the id of a chunk of {external_id[:60]}... has more than {LONGEST_ID} characters")
    return identifier


def parts_of(identifier: str) -> tuple[str, int] | None:
    """Return the external id and the ordinal from the id of a chunk.

    Returns ``None`` for an id that ``vector_id`` did not create.
    """
    name, separator, ordinal = identifier.rpartition("#")
    if not separator or not (ordinal.isascii() and ordinal.isdigit() and len(ordinal) < 10):
        return None
    document = unquote(name, errors="replace")
    with suppress(DocumentRefused):
        return (document, int(ordinal)) if vector_id(document, int(ordinal)) == identifier else None
    return None
