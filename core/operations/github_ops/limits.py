"""GitHub's limits: how an answer says that one is reached, and how long to wait.

Rules: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
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


PER_MINUTE = {"core": 880, "graphql": 1900}
"""Requests a minute: a little below the documented secondary limits of 900 and 2,000 points."""
SAVE_EVERY = 5.0
"""Seconds between two looks at the shared table; limits are written at once."""
SOURCE = "github"


class Pool:
    """One kind of quota of one account. Times are Unix seconds of our clock.

    ``not_before`` holds for all processes; ``own_not_before`` for this one alone.
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
        """From when a request may be made."""
        now, exhausted = time.time(), self.remaining == 0 and self.resets_at > time.time()
        while self._recent and self._recent[0] < now - 60:
            self._recent.popleft()
        crowded = self._recent[0] + 60 if len(self._recent) >= PER_MINUTE.get(self.resource, 1000) else 0.0
        return max(self.not_before, self.own_not_before, self.resets_at + 1 if exhausted else 0.0, crowded)

    def preference(self, now: float) -> tuple[float, int]:
        """Smaller is better: ready now before ready later, then by what is left."""
        return max(0.0, self.ready_at - now), -(self.remaining if self.remaining is not None else 1 << 30)

    def count(self) -> None:
        """A request is being made now."""
        self._recent.append(time.time())


class Quota:
    """The pools of one account. Only ``share`` talks to the database; everything else may run in any thread."""

    def __init__(self, account: str) -> None:
        self.account = account
        self._pools = {resource: Pool(resource) for resource in PER_MINUTE}

    def pool(self, resource: str) -> Pool:
        """The pool of a resource."""
        return self._pools[resource]

    def note(self, resource: str, headers: Mapping[str, str], offset: float = 0.0) -> None:
        """Reconcile with the headers of an answer; ``offset``: seconds that GitHub's clock is before ours."""
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
        """Take GitHub's own word for what is left, whatever was written down before."""
        pool = self.pool(resource)
        pool.limit, pool.remaining, pool.resets_at = limit, remaining, resets_at
        pool.urgent = pool.corrected = True

    def rest_until(self, resource: str, moment: float, shared: float | None = None) -> None:
        """Do not use it before ``moment`` in this process, nor before ``shared`` (default: the same) in any other."""
        pool = self.pool(resource)
        pool.own_not_before = max(pool.own_not_before, moment)
        if (shared := moment if shared is None else shared) > pool.not_before:
            pool.not_before, pool.urgent = shared, True

    def rename(self, account: str) -> None:
        """The account has become known; what is kept of it is adopted with the next ``share``."""
        self.account = account
        for pool in self._pools.values():
            pool.urgent = True

    def merge(self, other: "Quota") -> None:
        """Take over what another token of this account was told."""
        for resource, theirs in other._pools.items():
            self.rest_until(resource, theirs.own_not_before, theirs.not_before)

    def share(self, *, everything: bool = False) -> None:
        """Write down what this process knows and adopt what others wrote, when it is time or something happened."""
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
    """Unix seconds; 0 for what no window of GitHub's can be, such as a wait of days that an older release wrote."""
    seconds = moment.timestamp() if moment else 0.0
    return seconds if seconds <= time.time() + 2 * LONGEST else 0.0
