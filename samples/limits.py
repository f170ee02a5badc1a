"""Quotas: the number of requests that a user may send per hour.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

import base64
import binascii
import re
import time
from dataclasses import dataclass, field

from samples.answers import Refusal, Request
from samples.app import App

TOKEN = re.compile(r"(?:ghp|gho|ghu|ghs|github_pat)_([A-Za-z0-9-]+)_.+")
LIMITS_DOC = "/rest/using-the-rest-api/rate-limits-for-the-rest-api"
HOUR = 3600.0
CORE, GRAPHQL = "core", "graphql"
"""Names of the two quotas of every user."""
ANONYMOUS = ""
"""The user name for requests without a token."""


@dataclass(kw_only=True, slots=True)
class Pool:
    """One quota of a user. ``reset`` is the time of the next reset in seconds since 1970."""

    limit: int
    used: int = 0
    reset: float = 0.0

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    def row(self) -> dict[str, int]:
        return {"limit": self.limit, "used": self.used, "remaining": self.remaining, "reset": int(self.reset)}


@dataclass(kw_only=True, slots=True)
class Limits:
    """The quotas of all users. All tokens of a user share the user's quotas. The object is not thread-safe."""

    rest_limit: int = 5000
    anonymous_limit: int = 60
    exhausted_status: int = 403
    pools: dict[tuple[str, str], Pool] = field(default_factory=dict[tuple[str, str], Pool])
    revoked: set[str] = field(default_factory=set[str])
    app: App | None = None

    def user_of(self, request: Request) -> str:
        """Return the user of the token, or :data:`ANONYMOUS` if there is no token.

        Raises Refusal (401) for a bad, revoked or expired token, and for a token of a suspended installation.
        """
        token, name = token_of(request), name_of(request)
        if token and (not name or name.startswith("bad") or token in self.revoked):
            raise Refusal(401, "Bad credentials")
        if self.app is not None:
            self.app.login_of(token)
        return name

    def pool(self, user: str, resource: str = CORE) -> Pool:
        """Return the user's quota of a resource. If its reset time has passed, renew the quota for an hour first."""
        pool = self.pools.get((user, resource))
        if pool is None:
            limit = self.rest_limit if user and resource == CORE else 5000 if user else self.anonymous_limit
            pool = self.pools[user, resource] = Pool(limit=limit)
        if time.time() >= pool.reset:
            pool.used, pool.reset = 0, time.time() + HOUR
        return pool

    def set(self, user: str, *, remaining: int, reset_in: float, limit: int | None, resource: str = CORE) -> None:
        pool = self.pool(user, resource)
        pool.limit = pool.limit if limit is None else limit
        pool.used, pool.reset = pool.limit - remaining, time.time() + reset_in

    def check(self, user: str) -> None:
        """Raise Refusal with ``exhausted_status`` if the user's REST quota is used up."""
        if self.pool(user).remaining:
            return
        message = f"API rate limit exceeded for {f'user {user}' if user else '127.0.0.1'}."
        if not user:
            message += (
                " (But here's the good news: Authenticated requests get a higher rate limit."
                " Check out the documentation for more details.)"
            )
        raise Refusal(self.exhausted_status, message, LIMITS_DOC)

    def headers(self, user: str, resource: str = CORE) -> dict[str, str]:
        row = self.pool(user, resource).row()
        return {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in row.items()} | {
            "X-RateLimit-Resource": resource
        }

    def snapshot(self, user: str) -> dict[str, object]:
        """Return the body of ``GET /rate_limit``, which uses no quota."""
        core = self.pool(user).row()
        graphql = self.pool(user, GRAPHQL).row() if user else core | {"limit": 0, "used": 0, "remaining": 0}
        return {"resources": {"core": core, "graphql": graphql}, "rate": core}


def token_of(request: Request) -> str:
    """Return the token in the ``Authorization`` header, or an empty string without a header.

    With the scheme ``Basic``, which git uses, the token is the password, or the user name if the password is empty.
    """
    scheme, _, value = request.header("authorization").strip().partition(" ")
    if scheme.lower() != "basic":
        return value.strip()
    try:
        name, _, password = base64.b64decode(value.strip()).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "unreadable"
    return password or name


def name_of(request: Request) -> str:
    """Return the user, in lower case, from a token such as ``ghp_<user>_<anything>``, even if the token is not valid.

    Returns :data:`ANONYMOUS` for any other token.
    """
    found = TOKEN.fullmatch(token_of(request))
    return found[1].lower() if found else ANONYMOUS


def secondary_limit(retry_after: str | int | None, status: int) -> Refusal:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    return Refusal(status, message, f"{LIMITS_DOC}#about-secondary-rate-limits", headers)
