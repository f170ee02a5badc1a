"""Vectors in Pinecone, with the metadata that a reader of the index alone needs."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings

from core.errors import ConfigurationError
from core.models import Namespace, Scope
from core.operations.pinecone_ops import PineconeStore
from core.search.filters import Filters, like
from core.search.indexes.base import Description, Match, Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

METRIC = "cosine"
LONGEST_TEXT = 20_000
"""Bytes of a chunk's text in the metadata, of which 40 KB are allowed in all; PostgreSQL keeps the whole."""
DECIMALS = 6


class PineconeIndex:
    """Writes are seen a little later than they are made; :meth:`wait` waits for that."""

    transactional = False

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self.store = PineconeStore(
            settings.PINECONE_API_KEY, host=settings.PINECONE_HOST, index=namespace.container,
            namespace=namespace.name, region=settings.PINECONE_REGION,
        )  # fmt: skip

    def prepare(self) -> None:
        """Create the index, or check that the one that is there is made for these vectors."""
        if not self.store.exists():
            self.store.create(self.namespace.dimension, METRIC)
        found, dimension = self.store.describe(), self.namespace.dimension
        if (found.dimension or dimension, found.metric or METRIC) != (dimension, METRIC):
            raise ConfigurationError(
                f"The Pinecone index {self.namespace.container} has dimension {found.dimension} ({found.metric}), "
                f"but {self.namespace.embedder} makes vectors of dimension {dimension} for {METRIC}. "
                "Set PINECONE_INDEX to a name that is free, or EMBEDDER to the model that the index was made for."
            )

    def upsert(self, records: Sequence[Record]) -> int | None:
        """As many requests as the bytes need."""
        return self.store.upsert([_sent(record) for record in records]) if records else None

    def delete(self, ids: Sequence[str]) -> None:
        """A thousand ids a request."""
        self.store.delete(ids)

    def query(self, vector: "NDArray[np.float32]", filters: Filters, limit: int) -> list[Match]:
        """Filtered by the service itself."""
        condition = _condition(filters)
        if condition is None:
            return []
        found = self.store.query(_rounded(vector), condition or None, limit)
        return [Match(vector_id=one.id, score=one.score) for one in found]

    def list_ids(self, prefix: str = "") -> Iterator[str]:
        """A hundred a request."""
        return self.store.list_ids(prefix)

    def describe(self) -> Description:
        """As the service tells; its counts lag."""
        found = self.store.describe()
        return Description(vectors=found.records, dimension=found.dimension, metric=found.metric)

    def wait(self, lsn: int | None, seconds: float) -> bool:
        """By the log number of the last write."""
        return self.store.wait(lsn, self.namespace.dimension, seconds)

    def drop(self) -> None:
        """The namespace only: what else is in the index may be somebody's."""
        if self.store.exists():
            self.store.drop()


def _rounded(vector: "NDArray[Any]") -> list[float]:
    """Six decimals halve what is sent, and are more than half precision holds."""
    return vector.astype("f8").round(DECIMALS).tolist()


def _sent(record: Record) -> dict[str, Any]:
    return {"id": record.id, "values": _rounded(record.vector), "metadata": _metadata(record)}


def _metadata(record: Record) -> dict[str, Any]:
    """Ids are text, because numbers become doubles; ``*_key`` are what filters compare."""
    document = record.document
    found: dict[str, Any] = {
        "document": document.external_id, "source": document.source_system, "kind": document.kind,
        "title": document.title, "url": record.url or document.url, "author": document.author,
        "author_key": document.author.lower(), "container": document.scope.name,
        "container_key": document.scope.external_id,
        "text": record.text.encode()[:LONGEST_TEXT].decode("utf-8", "ignore"),
    }  # fmt: skip
    if document.occurred_at is not None:
        found["occurred_at"] = document.occurred_at.timestamp()
    return found


def _condition(filters: Filters) -> dict[str, Any] | None:
    """https://docs.pinecone.io/guides/search/filter-by-metadata; ``None``: nothing can fit."""
    found: dict[str, Any] = {}
    if filters.source is not None:
        found["source"] = {"$eq": filters.source}
    if filters.kind is not None:
        found["kind"] = {"$eq": filters.kind}
    if filters.author is not None:
        found["author_key"] = {"$eq": filters.author.lower()}
    if filters.scope is not None:
        # By id: a name changes, and what is in the index then changes a little later.
        scopes = Scope.objects.extra(where=["name ILIKE %s"], params=[like(filters.scope)])
        names = list(scopes.values_list("external_id", flat=True)[:1000])
        if not names:
            return None
        found["container_key"] = {"$in": names}
    dates = {"$gte": filters.since, "$lt": filters.until}
    if when := {operator: moment.timestamp() for operator, moment in dates.items() if moment is not None}:
        found["occurred_at"] = when
    return found
