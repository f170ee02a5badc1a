"""Recognizes GitHub's limits in answers, and tracks the budget of each account across processes.

GitHub's rules: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
"""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

from core.db.budgets import BudgetRow, correct, reconcile
from core.errors import UnexpectedAnswer
from core.operations.http import Response

LONGEST = 3600.0
"""Maximum plausible wait in seconds, because GitHub's rate-limit windows last an hour."""
UNKNOWN = 60.0
"""Seconds to wait when GitHub does not say how long. Each further limit doubles the time.

GitHub asks clients to wait at least one minute in this case; see the rules above.
"""
SECONDARY = ("secondary rate limit", "abuse detection", "abuse rate limit")
"""Phrases in messages about secondary limits, which apply to the whole account. Older servers say "abuse"."""
PRIMARY_TYPES = frozenset({"RATE_LIMITED", "RATE_LIMIT"})
"""Types of GraphQL errors that report that no points are left. Servers use either type.

https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""
MESSAGE_KEYS = frozenset({"message", "documentation_url", "status", "errors", "data"})
"""Keys of an error answer. An answer with status 200 may be an error if it has no other keys and no data."""


class ServerClock:
    """The difference between GitHub's clock and the clock of this machine.

    It is needed because reset times use GitHub's clock, while waits use the clock of this machine.

    https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
    """

    def __init__(self) -> None:
        self.offset = 0.0
        """Seconds to add to this machine's time to get GitHub's time."""

    def observe(self, date: str, sent_at: float, received_at: float) -> None:
        """Adjust the offset to the ``Date`` header of an answer.

        ``sent_at`` and ``received_at`` are Unix seconds by the clock of this machine. The header has whole seconds, and
        the answer took some time. Therefore the offset changes only when the header contradicts the current offset.
        This keeps the reset time of a window constant.
        """
        moment = http_date(date)
        if moment is not None:
            self.offset = min(max(self.offset, moment - received_at), moment + 1 - sent_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """A rate limit that was reached.

    ``wait``: seconds until this process may use the token again. ``shared``: the same, for other processes and later
    runs. ``everywhere``: whether the limit applies to both REST and GraphQL. ``words``: the time that GitHub requests,
    as text, if it is implausibly long, else empty. ``window``: whether the budget of the hour is used up, which the
    headers also show.
    """

    wait: float
    shared: float
    everywhere: bool
    words: str = ""
    window: bool = False


def limit_of(response: Response, now: float, attempt: int = 0) -> Limit | None:
    """Return the limit that an answer reports, or ``None``. ``now`` is GitHub's time in Unix seconds.

    ``attempt`` is the number of consecutive limits before this one. If GitHub does not say how long to wait, the wait
    doubles with each attempt. A secondary limit has status 403, 429 or, for
    GraphQL, 200. GitHub can report it while requests remain.
    ``Retry-After`` takes precedence over the reset time.
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
            # No documented limit lasts that long. This run stops using the token, and the next run tries it again.
            return Limit(wait=LONGEST, shared=UNKNOWN, everywhere=True, words=f"to wait for {seconds:,.0f} seconds")
        wait = unknown if seconds is None else max(1.0, seconds)
        return Limit(wait=wait, shared=wait, everywhere=True)
    reset = _until_reset(response.headers, now)
    if reset is not None and not secondary:
        return _primary(reset, attempt)
    wait = min(LONGEST, max(unknown, reset or 0.0))
    return Limit(wait=wait, shared=wait, everywhere=not primary)


def _primary(seconds: float, attempt: int) -> Limit:
    """Return the limit of a window that ends in ``seconds``.

    If the window is over but GitHub still refuses requests, the wait doubles with each attempt.
    """
    wait = min(LONGEST, max(seconds, 2.0**attempt))
    return Limit(wait=wait, shared=wait, everywhere=False, window=True)


