"""Bounds for the vendor's library: the time and the size of each answer.

The library bounds the time to connect and the silence between two bytes, and reads an answer of any size. It is
httpx underneath, which follows no redirect by itself: https://www.python-httpx.org/compatibility/#redirects
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx

from core.operations import bounds
from core.operations.pinecone_ops.errors import translated

Value = TypeVar("Value")


def ask(work: Callable[[], Value], seconds: float | None = None) -> Value:
    """Return the answer of a call of the library, its own retries included.

    Raises SourceTimeout after so many seconds, BudgetExhausted at the end of the run, and what ``translated`` raises.
    """
    with translated():
        return bounds.call_within(seconds or bounds.ANSWER, work)


def bound_size(client: Any) -> Any:
    """Bound the size of every answer that a client of the library reads; returns the client.

    The library offers no hook for it, so its transport is wrapped below its own retries.
    """
    retrying = client._http._client._transport
    if not isinstance(retrying._transport, _BoundedTransport):
        retrying._transport = _BoundedTransport(retrying._transport)
    return client


class _BoundedTransport(httpx.BaseTransport):
    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        if bounds.wait_seconds(response.headers.get("retry-after", "0")) is None:
            del response.headers["retry-after"]  # no number of seconds: unknown
        response.stream = _BoundedStream(response.stream)
        return response

    def close(self) -> None:
        self._inner.close()


class _BoundedStream(httpx.SyncByteStream):
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._inner:
            size += len(part)
            if size > bounds.LARGEST:
                raise httpx.ReadError(f"an answer of more than {bounds.LARGEST} bytes")
            yield part

    def close(self) -> None:
        self._inner.close()
