"""Vectors in Pinecone, with metadata for programs that read the index without the database."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings

from core.errors import ConfigurationError
from core.models import Namespace
from core.operations.pinecone_ops import PineconeStore, StoredRecord
from core.search.filters import Filters
from core.search.indexes.base import Description, Match, Record
from core.search.indexes.metadata import vector_metadata
from core.search.indexes.metadata_filter import DEEPER, is_complete, keep_matching, metadata_filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

METRIC = "cosine"
DECIMALS = 6
"""Number of decimals of each number in a request. Without rounding, a request would be twice as large. Six decimals are
more precise than half precision."""
COMPARED_TOGETHER = 500
"""Number of records that are compared together. With more records, their numbers would need more memory."""
TOLERANCE = 1e-5
"""Maximum difference of a number between a request and the stored record. Pinecone stores numbers with single
precision. A difference below this value changes no ranking, because vectors have half precision."""


class PineconeIndex:
    """An index that stores vectors in a Pinecone namespace. Queries see writes only after a delay (:meth:`wait`)."""

    transactional = False
    has_metadata = True

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self.store = PineconeStore(
            settings.PINECONE_API_KEY, host=settings.PINECONE_HOST, index=namespace.container,
            namespace=namespace.name, region=settings.PINECONE_REGION,
        )  # fmt: skip

    def prepare(self) -> None:
        """Create the index if it is missing.

        Raises ConfigurationError if an existing index has another dimension or metric than the model.
        """
        if not self.store.exists():
            self.store.create(self.namespace.dimension, METRIC)
        index, dimension = self.store.describe(), self.namespace.dimension
        if (index.dimension or dimension, index.metric or METRIC) != (dimension, METRIC):
            raise ConfigurationError(
                f"The Pinecone index {self.namespace.container} has dimension {index.dimension} ({index.metric}), "
                f"but {self.namespace.embedder} needs dimension {dimension} ({METRIC}). "
                "Set PINECONE_INDEX to an unused name, or EMBEDDER to the model that the index was created for."
            )

    def upsert(self, records: Sequence[Record]) -> int | None:
        """Write vectors in as many requests as their size requires."""
        return self.store.upsert([_request_record(record) for record in records]) if records else None

    def delete(self, ids: Sequence[str]) -> None:
        """Delete vectors, up to 1,000 in one request."""
        self.store.delete(ids)

    def differing(self, records: Sequence[Record]) -> list[str]:
        """Fetch the records from Pinecone and return the ids of those that differ."""
        differing: list[str] = []
        for start in range(0, len(records), COMPARED_TOGETHER):
            sent = [_request_record(record) for record in records[start : start + COMPARED_TOGETHER]]
            for record, stored in self.store.fetch(sent):
                if stored is None or _differs(record, stored):
                    differing.append(record["id"])
        return differing

    def namespaces(self) -> list[str]:
        """Return the names of all namespaces of the index, which may contain namespaces of other projects."""
        return self.store.namespaces() if self.store.exists() else []

    def query(self, vector: "NDArray[np.float32]", filters: Filters, limit: int) -> list[Match]:
        """Return the nearest chunks. Pinecone applies the filters that it can compare.

        The database applies phrases and excluded values to ``DEEPER`` times as many chunks.
        """
        condition, complete = metadata_filter(filters), is_complete(filters)
        if condition is None:
            return []
        nearest = self.store.query(_rounded(vector), condition or None, limit if complete else limit * DEEPER)
        matches = [Match(vector_id=match.id, score=match.score) for match in nearest]
        return matches if complete else keep_matching(matches, filters)[:limit]

    def list_ids(self, prefix: str = "") -> Iterator[str]:
        """Yield ids, up to 100 from each request."""
        return self.store.list_ids(prefix)

    def describe(self) -> Description:
        """Return the description that Pinecone reports. The number of vectors does not yet include recent writes."""
        reported = self.store.describe()
        return Description(vectors=reported.records, dimension=reported.dimension, metric=reported.metric)

    def wait(self, lsn: int | None, seconds: float) -> bool:
        """Wait up to ``seconds`` until queries see all writes and deletions. Return whether they do."""
        return self.store.wait(lsn, self.namespace.dimension, seconds)

    def drop(self) -> None:
        """Remove only the namespace, because the index may contain namespaces of other projects."""
        if self.store.exists():
            self.store.drop()


def _rounded(vector: "NDArray[Any]") -> list[float]:
    """Return the numbers of a vector, rounded to ``DECIMALS`` decimals."""
    return vector.astype("f8").round(DECIMALS).tolist()


def _request_record(record: Record) -> dict[str, Any]:
    return {"id": record.id, "values": _rounded(record.vector), "metadata": vector_metadata(record)}


def _differs(sent: Mapping[str, Any], stored: StoredRecord) -> bool:
    """Return whether a stored record has other values or metadata than the record in the request."""
    values = np.asarray(sent["values"])
    if len(stored.values) != len(values) or np.abs(values - stored.values).max(initial=0.0) > TOLERANCE:
        return True
    return not _is_same(sent["metadata"], stored.metadata)


def _is_same(sent: Any, stored: Any) -> bool:
    """Compare values of metadata. Pinecone returns numbers as doubles, and the order of a list has no meaning."""
    if isinstance(sent, dict):
        same_keys = isinstance(stored, Mapping) and sent.keys() == stored.keys()
        return same_keys and all(_is_same(value, stored[key]) for key, value in sent.items())
    if isinstance(sent, list):
        return isinstance(stored, Sequence) and sorted(sent) == sorted(map(str, stored))
    return isinstance(sent, bool) == isinstance(stored, bool) and sent == stored
