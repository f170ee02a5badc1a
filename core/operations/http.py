"""HTTP requests with time limits, size limits, retries and typed errors, for any service."""

import json
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import orjson
import requests
from requests.auth import HTTPBasicAuth
from requests.utils import get_auth_from_url

from core.errors import SourceTimeout, SourceUnavailable, UnexpectedAnswer
from core.operations import bounds
from core.operations.bounds import Allowance

USER_AGENT = "activity-trackers"
PASSING = frozenset({408, 500, 502, 503, 504, 520, 521, 522, 529})
"""Statuses of temporary failures, after which the request is repeated."""
LARGEST = bounds.LARGEST
PART = 1 << 16
"""Maximum bytes of one read. The size limit is checked after each read. With larger reads, a body could exceed the
limit by more bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """A complete answer. The names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    parsed: Any = None
    """The parsed body if ``parse`` parsed it (status 200 and a JSON content type), else ``None``."""

    def json(self) -> Any:
        """Return the parsed body, or ``None`` for an empty body. Raises UnexpectedAnswer when the body is not JSON."""
        if self.parsed is not None or not self.body:
            return self.parsed
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise UnexpectedAnswer(f"{_site(self.url)} returned {self.status} with a body that is not JSON") from error


class Transport:
    """A pool of connections that repeats requests after temporary failures.

    ``timeout`` is a pair: the maximum seconds to connect, and the maximum seconds without a received byte. ``total`` is
    the maximum seconds for a whole answer, by default ``bounds.ANSWER``. With ``markup``, answers in XML and HTML are
    accepted and no body is parsed. Without ``markup``, an XML or HTML answer with status 200 is treated as a proxy's
    error page, and the request is repeated.
    """

    def __init__(
        self,
        allowance: Allowance,
        *,
        timeout: tuple[float, float] = (bounds.CONNECT, bounds.IDLE),
        total: float | None = None,
        attempts: int = 6,
        sleep: Callable[[float], None] = time.sleep,
        markup: bool = False,
    ) -> None:
        self.allowance, self.timeout, self.attempts, self.sleep = allowance, timeout, attempts, sleep
        self.markup, self.total = markup, total
        self.session = requests.Session()
        self.session.trust_env = True  # use HTTPS_PROXY and similar variables
        self.session.auth = _own_credentials
        self.session.headers["User-Agent"] = USER_AGENT

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, Any] | None = None,
        body: object = None,
        attempts: int | None = None,
        total: float | None = None,
    ) -> Response:
        """Make a request and return the answer. After a temporary failure, repeat it after a random pause of 0.25-8 s.

        ``total`` is the maximum seconds for each attempt. Redirects are returned and not followed. Raises SourceTimeout
        or SourceUnavailable if the last attempt fails, UnexpectedAnswer if an answer is too large, and BudgetExhausted
        if the allowance ends.
        """
        last = attempts or self.attempts
        for attempt in range(1, last + 1):
            self.allowance.spend()
            trouble: Exception | None = None
            try:
                response = self._once(method, url, headers, params, body, total or self.total or bounds.ANSWER)
                whole = response if self.markup else parse(response)
                if response.status not in PASSING and whole is not None:
                    return whole
            except (requests.Timeout, TimeoutError) as error:
                trouble = SourceTimeout(f"{_site(url)} did not answer in time; run again later")
                trouble.__cause__ = error
            except (requests.RequestException, OSError) as error:
                trouble = SourceUnavailable(f"{_site(url)} cannot be reached ({_kind(error)}); run again later")
                trouble.__cause__ = error
            else:
                trouble = SourceUnavailable(f"{_site(url)} gave no usable answer ({response.status}); run again later")
            if attempt == last:
                raise trouble
            self.pause(random.uniform(0.25, 1) * min(8.0, 0.5 * 2**attempt))  # noqa: S311  (jitter, not secrecy)
        raise AssertionError("unreachable")

    def pause(self, seconds: float) -> None:
        """Wait ``seconds``. Raises BudgetExhausted without waiting if the allowance would end during the wait."""
        self.allowance.check(seconds)
        self.sleep(seconds)

    def _once(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        params: Mapping[str, Any] | None,
        body: object,
        total: float,
    ) -> Response:
        """Make one attempt and return the complete answer.

        Raises TimeoutError after ``total`` seconds, and BudgetExhausted when the allowance ends earlier.
        """
        abandoned = _Abandoned()

        def ask() -> Response:
            with self.session.request(
                method, url, headers=dict(headers), params=dict(params or {}), json=body, timeout=self.timeout,
                allow_redirects=False, stream=True,
            ) as answer:  # fmt: skip
                content = _read(answer, abandoned)
                lower = {name.lower(): value for name, value in answer.headers.items()}
                return Response(status=answer.status_code, headers=lower, body=content, url=answer.url)

        return bounds.call_within(total, ask, deadline=self.allowance.deadline, abandon=abandoned.stop)


class _Abandoned:
    """Stops the thread that reads an answer. ``stop`` is called when the time limit is over."""

    def __init__(self) -> None:
        self.answer: requests.Response | None = None
        self.is_set = False

    def stop(self) -> None:
        self.is_set = True
        if self.answer is not None:
            with suppress(ValueError, RuntimeError, OSError):  # the answer is already complete
                self.answer.raw.shutdown()


def _read(answer: requests.Response, abandoned: _Abandoned) -> bytes:
    """Return the whole body. Raises UnexpectedAnswer when it is too large. Stops early when ``abandoned`` is set."""
    abandoned.answer = answer
    parts: list[bytes] = []
    size = 0
    for part in answer.iter_content(PART):
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            raise UnexpectedAnswer(f"{_site(answer.url)} returned more than {LARGEST} bytes")
        if abandoned.is_set:
            break
    return b"".join(parts)


def _own_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep the caller's Authorization header, or add the credentials in the URL.

    Without this function, requests would replace the header with credentials from ~/.netrc:
    https://requests.readthedocs.io/en/latest/user/authentication/#netrc-authentication
    """
    user, password = get_auth_from_url(request.url or "")
    if (user or password) and "Authorization" not in request.headers:
        return HTTPBasicAuth(user, password)(request)
    return request


def parse(response: Response) -> Response | None:
    """Return the answer. If it has status 200 and a JSON content type, its body is parsed.

    Returns ``None`` if an answer with status 200 contains HTML, XML or invalid JSON. HTML and XML pages come from
    proxies. Invalid JSON is a truncated body, which does not always cause a connection error.
    """
    if response.status != 200:
        return response
    if "json" not in response.headers.get("content-type", ""):
        return None if response.body.lstrip().startswith(b"<") else response
    try:
        return replace(response, parsed=_loaded(response.body))
    except ValueError:
        return None


def _loaded(body: bytes) -> Any:
    """Return the value of a JSON text. Raises ValueError for invalid JSON.

    orjson is fast, but it refuses unpaired surrogates and NaN, which ``json`` accepts.
    """
    try:
        return orjson.loads(body)
    except ValueError:
        return json.loads(body)


def _site(url: str) -> str:
    """Return the host and path of a URL, without the query, which may contain secrets."""
    return url.split("://", 1)[-1].split("?", 1)[0]


def _kind(error: BaseException) -> str:
    return type(error).__name__
