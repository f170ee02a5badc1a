"""What one run may still send to Discord, shared by all bots of the run."""

import time

from core.errors import BudgetExhausted, CollectorError

MOST_INVALID = 5_000
"""Invalid answers after which a process stops by itself, half of Discord's limit.

Discord bans an address after 10,000 answers 401, 403 or 429 (other than shared ones) in ten minutes:
https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
"""


class RequestBudget:
    """Counts requests and invalid answers. ``max_requests`` ``None``: no limit; ``max_seconds`` from now on."""

    def __init__(self, *, max_requests: int | None = None, max_seconds: float | None = None) -> None:
        self.requests = 0
        self.invalid = 0
        self.stopped: CollectorError | None = None
        """Why no bot may send another request; ``None`` while they may."""
        self._reported = 0
        self._most = max_requests
        self._end = None if max_seconds is None else time.monotonic() + max_seconds

    def check(self) -> None:
        """Raise BudgetExhausted, or whatever stopped the run, when no further request is allowed."""
        if self.stopped:
            raise self.stopped
        if self._most is not None and self.requests >= self._most:
            raise BudgetExhausted(f"--max-requests {self._most} is spent; run again to go on")
        if self._end is not None and time.monotonic() >= self._end:
            raise BudgetExhausted("--max-seconds is over; run again to go on")

    def stop(self, error: CollectorError) -> None:
        """Refuse every further request with this error."""
        self.stopped = self.stopped or error

    def unreported_invalid(self) -> int:
        """Return the number of invalid answers that other processes do not know of yet."""
        return self.invalid - self._reported

    def mark_reported(self, number: int) -> None:
        """Remember that so many more invalid answers were reported to the other processes."""
        self._reported += number
