"""Reads and writes one namespace of a Pinecone index: https://docs.pinecone.io/reference/api/2026-07/data-plane.

Requests are split so that they stay below Pinecone's limits for encoded bytes and records:
https://docs.pinecone.io/reference/api/database-limits
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from pinecone import Pinecone

from core.errors import ConfigurationError, NotFound, UnexpectedAnswer
from core.operations import bounds
from core.operations.pinecone_ops.client import TooLarge, ask, connect, index_client, is_of_index

MOST_BYTES = 1_500_000
"""Maximum bytes of one request. Pinecone allows 2 MB; the difference is a margin for changes of the encoding."""
MOST_RECORDS = 1_000
MOST_IDS = 1_000
BYTES_A_NUMBER = 10
"""Maximum bytes of one encoded number, such as ``-0.123456,``. Vectors are rounded to six decimals."""


def size_of(record: Mapping[str, Any]) -> int:
    """Return an upper bound of the encoded size of a record, in bytes."""
    about = json.dumps(record["metadata"], ensure_ascii=False, separators=(",", ":")).encode()
    return len(about) + BYTES_A_NUMBER * len(record["values"]) + len(record["id"]) + 64


def by_bytes(records: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Yield batches that fit into one request. A record that is too large gets a separate batch."""
    batch: list[Mapping[str, Any]] = []
    used = 0
    for record in records:
        size = size_of(record)
        if batch and (used + size > MOST_BYTES or len(batch) >= MOST_RECORDS):
            yield batch
            batch, used = [], 0
        batch.append(record)
        used += size
    if batch:
        yield batch