def _until_reset(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds until the window ends, or ``None`` if requests remain or the end is unknown."""
    if whole_number(headers.get("x-ratelimit-remaining", "")) != 0:
        return None
    reset = reset_time(headers, now)
    return None if reset is None else max(0.0, reset - now) + 1


def reset_time(headers: Mapping[str, str], now: float) -> float | None:
    """Return the end of the window (Unix seconds by GitHub's clock), or ``None`` if it is missing or implausible."""
    reset = whole_number(headers.get("x-ratelimit-reset", ""))
    return None if reset is None or abs(reset - now) > LONGEST + UNKNOWN else float(reset)


def whole_number(text: object) -> int | None:
    """Return the whole number in a header, or ``None`` for any other text.

    Proxies sometimes send signs, fractions, words, lists or non-ASCII digits.
    """
    digits = str(text).strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 12 else None


def http_date(text: str) -> float | None:
    """Return the Unix seconds of an HTTP date, or ``None`` if it is invalid."""
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _retry_after(text: str, now: float) -> float | None:
    """Return the seconds in a ``Retry-After`` header, or ``None`` if it is invalid.

    The header contains a number of seconds, or a date by GitHub's clock.
    """
    if text.isascii() and text.isdigit():
        return float(text[:12])
    moment = http_date(text)
    return None if moment is None else max(0.0, moment - now)


def _words(response: Response) -> str:
    """Return the error messages of an answer in lower case, or its first 5,000 bytes if the status is not 200."""
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
    """Return the message of an error about the whole query, or an empty string for an error about a single node.

    Errors about single nodes have a path.
    """
    return "" if error.get("path") else str(error.get("message") or "")


PER_MINUTE = {"core": 880, "graphql": 1900}
"""Maximum requests per minute, by resource.

A request costs at least one point, and the values are slightly below the documented secondary limits of 900 and 2,000
points.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""
SAVE_EVERY = 5.0
"""Seconds between two exchanges with the shared table, to save database statements. Limits are exchanged at once."""
SOURCE = "github"


class Pool:
    """The budget of one account for one resource. Times are Unix seconds by the clock of this machine.

    ``not_before`` applies to all processes, and ``own_not_before`` only to this process.
    """

    def __init__(self, resource: str) -> None:
        self.resource = resource
        self.limit: int | None = None
        self.remaining: int | None = None
        self.resets_at = 0.0
        self.not_before = self.own_not_before = 0.0
        self.saved_at = 0.0
        self.urgent = self.corrected = False
        self._recent: deque[float] = deque()

    @property
    def ready_at(self) -> float:
        """Time at which the next request may be made (Unix seconds)."""
        now, exhausted = time.time(), self.remaining == 0 and self.resets_at > time.time()
        while self._recent and self._recent[0] < now - 60:
            self._recent.popleft()
        minute_is_full = self._recent[0] + 60 if len(self._recent) >= PER_MINUTE.get(self.resource, 1000) else 0.0
        return max(self.not_before, self.own_not_before, self.resets_at + 1 if exhausted else 0.0, minute_is_full)

    def preference(self, now: float) -> tuple[float, int]:
        """Return a sort key that puts ready pools first, and then pools with more remaining requests."""
        return max(0.0, self.ready_at - now), -(self.remaining if self.remaining is not None else 1 << 30)

    def count(self) -> None:
        """Count a request that is being made now."""
        self._recent.append(time.time())


class Quota:
    """The budget of one account: a pool for each resource. Only ``share`` uses the database.

    Other methods may run in any thread.
    """

    def __init__(self, account: str) -> None:
        self.account = account
        self._pools = {resource: Pool(resource) for resource in PER_MINUTE}

    def pool(self, resource: str) -> Pool:
        """Return the pool of a resource."""
        return self._pools[resource]

    def note(self, resource: str, headers: Mapping[str, str], offset: float = 0.0) -> None:
        """Update a pool from the headers of an answer. ``offset`` is the offset of ``ServerClock``."""
        pool = self.pool(resource)
        remaining = whole_number(headers.get("x-ratelimit-remaining", ""))
        reset = reset_time(headers, time.time() + offset)
        if remaining is None or reset is None:
            return
        pool.remaining, pool.resets_at = remaining, reset - offset
        limit = whole_number(headers.get("x-ratelimit-limit", ""))
        pool.limit = pool.limit if limit is None else limit
        pool.urgent = pool.urgent or pool.remaining == 0

    def correct(self, resource: str, limit: int, remaining: int, resets_at: float) -> None:
        """Set a pool to the values that GitHub's rate-limit endpoint returned.

        The next ``share`` also stores them.
        """
        pool = self.pool(resource)
        pool.limit, pool.remaining, pool.resets_at = limit, remaining, resets_at
        pool.urgent = pool.corrected = True

    def rest_until(self, resource: str, moment: float, shared: float | None = None) -> None:
        """Forbid requests before ``moment`` in this process, and before ``shared`` in other processes.

        Without ``shared``, other processes also wait until ``moment``.
        """
        pool = self.pool(resource)
        pool.own_not_before = max(pool.own_not_before, moment)
        if (shared := moment if shared is None else shared) > pool.not_before:
            pool.not_before, pool.urgent = shared, True

    def rename(self, account: str) -> None:
        """Set the account when it becomes known. The next ``share`` adopts the stored budget of the account."""
        self.account = account
        for pool in self._pools.values():
            pool.urgent = True

    def merge(self, other: "Quota") -> None:
        """Adopt the times until which another token of the same account must not send requests."""
        for resource, theirs in other._pools.items():
            self.rest_until(resource, theirs.own_not_before, theirs.not_before)

    def share(self, *, everything: bool = False) -> None:
        """Exchange due pools with other processes through the database.

        A pool is due every ``SAVE_EVERY`` seconds, after a limit, or with ``everything``.
        """
        for pool in self._pools.values():
            if everything or pool.urgent or time.time() - pool.saved_at > SAVE_EVERY:
                self._share(pool)

    def _share(self, pool: Pool) -> None:
        pool.saved_at, pool.urgent = time.time(), False
        known = BudgetRow(
            source_system=SOURCE,
            account=self.account,
            resource=pool.resource,
            limit=pool.limit,
            remaining=pool.remaining,
            resets_at=_moment(pool.resets_at),
            not_before=_moment(pool.not_before),
        )
        if pool.corrected:
            correct(known)
            pool.corrected = False
        shared = reconcile(known)
        pool.limit, pool.remaining = shared.limit, shared.remaining
        pool.resets_at, pool.not_before = _seconds(shared.resets_at), _seconds(shared.not_before)


def _moment(seconds: float) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _seconds(moment: datetime | None) -> float:
    """Return Unix seconds, or 0 for ``None`` and for times over 2 hours ahead, which older releases could store."""
    seconds = moment.timestamp() if moment else 0.0
    return seconds if seconds <= time.time() + 2 * LONGEST else 0.0
