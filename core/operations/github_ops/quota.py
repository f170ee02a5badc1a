"""What GitHub still allows an account, as its answers and other processes tell.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""

import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime

from core.db.budgets import BudgetRow, correct, reconcile
from core.operations.github_ops.limits import LONGEST, reset_time, whole_number

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
