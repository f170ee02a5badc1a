"""A client for embedding endpoints that implement OpenAI's API.

https://platform.openai.com/docs/api-reference/embeddings
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from core.errors import (
    AccessDenied,
    CollectorError,
    ConfigurationError,
    DocumentRefused,
    NotFound,
    ReplaceToken,
    RetryLater,
    UnexpectedAnswer,
)
from core.logs import redact, register_secret
from core.operations import bounds
from core.operations.bounds import Allowance
from core.operations.http import Response, Transport

LIMITED = 4
"""Number of retries after status 429.

Without a usable Retry-After header, the retries follow after 0.5, 1, 2 and 4 seconds. More retries would delay the
error of an endpoint that is busy for long.
"""
LONGEST_WAIT = 60.0
"""Maximum seconds to wait for a rate limit.

If the endpoint requests a longer wait, the run ends, because a later run can do the work.
"""


class EmbeddingEndpoint:
    """An embedding endpoint. ``url`` is the address without ``/embeddings``. ``key`` may be empty for local servers."""

    def __init__(self, url: str, key: str, *, transport: Transport | None = None) -> None:
        if not url.startswith(("https://", "http://")):
            raise ConfigurationError("EMBEDDING_API_URL must begin with https:// or http://.")
        register_secret(key)
        self.address, self.key = f"{url.rstrip('/')}/embeddings", key
        self.transport = transport or Transport(Allowance())

    def embed(self, model: str, texts: Sequence[str], *, hurry: bool = False) -> list[list[float]]:
        """Return one vector for each text, in order. Set ``hurry`` when a person waits, to shorten timeouts.

        Raises the matching error of the project if the endpoint returns no vectors.
        """
        options: dict[str, Any] = {"attempts": 2, "total": bounds.QUERY / 2} if hurry else {}
        body = {"model": model, "input": list(texts), "encoding_format": "float"}
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        attempt = 0
        while True:
            answer = self.transport.request("POST", self.address, headers=headers, body=body, **options)
            if answer.status != 429:
                break
            seconds = _retry_after(answer, attempt)
            if hurry or attempt == LIMITED or seconds > LONGEST_WAIT or _is_quota(answer):
                break
            self.transport.pause(seconds)
            attempt += 1
        if answer.status != 200:
            raise _error_of(answer)
        return _vectors(answer, len(texts))


def _vectors(answer: Response, expected: int) -> list[list[float]]:
    """Return the vectors in the order of the texts.

    Some servers return them in another order, so ``index`` is used. Raises UnexpectedAnswer unless each text has a
    vector.
    """
    parsed = answer.json()
    items: Any = parsed.get("data") if isinstance(parsed, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    try:
        vectors = {int(item.get("index", position)): item["embedding"] for position, item in enumerate(items)}
        return [[float(x) for x in vectors[position]] for position in range(expected)]
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise UnexpectedAnswer(
            "The embedding endpoint did not return a vector for each text; check EMBEDDING_MODEL"
        ) from error


def _retry_after(answer: Response, attempt: int) -> float:
    """Return the seconds in the ``Retry-After`` header, or 0.5 doubled with each attempt without a usable header."""
    seconds = bounds.wait_seconds(answer.headers.get("retry-after", ""))
    return 0.5 * 2**attempt if seconds is None else seconds


def _words(answer: Response) -> str:
    """Return at most 500 characters of the server's error message, with secrets redacted."""
    try:
        parsed: Any = answer.json()
        message = parsed["error"]["message"]
    except (UnexpectedAnswer, KeyError, TypeError):
        message = answer.body[:500].decode("utf-8", "replace")
    return redact(" ".join(str(message).split()))[:500]


def _is_quota(answer: Response) -> bool:
    return b"insufficient_quota" in answer.body or b"quota" in answer.body[:2000].lower()


def _error_of(answer: Response) -> CollectorError:
    status, words = answer.status, _words(answer)
    if status in bounds.REDIRECTS:
        return bounds.redirect_refused("The embedding endpoint", "EMBEDDING_API_URL")
    if status == 401:
        return ReplaceToken("The embedding endpoint refuses the key (401). Put a valid one into EMBEDDING_API_KEY.")
    if status in {402, 403} or (status == 429 and _is_quota(answer)):
        return AccessDenied(
            f"The embedding endpoint does not allow the request ({status}): {words}; "
            "check the plan, its quota and the permissions of EMBEDDING_API_KEY"
        )
    if status == 404:
        return NotFound(f"The embedding endpoint does not know the model or address: {words}; check EMBEDDING_MODEL")
    if status == 429:
        later = timezone.now() + timedelta(seconds=min(_retry_after(answer, 6), 3600))
        return RetryLater("The embedding endpoint's rate limit is reached; run again later", not_before=later)
    if 400 <= status < 500:
        return DocumentRefused(f"the embedding endpoint refuses the text ({status}): {words}")
    return UnexpectedAnswer(f"The embedding endpoint returned {status}: {words}")
