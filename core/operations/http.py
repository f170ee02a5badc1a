"""HTTP with time-outs, retries, bounds and typed errors; knows no vendor."""

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

from core.errors import BudgetExhausted, SourceTimeout, SourceUnavailable, UnexpectedAnswer
from core.operations import bounds

USER_AGENT = "activity-trackers"
PASSING = frozenset({408, 500, 502, 503, 504, 520, 521, 522, 529})
"""Statuses that say nothing about the request itself: it is asked again."""
LARGEST = bounds.LARGEST
PART = 1 << 16
"""Bytes that are read at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """An answer whose body has been read whole. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    parsed: Any = None
    """The body of a good answer that calls itself JSON and is."""

    def json(self) -> Any:
        """The parsed body, ``None`` for an empty one; UnexpectedAnswer when it is not JSON."""
        if self.parsed is not None or not self.body:
            return self.parsed
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise UnexpectedAnswer(
                f"{_place(self.url)} answered {self.status} with something that is not JSON"
            ) from error


class Allowance:
    """What a run may spend: requests, and seconds from now on. ``None`` is no bound."""

    def __init__(self, max_requests: int | None = None, max_seconds: float | None = None) -> None:
        self.max_requests = max_requests
        self.deadline = None if max_seconds is None else time.monotonic() + max_seconds
        self.spent = 0

    def spend(self) -> None:
        """Count one request; BudgetExhausted when it may not be made any more."""
        if self.max_requests is not None and self.spent >= self.max_requests:
            raise BudgetExhausted(f"stopped after {self.spent} requests, as --max-requests says; run again to go on")
        self.check(0)
        self.spent += 1

    def check(self, seconds: float) -> None:
        """BudgetExhausted when waiting so long would pass the deadline, or the end of the run."""
        bounds.check_time(seconds, self.deadline)


class Transport:
    """A pool of connections. ``timeout``: seconds to connect, and seconds without a byte; ``total``: for an answer.

    ``markup``: the source answers in XML or HTML; from all others that is a page of trouble, and asked for again.
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
        self.session.trust_env = True  # for HTTPS_PROXY and the like
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
        """One answer; what fails in passing is asked again with growing, random pauses (0.25-8 s).

        ``total``: seconds for each answer. Redirects are returned, not followed.
        Raises SourceUnavailable, SourceTimeout, UnexpectedAnswer or BudgetExhausted.
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
                trouble = SourceTimeout(f"{_place(url)} did not answer in time; run again later")
                trouble.__cause__ = error
            except (requests.RequestException, OSError) as error:
                trouble = SourceUnavailable(f"{_place(url)} cannot be reached ({_kind(error)}); run again later")
                trouble.__cause__ = error
            else:
                trouble = SourceUnavailable(f"{_place(url)} keeps answering {response.status}; run again later")
            if attempt == last:
                raise trouble
            self.pause(random.uniform(0.25, 1) * min(8.0, 0.5 * 2**attempt))  # noqa: S311  (jitter, not secrecy)
        raise AssertionError("unreachable")

    def pause(self, seconds: float) -> None:
        """Wait, unless the allowance ends before."""
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
        """Return one whole answer. Raises TimeoutError when it takes longer than ``total`` seconds."""
        given_up = _GivenUp()

        def ask() -> Response:
            with self.session.request(
                method, url, headers=dict(headers), params=dict(params or {}), json=body, timeout=self.timeout,
                allow_redirects=False, stream=True,
            ) as answer:  # fmt: skip
                content = _read(answer, given_up)
                lower = {name.lower(): value for name, value in answer.headers.items()}
                return Response(status=answer.status_code, headers=lower, body=content, url=answer.url)

        return bounds.call_within(total, ask, deadline=self.allowance.deadline, abandon=given_up.stop)


class _GivenUp:
    """Ends the reading of an answer for which nobody waits any more, from another thread."""

    def __init__(self) -> None:
        self.answer: requests.Response | None = None
        self.is_set = False

    def stop(self) -> None:
        self.is_set = True
        if self.answer is not None:
            with suppress(ValueError, RuntimeError, OSError):  # it has been read meanwhile
                self.answer.raw.shutdown()


def _read(answer: requests.Response, given_up: _GivenUp) -> bytes:
    """Return the whole body, unless it is too large or nobody waits for it any more."""
    given_up.answer = answer
    parts: list[bytes] = []
    size = 0
    for part in answer.iter_content(PART):
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            raise UnexpectedAnswer(f"{_place(answer.url)} answered more than {LARGEST} bytes")
        if given_up.is_set:
            break
    return b"".join(parts)


def _own_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave the caller's Authorization header alone: requests would replace it by what ~/.netrc has for the host.

    https://requests.readthedocs.io/en/latest/user/authentication/#netrc-authentication
    """
    user, password = get_auth_from_url(request.url or "")
    if (user or password) and "Authorization" not in request.headers:
        return HTTPBasicAuth(user, password)(request)
    return request


def parse(response: Response) -> Response | None:
    """The same answer with its JSON parsed; None for what was cut: the connection may not notice that."""
    if response.status != 200:
        return response
    if "json" not in response.headers.get("content-type", ""):
        return None if response.body.lstrip().startswith(b"<") else response
    try:
        return replace(response, parsed=_loaded(response.body))
    except ValueError:
        return None


def _loaded(body: bytes) -> Any:
    """The quick parser refuses what is rare and yet JSON to others: halves of surrogate pairs, NaN."""
    try:
        return orjson.loads(body)
    except ValueError:
        return json.loads(body)


def _place(url: str) -> str:
    """Host and path of an address: queries may hold what nobody should read."""
    return url.split("://", 1)[-1].split("?", 1)[0]


def _kind(error: BaseException) -> str:
    return type(error).__name__
