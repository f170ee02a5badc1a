"""The vendor's errors become the project's own, each named for what to do next."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta

from django.utils import timezone
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
from core.logs.redaction import redact
from core.operations import bounds

QUOTA = ("quota", "for the current month", "write unit limit", "read unit limit", "max storage")
"""How the vendor says that a plan is used up: waiting for some seconds does not help."""


class TooLarge(DocumentRefused):
    """A request of several records is over the limit of bytes: send fewer at once."""


@contextmanager
def translated() -> Generator[None]:
    """Around every call of the vendor's library."""
    try:
        yield
    except vendor.ApiError as error:
        raise _of_status(error) from error
    except (vendor.PineconeTimeoutError, TimeoutError) as error:
        raise SourceTimeout("Pinecone did not answer in time; run again later") from error
    except vendor.PineconeConnectionError as error:
        raise SourceUnavailable(f"Pinecone cannot be reached: {_words(error)}; run again later") from error
    except (vendor.PineconeValueError, vendor.PineconeTypeError) as error:
        raise DocumentRefused(f"the Pinecone library refuses it: {_words(error)}") from error
    except vendor.PineconeError as error:
        raise UnexpectedAnswer(f"Pinecone: {_words(error)}") from error


def _of_status(error: vendor.ApiError) -> CollectorError:
    status, words = error.status_code, _words(error)
    if status in bounds.REDIRECTS:
        return bounds.redirect_refused("Pinecone", "PINECONE_HOST")
    if status == 401:
        return ReplaceToken("Pinecone refuses the key (401). Put a valid one into PINECONE_API_KEY.")
    if status in {402, 403} or (status == 429 and any(hint in words.lower() for hint in QUOTA)):
        return AccessDenied(f"Pinecone does not allow it ({status}): {words}")
    if status == 404:
        return NotFound(f"Pinecone: {words}")
    if status == 409:
        return ConfigurationError(f"Pinecone: {words}")
    if status == 413:
        return TooLarge(f"Pinecone: {words}")
    if status == 429:
        seconds = bounds.wait_seconds(getattr(error, "retry_after", None)) or 30.0
        return RetryLater(
            f"Pinecone's rate limit is reached: {words}; run again later",
            not_before=timezone.now() + timedelta(seconds=min(seconds, 3600.0)),
        )
    if status == 408 or status >= 500:
        return SourceUnavailable(f"Pinecone keeps answering {status}: {words}; run again later")
    return DocumentRefused(f"Pinecone ({status}): {words}")


def _words(error: vendor.PineconeError) -> str:
    return redact(" ".join(error.message.split()) if hasattr(error, "message") else str(error))[:500]
