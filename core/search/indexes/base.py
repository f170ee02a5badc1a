"""What every index can do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, unquote

from core.errors import DocumentRefused
from core.models import Document
from core.search.filters import Filters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST_ID = 512
PRINTABLE = "".join(chr(code) for code in range(32, 127) if chr(code) != "%")


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A chunk with its vector of half precision: what is kept is what is sent, however often."""

    id: str
    document: Document
    text: str
    url: str
    vector: "NDArray[np.float16]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """A chunk that is near; ``score`` is the cosine of the angle, 1 at best."""

    vector_id: str
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """What is there: vectors in the namespace (as far as they are visible), and how the index is made."""

    vectors: int
    dimension: int | None
    metric: str | None


class VectorIndex(Protocol):
    """One namespace of an index. Every write may be repeated without harm."""

    transactional: bool
    """Whether writes are part of the caller's database transaction."""

    def prepare(self) -> None:
        """Make what is missing, check what is there; ConfigurationError says what does not fit."""
        ...

    def upsert(self, records: Sequence[Record]) -> int | None:
        """Write chunks; returns the place of the last write where an index tells. DocumentRefused for a bad one."""
        ...

    def delete(self, ids: Sequence[str]) -> None:
        """Remove chunks; what is not there is no error."""
        ...

    def query(self, vector: "NDArray[np.float32]", filters: Filters, limit: int) -> list[Match]:
        """The nearest chunks of documents that fit, the best first."""
        ...

    def list_ids(self, prefix: str = "") -> Iterator[str]:
        """The ids of all chunks, or of those that begin so."""
        ...

    def describe(self) -> Description:
        """How much is there."""
        ...

    def wait(self, lsn: int | None, seconds: float) -> bool:
        """Wait until everything up to this place can be found; False when the time was too short."""
        ...

    def drop(self) -> None:
        """Remove the namespace with all that is in it."""
        ...


def vector_id(external_id: str, ordinal: int) -> str:
    """The stable id of a chunk, the same in every index: printable ASCII, at most 512 characters."""
    name = external_id if external_id.isascii() and "%" not in external_id else quote(external_id, safe=PRINTABLE)
    found = f"{name}#{ordinal:04d}"
    if len(found) > LONGEST_ID:
        raise DocumentRefused(f"the id {external_id[:60]}... makes more than {LONGEST_ID} characters")
    return found


def parts_of(identifier: str) -> tuple[str, int] | None:
    """The document and the place that an id names; None for what is none of ours."""
    name, mark, ordinal = identifier.rpartition("#")
    if not mark or not (ordinal.isascii() and ordinal.isdigit() and len(ordinal) < 10):
        return None
    found = unquote(name, errors="replace")
    return (found, int(ordinal)) if vector_id(found, int(ordinal)) == identifier else None
