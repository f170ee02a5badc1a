"""One namespace of one index: https://docs.pinecone.io/reference/api/2026-07/data-plane."""

import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pinecone import Pinecone

from core.errors import ConfigurationError, NotFound, UnexpectedAnswer
from core.logs.redaction import register_secret
from core.operations import bounds
from core.operations.pinecone_ops.batches import by_bytes, by_count
from core.operations.pinecone_ops.bounded import ask, bound_size
from core.operations.pinecone_ops.errors import TooLarge, translated

PATIENCE = 60.0
"""Seconds that a new index may take to become ready."""
POLL = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A record that is near."""

    id: str
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """How an index is made and how many records the namespace shows."""

    dimension: int | None
    metric: str | None
    records: int


def connect(api_key: str, host: str) -> Pinecone:
    """A client; ``host`` may be empty, the control plane's, or an index's own (then it is not used here)."""
    if not api_key:
        raise ConfigurationError(
            "PINECONE_API_KEY is empty. Create a key at https://app.pinecone.io and put it into .env."
        )
    register_secret(api_key)
    return _connected(api_key, host)


_clients: dict[tuple[object, ...], Any] = {}
"""Kept, for each loads the certificates of the world first; a forked process makes its own."""


def _connected(api_key: str, host: str) -> Pinecone:
    key = (os.getpid(), api_key, host)
    if key not in _clients:
        with translated():
            address = None if not host or is_of_index(host) else host
            _clients[key] = bound_size(Pinecone(api_key=api_key, host=address))
    return _clients[key]


def _opened(api_key: str, host: str, name: str) -> Any:
    """A client of one index. A key does not travel unencrypted, except on this machine."""
    key = (os.getpid(), api_key, host, name)
    if key not in _clients:
        client = connect(api_key, host)
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            try:
                opened = ask(lambda: client.index(host=host) if is_of_index(host) else client.index(name))
                _clients[key] = bound_size(opened)
            except RuntimeWarning as warning:
                raise ConfigurationError("PINECONE_HOST must be https, except on this machine.") from warning
    return _clients[key]


def forget_clients() -> None:
    """Ask anew where an index is: one that was made again has another address."""
    while _clients:
        _clients.popitem()[1].close()


def is_of_index(host: str) -> bool:
    """Whether an address is that of one index rather than of the service."""
    return ".svc." in host


class PineconeStore:
    """Connects at the first call. ``region`` is where a missing index is created, such as ``aws/us-east-1``."""

    def __init__(self, api_key: str, *, host: str, index: str, namespace: str, region: str) -> None:
        self.api_key, self.host, self.name, self.namespace, self.region = api_key, host, index, namespace, region
        self._last_deleted: str | None = None

    @property
    def _client(self) -> Pinecone:
        return connect(self.api_key, self.host)

    @property
    def _index(self) -> Any:
        return _opened(self.api_key, self.host, self.name)

    def exists(self) -> bool:
        """Whether there is an index of this name; one that is addressed directly is taken to be there."""
        if is_of_index(self.host):
            return True
        try:
            ask(lambda: self._client.indexes.describe(self.name))
        except NotFound:
            return False
        return True

    def create(self, dimension: int, metric: str) -> None:
        """Create the index and wait until it is ready; another process may be faster."""
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
        """As the index itself tells; its counts lag behind writes."""
        stats = ask(lambda: self._index.describe_index_stats())
        mine = stats.namespaces.get(self.namespace)
        return Stored(dimension=stats.dimension, metric=stats.metric, records=mine.vector_count if mine else 0)

    def upsert(self, records: Sequence[Mapping[str, Any]]) -> int | None:
        """Write records (``id``, ``values``, ``metadata``); returns the log number of the last write."""
        lsn: int | None = None
        for batch in by_bytes(records):
            lsn = self._upsert(batch) or lsn
        return lsn

    def _upsert(self, batch: Sequence[Mapping[str, Any]]) -> int | None:
        """One request; halves of it when it is too large all the same."""
        try:
            answer = ask(lambda: self._index.upsert(vectors=list(batch), namespace=self.namespace))
        except TooLarge:
            if len(batch) == 1:
                raise
            half = len(batch) // 2
            first = self._upsert(batch[:half])
            return self._upsert(batch[half:]) or first
        if answer.upserted_count != len(batch):
            raise UnexpectedAnswer(f"Pinecone took {answer.upserted_count} of {len(batch)} records; run again")
        self._last_deleted = None
        return answer.response_info.lsn_committed if answer.response_info else None

    def delete(self, ids: Sequence[str]) -> None:
        """Remove records; a namespace that is not there holds none."""
        for some in by_count(ids):
            try:
                self._delete(some)
            except NotFound:
                continue
            self._last_deleted = some[-1]

    def _delete(self, ids: Sequence[str]) -> None:
        ask(lambda: self._index.delete(ids=list(ids), namespace=self.namespace))

    def query(self, vector: Sequence[float], condition: Mapping[str, Any] | None, limit: int) -> list[Found]:
        """The nearest records, the best first."""
        answer = ask(
            lambda: self._index.query(top_k=limit, vector=list(vector), namespace=self.namespace, filter=condition),
            bounds.QUERY,
        )
        return [Found(id=match.id, score=match.score) for match in answer.matches]

    def list_ids(self, prefix: str = "") -> Iterator[str]:
        """All ids; UnexpectedAnswer when the pages lead in a circle."""
        token: str | None = None
        seen: set[str] = set()
        while True:
            page = self._page(prefix or None, token)
            yield from (item.id for item in page.vectors)
            token = page.pagination.next if page.pagination else None
            if not token:
                return
            if token in seen:
                raise UnexpectedAnswer("Pinecone's pages of ids lead in a circle; run again later")
            seen.add(token)

    def _page(self, prefix: str | None, token: str | None = None, limit: int | None = None) -> Any:
        more = {} if limit is None else {"limit": limit}
        return ask(
            lambda: self._index.list_paginated(prefix=prefix, pagination_token=token, namespace=self.namespace, **more)
        )

    def wait(self, lsn: int | None, dimension: int, seconds: float) -> bool:
        """Wait until a query sees the write of this log number, and the last deletion of this process too.

        https://docs.pinecone.io/guides/index-data/check-data-freshness; deletions tell no number.
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
            told = answer.response_info.lsn_reconciled if answer.response_info else None
            if told is not None and told < lsn:
                return False
        if self._last_deleted is None:
            return True
        page = self._page(self._last_deleted, limit=1)
        return self._last_deleted not in {item.id for item in page.vectors}

    def drop(self) -> None:
        """Remove the namespace; one that is gone already is no error."""
        try:
            ask(lambda: self._index.delete_namespace(name=self.namespace))
        except NotFound:
            return
