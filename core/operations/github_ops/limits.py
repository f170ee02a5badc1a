"""GitHub's limits: how an answer says that one is reached, and how long to wait.

Rules: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, cast

from core.errors import UnexpectedAnswer
from core.operations.http import Response

LONGEST = 3600.0
"""Seconds; GitHub's windows last an hour, so that no honest wait is longer."""
UNKNOWN = 60.0
"""Seconds to wait at least where GitHub does not say for how long; each further time twice as many."""
SECONDARY = ("secondary rate limit", "abuse detection", "abuse rate limit")
"""Wordings of limits that hold for all requests of an account; older servers speak of abuse."""
PRIMARY_TYPES = frozenset({"RATE_LIMITED", "RATE_LIMIT"})
"""Types of the GraphQL error that the points are used up. Both have been seen.

https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""
MESSAGE_KEYS = frozenset({"message", "documentation_url", "status", "errors", "data"})
"""An answer of status 200 that holds nothing else may be an error in disguise."""


class ServerClock:
    """How far GitHub's clock is from ours. Reset times are GitHub's; all waiting is done by our clock.

    https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
    """

    def __init__(self) -> None:
        self.offset = 0.0
        """Seconds to add to our time to get GitHub's."""

    def observe(self, date: str, sent_at: float, received_at: float) -> None:
        """Learn from the ``Date`` header of an answer; both times are ours, in Unix seconds.

        The header has whole seconds and the answer took a while. The offset changes only when it cannot be right any
        more, so that one window's reset time stays one number.
        """
        moment = http_date(date)
        if moment is not None:
            self.offset = min(max(self.offset, moment - received_at), moment + 1 - sent_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """A limit that is reached.

    ``wait``: seconds until this process may use the token again. ``shared``: seconds that other processes and later
    runs wait. ``everywhere``: it holds for REST and GraphQL alike. ``words``: what GitHub said, where that is absurd.
    ``window``: the quota of the hour is used up, which the headers say as well.
    """

    wait: float
    shared: float
    everywhere: bool
    words: str = ""
    window: bool = False


def limit_of(response: Response, now: float, attempt: int = 0) -> Limit | None:
    """Return the limit that an answer reports, or None. ``now``: GitHub's time, Unix seconds.

    ``attempt``: how many limits came before it in a row; waits of unknown length grow with it. A secondary limit comes
    with status 403, 429 or (GraphQL) 200, and also while requests remain. ``Retry-After`` wins over the reset time.
    """
    refused = response.status in {403, 429}
    words = _words(response) if refused or response.status == 200 else ""
    secondary = any(wording in words for wording in SECONDARY)
    primary = "rate limit" in words and not secondary
    after = response.headers.get("retry-after", "").strip()
    if not (refused and after) and not secondary and not primary and response.status != 429:
        reset = _until_reset(response.headers, now) if refused else None
        return None if reset is None else _primary(reset, attempt)
    unknown = min(LONGEST, UNKNOWN * 2**attempt)
    if after:
        seconds = _retry_after(after, now)
        if seconds is not None and seconds > LONGEST:
            # Nothing in GitHub's documentation waits for so long: this run leaves the token alone, the next one asks.
            return Limit(wait=LONGEST, shared=UNKNOWN, everywhere=True, words=f"to wait for {seconds:,.0f} seconds")
        wait = unknown if seconds is None else max(1.0, seconds)
        return Limit(wait=wait, shared=wait, everywhere=True)
    reset = _until_reset(response.headers, now)
    if reset is not None and not secondary:
        return _primary(reset, attempt)
    wait = min(LONGEST, max(unknown, reset or 0.0))
    return Limit(wait=wait, shared=wait, everywhere=not primary)


def _primary(seconds: float, attempt: int) -> Limit:
    """The limit of a window that ends in so many seconds; a window that is over and still limited is waited for."""
    wait = min(LONGEST, max(seconds, 2.0**attempt))
    return Limit(wait=wait, shared=wait, everywhere=False, window=True)


def _until_reset(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until the window ends, when nothing is left of it."""
    if whole_number(headers.get("x-ratelimit-remaining", "")) != 0:
        return None
    reset = reset_time(headers, now)
    return None if reset is None else max(0.0, reset - now) + 1


def reset_time(headers: Mapping[str, str], now: float) -> float | None:
    """Return when the window ends (GitHub's Unix seconds); None for what cannot be the end of an hour's window."""
    reset = whole_number(headers.get("x-ratelimit-reset", ""))
    return None if reset is None or abs(reset - now) > LONGEST + UNKNOWN else float(reset)


def whole_number(text: object) -> int | None:
    """Return a header's number, or None: proxies send signs, fractions, words, lists and other alphabets' digits."""
    digits = str(text).strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 12 else None


def http_date(text: str) -> float | None:
    """Return the Unix seconds of an HTTP date, or None."""
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _retry_after(text: str, now: float) -> float | None:
    """Seconds of a ``Retry-After`` header, which may be a date of GitHub's clock; None for anything else."""
    if text.isascii() and text.isdigit():
        return float(text[:12])
    moment = http_date(text)
    return None if moment is None else max(0.0, moment - now)


def _words(response: Response) -> str:
    """What an error says, in lower case. Answers with data say nothing, whatever their texts are about."""
    try:
        body: object = response.json()
    except UnexpectedAnswer:
        body = None
    if response.status != 200:
        return response.body[:5000].decode("utf-8", "replace").lower()
    if not isinstance(body, dict):
        return ""
    members = cast("dict[str, Any]", body)
    errors: Any = members.get("errors")
    rows = cast("list[Any]", errors) if isinstance(errors, list) else []
    words = [
        f"rate limit: {error.get('message')}" if error.get("type") in PRIMARY_TYPES else _unplaced(error)
        for error in cast("list[dict[str, Any]]", [row for row in rows if isinstance(row, dict)])
    ]
    if members.keys() <= MESSAGE_KEYS and not members.get("data"):
        words.append(str(members.get("message") or ""))
    return "\n".join(words).lower()


def _unplaced(error: Mapping[str, Any]) -> str:
    """The message of an error about the whole query; one with a path is about a single node."""
    return "" if error.get("path") else str(error.get("message") or "")
