"""Connections to Pinecone: cached clients, limits for Pinecone's library, and translation of the library's errors.

The library limits the time to connect and the time between two bytes, but reads answers of any size. It uses httpx,
which does not follow redirects by default: https://www.python-httpx.org/compatibility/#redirects
"""

import os
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import httpx
from django.utils import timezone
from pinecone import Pinecone
from pinecone.errors import exceptions as vendor

from core.errors import (
    AccessDenied,
    CollectorError,
    ConfigurationError,
    DocumentRefused,
    NotFound,
    ReplaceToken,
    RetryLater,
    SourceTimeout,
    SourceUnavailable,
    UnexpectedAnswer,
)
from core.logs import redact, register_secret
from core.operations import bounds

QUOTA = ("quota", "for the current month", "write unit limit", "read unit limit", "max storage")
"""Phrases in Pinecone's messages when the quota of the plan is used up. A short wait does not help then."""


class TooLarge(DocumentRefused):
    """A request exceeds Pinecone's size limit. Send fewer records in one request."""


@contextmanager
def translated() -> Generator[None]:
    """Translate errors of Pinecone's library inside the block into the project's errors."""
    try:
        yield
    except vendor.ApiError as error:
        raise _of_status(error) from error
    except (vendor.PineconeTimeoutError, TimeoutError) as error:
        raise SourceTimeout("Pinecone did not answer in time; run again later") from error
    except vendor.PineconeConnectionError as error:
        raise SourceUnavailable(f"Pinecone cannot be reached: {_words(error)}; run again later") from error
    except (vendor.PineconeValueError, vendor.PineconeTypeError) as error:
        raise DocumentRefused(f"the Pinecone library refuses the request: {_words(error)}") from error
    except vendor.PineconeError as error:
        raise UnexpectedAnswer(f"Pinecone: {_words(error)}") from error


def _of_status(error: vendor.ApiError) -> CollectorError:
    status, words = error.status_code, _words(error)
    if status in bounds.REDIRECTS:
        return bounds.redirect_refused("Pinecone", "PINECONE_HOST")
    if status == 401:
        return ReplaceToken("Pinecone refuses the key (401). Put a valid one into PINECONE_API_KEY.")
    if status in {402, 403} or (status == 429 and any(hint in words.lower() for hint in QUOTA)):
        return AccessDenied(
            f"Pinecone does not allow the request ({status}): {words}; "
            "check the plan, its quota and the permissions of PINECONE_API_KEY"
        )
    if status == 404:
        return NotFound(f"Pinecone: {words}")
    if status == 409:
        return ConfigurationError(f"Pinecone: {words}")
    if status in {413, 414}:
        return TooLarge(f"Pinecone: {words}")
    if status == 429:
        seconds = bounds.wait_seconds(getattr(error, "retry_after", None)) or 30.0
        return RetryLater(
            f"Pinecone's rate limit is reached: {words}; run again later",
            not_before=timezone.now() + timedelta(seconds=min(seconds, 3600.0)),
        )
    if status == 408 or status >= 500:
        return SourceUnavailable(f"Pinecone keeps returning {status}: {words}; run again later")
    return DocumentRefused(f"Pinecone ({status}): {words}")


def _words(error: vendor.PineconeError) -> str:
    return redact(" ".join(error.message.split()) if hasattr(error, "message") else str(error))[:500]


Value = TypeVar("Value")


def ask(work: Callable[[], Value], seconds: float | None = None) -> Value:
    """Call the library and return its answer. The time limit includes the library's own retries.

    Raises SourceTimeout after ``seconds`` (default: ``bounds.ANSWER``), BudgetExhausted at the end of the run, and the
    errors of ``translated``.
    """
    with translated():
        return bounds.call_within(seconds or bounds.ANSWER, work)


def bound_size(client: Any) -> Any:
    """Limit the size of every answer that a client of the library reads, and return the client.

    The library offers no hook for this. Therefore the transport that makes a single attempt is wrapped.
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
            del response.headers["retry-after"]  # remove a value that is not a number of seconds
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


def connect(api_key: str, host: str) -> Pinecone:
    """Return a client of the service at the address ``host``. Raises ConfigurationError if the key is empty.

    Without ``host``, or if ``host`` is the address of one index, the client uses the default address of the library.
    """
    if not api_key:
        raise ConfigurationError(
            "PINECONE_API_KEY is empty. Create a key at https://app.pinecone.io and put it into .env."
        )
    register_secret(api_key)
    return _connected(api_key, host)


_clients: dict[tuple[object, ...], Any] = {}
"""Clients by process id, API key, address and index.

Clients are reused because a new client loads all root certificates. The process id is part of the key because a forked
process must not reuse sockets of its parent.
"""


def _connected(api_key: str, host: str) -> Pinecone:
    key = (os.getpid(), api_key, host)
    if key not in _clients:
        with translated():
            address = None if not host or is_of_index(host) else host
            _clients[key] = bound_size(Pinecone(api_key=api_key, host=address))
    return _clients[key]


def index_client(api_key: str, host: str, name: str) -> Any:
    """Return a client of one index.

    Raises ConfigurationError for an address without TLS on another machine, because the key would be sent unencrypted.
    """
    key = (os.getpid(), api_key, host, name)
    if key not in _clients:
        client = connect(api_key, host)
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            try:
                opened = ask(lambda: client.index(host=host) if is_of_index(host) else client.index(name))
                _clients[key] = bound_size(opened)
            except RuntimeWarning as warning:
                raise ConfigurationError(
                    "PINECONE_HOST must begin with https://, except for a server on this machine."
                ) from warning
    return _clients[key]


def forget_clients() -> None:
    """Close all clients. Call this after an index was recreated, because the address of the index changes."""
    while _clients:
        _clients.popitem()[1].close()


def is_of_index(host: str) -> bool:
    """Return whether an address belongs to one index rather than to the service."""
    return ".svc." in host
