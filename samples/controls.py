"""Methods with which tests control a server: tokens, quotas and faults."""

import re
from collections.abc import Callable
from typing import Any

from samples.answers import Request
from samples.app import App
from samples.community import Changes
from samples.faults import KINDS, Fault
from samples.limits import Limits, name_of, token_of


class Controls(Changes):
    """Mix-in with methods that change ``limits`` and ``faults``. The methods can be called from any thread."""

    limits: Limits
    faults: list[Fault]

    @staticmethod
    def token(user: str = "sample") -> str:
        """Return a token of a user.

        All tokens of a user share the user's quotas. The server rejects tokens of users named ``bad...``.
        """
        return f"ghp_{user}_{'0' * 8}"

    def install(self, app: App) -> None:
        """Install a GitHub App in place of any earlier App. The server then answers requests below ``/app/``."""
        with self.community.lock:
            self.limits.app = app

    def set_quota(
        self, user: str = "sample", *, remaining: int, reset_in: float = 3600.0, limit: int | None = None,
        resource: str = "core",
    ) -> None:  # fmt: skip
        """Set the number of a user's remaining requests, and the number of seconds until the quota is reset.

        An empty user name stands for requests without a token.
        """
        with self.community.lock:
            self.limits.set(user, remaining=remaining, reset_in=reset_in, limit=limit, resource=resource)

    def fail(self, kind: int | str, when: int | str = 1, *, times: int | None = 1, **details: Any) -> None:
        """Schedule a fault.

        If ``when`` is a number n, the nth request from now fails, without counting git requests. If it is a regular
        expression, requests with a match in the path and query fail, and ``skip=2`` lets the first two of them succeed.
        ``times`` is the number of requests that fail in a row, and ``None`` means no limit.

        The kinds, with the defaults of their options, are: a status (401 403 404 409 410 422 429 451 500 502 503 504);
        ``reset`` (the connection is reset in the middle of the body); ``truncated`` (half of the body); ``html``
        (status=200); ``slow`` (seconds=5); ``secondary`` (retry_after=60, which may be a number, an HTTP date or None;
        status=403); ``primary`` (the quota is used up; reset_in=3600); ``revoke`` (the token is rejected from now on);
        ``null`` (key="updated_at" becomes null in item=0). 429 has the options of ``secondary``. Raises ValueError for
        an unknown kind.
        """
        if str(kind) not in KINDS:
            raise ValueError(f"unknown fault {kind!r}; it must be one of {', '.join(KINDS)}")
        self._schedule(str(kind), when, times, details, None)

    def before(self, when: int | str, action: Callable[[], object], *, times: int | None = 1, skip: int = 0) -> None:
        """Call ``action`` just before the response to a request, for example to make a change between two pages.

        ``when``, ``times`` and ``skip`` select requests as in :meth:`fail`.
        """
        self._schedule("", when, times, {"skip": skip}, action)

    def clear_faults(self) -> None:
        with self.community.lock:
            self.faults.clear()

    def _schedule(
        self,
        kind: str,
        when: int | str,
        times: int | None,
        details: dict[str, Any],
        action: Callable[[], object] | None,
    ) -> None:
        pattern = re.compile(when) if isinstance(when, str) else None
        first = when if isinstance(when, int) else 1 + int(details.get("skip", 0))
        fault = Fault(kind=kind, pattern=pattern, first=first, times=times, details=details, action=action)
        with self.community.lock:
            self.faults.append(fault)

    def fault_of(self, request: Request, is_git: bool) -> Fault | None:
        """Run the actions that are scheduled for a request, and return its first fault, or None.

        A ``revoke`` fault also revokes the token, and a ``primary`` fault uses up the quota.
        """
        with self.community.lock:
            firing = [fault for fault in self.faults if fault.fires(request.target, is_git)]
            for fault in firing:
                if fault.action:
                    fault.action()
            fault = next((fault for fault in firing if fault.kind), None)
            if fault and fault.kind == "revoke":
                self.limits.revoked.add(token_of(request))
            if fault and fault.kind == "primary":
                self.set_quota(name_of(request), remaining=0, reset_in=fault.detail("reset_in", 3600.0))
            return fault