def by_count(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the ids in batches of ``MOST_IDS``."""
    for start in range(0, len(ids), MOST_IDS):
        yield ids[start : start + MOST_IDS]


MOST_ADDRESS_BYTES = 6_000
"""Maximum bytes of the ids in the address of one request. Many servers accept addresses of up to 8,000 bytes."""


def by_address(ids: Sequence[str]) -> Iterator[list[str]]:
    """Yield the ids in batches that fit into the address of one request."""
    batch: list[str] = []
    used = 0
    for name in ids:
        size = len(quote_plus(name)) + len("&ids=")
        if batch and used + size > MOST_ADDRESS_BYTES:
            yield batch
            batch, used = [], 0
        batch.append(name)
        used += size
    if batch:
        yield batch


PATIENCE = 60.0
"""Maximum seconds to wait until a new index is ready. A smaller value would turn a slow creation into an error."""
POLL = 0.1
"""Seconds between two checks whether a write is visible.

With a larger value, a sync would end later. With a smaller value, it would send more requests.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A search result: a record and its similarity to the query."""

    id: str
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """The configuration of an index, and the number of records in the namespace as Pinecone reports it."""

    dimension: int | None
    metric: str | None
    records: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRecord:
    """A record as Pinecone returns it."""

    values: Sequence[float]
    metadata: Mapping[str, Any]


class PineconeStore:
    """Reads and writes one namespace. It connects at the first call.

    ``region`` is the cloud and region where a missing index is created, such as ``aws/us-east-1``.
    """

    def __init__(self, api_key: str, *, host: str, index: str, namespace: str, region: str) -> None:
        self.api_key, self.host, self.name, self.namespace, self.region = api_key, host, index, namespace, region
        self._last_deleted: str | None = None

    @property
    def _client(self) -> Pinecone:
        return connect(self.api_key, self.host)

    @property
    def _index(self) -> Any:
        return index_client(self.api_key, self.host, self.name)

    def exists(self) -> bool:
        """Return whether the index exists. If ``host`` is the address of an index, the index is assumed to exist."""
        if is_of_index(self.host):
            return True
        try:
            ask(lambda: self._client.indexes.describe(self.name))
        except NotFound:
            return False
        return True

    def create(self, dimension: int, metric: str) -> None:
        """Create the index and wait until it is ready. If another process creates it first, that index is used."""
        from pinecone import ServerlessSpec

        cloud, _, region = self.region.partition("/")
        try:
            ask(
                lambda: self._client.create_index(
                    self.name, spec=ServerlessSpec(cloud=cloud, region=region), dimension=dimension, metric=metric,
                    timeout=int(PATIENCE),
                )
            )  # fmt: skip
        except ConfigurationError:
            if not self.exists():
                raise

    def describe(self) -> Stored:
        """Return the index's configuration and the namespace's number of records. The number lags behind writes."""
        stats = ask(lambda: self._index.describe_index_stats())
        own = stats.namespaces.get(self.namespace)
        return Stored(dimension=stats.dimension, metric=stats.metric, records=own.vector_count if own else 0)

    def upsert(self, records: Sequence[Mapping[str, Any]]) -> int | None:
        """Write records (``id``, ``values``, ``metadata``) and return the log sequence number of the last write.

        Returns ``None`` if Pinecone reports no number.
        """
        lsn: int | None = None
        for batch in by_bytes(records):
            lsn = self._upsert(batch) or lsn
        return lsn

    def _upsert(self, batch: Sequence[Mapping[str, Any]]) -> int | None:
        """Write a batch in one request. If Pinecone refuses it as too large, write each half separately."""
        try:
            answer = ask(lambda: self._index.upsert(vectors=list(batch), namespace=self.namespace))
        except TooLarge:
            if len(batch) == 1:
                raise
            half = len(batch) // 2
            first = self._upsert(batch[:half])
            return self._upsert(batch[half:]) or first
        if answer.upserted_count != len(batch):
            raise UnexpectedAnswer(f"Pinecone stored {answer.upserted_count} of {len(batch)} records; run again")
        self._last_deleted = None
        return answer.response_info.lsn_committed if answer.response_info else None

    def delete(self, ids: Sequence[str]) -> None:
        """Remove records. Missing ids and a missing namespace are ignored."""
        for batch in by_count(ids):
            try:
                self._delete(batch)
            except NotFound:
                continue
            self._last_deleted = batch[-1]

    def _delete(self, ids: Sequence[str]) -> None:
        ask(lambda: self._index.delete(ids=list(ids), namespace=self.namespace))

    def query(self, vector: Sequence[float], condition: Mapping[str, Any] | None, limit: int) -> list[Found]:
        """Return at most ``limit`` records, nearest to the vector first. ``condition`` is a metadata filter."""
        answer = ask(
            lambda: self._index.query(top_k=limit, vector=list(vector), namespace=self.namespace, filter=condition),
            bounds.QUERY,
        )
        return [Found(id=match.id, score=match.score) for match in answer.matches]

    def list_ids(self, prefix: str = "") -> Iterator[str]:
        """Yield all ids that begin with ``prefix``. Raises UnexpectedAnswer if the pages repeat themselves."""
        token: str | None = None
        seen: set[str] = set()
        while True:
            page = self._page(prefix or None, token)
            yield from (item.id for item in page.vectors)
            token = page.pagination.next if page.pagination else None
            if not token:
                return
            if token in seen:
                raise UnexpectedAnswer("Pinecone's pages of ids form a loop; run again later")
            seen.add(token)

    def fetch(self, records: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], StoredRecord | None]]:
        """Yield each record (``id``, ``values``, ``metadata``) with the stored record that has the same id.

        The second value is ``None`` if there is no such record. The sizes of the given records limit the size of the
        answers.
        """
        for batch in by_bytes(records):
            for part in by_address([record["id"] for record in batch]):
                stored = self._fetch(part)
                yield from ((record, stored.get(record["id"])) for record in batch if record["id"] in set(part))

    def _fetch(self, ids: Sequence[str]) -> dict[str, StoredRecord]:
        """Fetch records in one request. If its address is too long for a server in between, fetch each half."""
        try:
            answer = ask(lambda: self._index.fetch(ids=list(ids), namespace=self.namespace))
        except TooLarge:
            if len(ids) == 1:
                raise
            half = len(ids) // 2
            return self._fetch(ids[:half]) | self._fetch(ids[half:])
        return {
            name: StoredRecord(values=list(vector.values or ()), metadata=vector.metadata or {})
            for name, vector in answer.vectors.items()
        }

    def namespaces(self) -> list[str]:
        """Return the names of all namespaces of the index."""
        return sorted(ask(lambda: self._index.describe_index_stats()).namespaces)

    def _page(self, prefix: str | None, token: str | None = None, limit: int | None = None) -> Any:
        more = {} if limit is None else {"limit": limit}
        return ask(
            lambda: self._index.list_paginated(prefix=prefix, pagination_token=token, namespace=self.namespace, **more)
        )

    def wait(self, lsn: int | None, dimension: int, seconds: float) -> bool:
        """Wait until queries see the write with this log sequence number and the last deletion by this object.

        Return False if queries do not see both within ``seconds`` or before the run ends. Deletions have no sequence
        number. Therefore the ids are listed until the last deleted id is gone.
        https://docs.pinecone.io/guides/index-data/check-data-freshness
        """
        probe, end = [1.0] + [0.0] * (dimension - 1), bounds.earlier_end(time.monotonic() + seconds)
        while not self._is_fresh(lsn, probe):
            if end is None or time.monotonic() >= end:
                return False
            time.sleep(POLL)
        return True

    def _is_fresh(self, lsn: int | None, probe: list[float]) -> bool:
        if lsn is not None:
            answer = ask(lambda: self._index.query(top_k=1, vector=probe, namespace=self.namespace))
            visible = answer.response_info.lsn_reconciled if answer.response_info else None
            if visible is not None and visible < lsn:
                return False
        if self._last_deleted is None:
            return True
        page = self._page(self._last_deleted, limit=1)
        return self._last_deleted not in {item.id for item in page.vectors}

    def drop(self) -> None:
        """Remove the namespace. A missing namespace is ignored."""
        try:
            ask(lambda: self._index.delete_namespace(name=self.namespace))
        except NotFound:
            return
