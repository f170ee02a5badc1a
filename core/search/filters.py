"""What a query asks of an index, and what an index answers: the same for every index."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """What a result must be; ``None`` is no condition. Times are aware, ``until`` is exclusive.

    Values are compared as a whole; ``scope`` (owner/name, guild/channel) and ``author`` without regard to case.
    ``author`` and the dates are those of the passage that is found (``Chunk.author``, ``Chunk.occurred_at``, and in
    the metadata of an index outside), so that an answer in somebody else's thread is found by who wrote it.
    """

    source: str | None = None
    kind: str | None = None
    scope: str | None = None
    author: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def asked(self) -> Mapping[str, str | datetime]:
        """The conditions that there are, by name."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A chunk that an index found: its stable id and how alike it is, 1.0 for the same direction."""

    vector_id: str
    score: float
