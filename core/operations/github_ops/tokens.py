"""Which token asks, and when it may."""

import hashlib
import time
from collections.abc import Mapping, Sequence

from core.operations.github_ops.quota import Quota
from core.operations.redaction import register_secret

CORE, GRAPHQL = "core", "graphql"
"""GitHub's two pools; each has its own quota."""


class Token:
    """A token, or nobody. Tokens of one account share its quota."""

    def __init__(self, value: str) -> None:
        self._value = value
        self.fingerprint = hashlib.sha256(value.encode()).hexdigest()[:12]
        """Names the token where its value must not appear."""
        self.scopes: frozenset[str] = frozenset()
        """Scopes of a classic token, as the last answer named them; other kinds of tokens have none."""
        self.quota = Quota(f"token {self.fingerprint}" if value else "anonymous")

    def __repr__(self) -> str:
        return f"Token(***{self._value[-4:]})" if self._value else "Token(anonymous)"

    def headers(self) -> dict[str, str]:
        """What identifies us in a request."""
        return {"Authorization": f"Bearer {self._value}"} if self._value else {}

    def ready_at(self, resource: str = CORE) -> float:
        """Unix seconds from which it may be used."""
        return self.quota.pool(resource).ready_at

    def note(self, headers: Mapping[str, str], resource: str = CORE) -> None:
        """Reconcile with what an answer says about the quota and the token's scopes."""
        self.quota.note(resource, headers)
        if (scopes := headers.get("x-oauth-scopes")) is not None:
            self.scopes = frozenset(scope.strip() for scope in scopes.split(",") if scope.strip())

    def rest_until(self, moment: float, resource: str = CORE) -> None:
        """Do not use it before then (Unix seconds)."""
        self.quota.rest_until(resource, moment)


class TokenPool:
    """All tokens of the project; a repository stays with one while it lasts, because ETags depend on it."""

    def __init__(self, values: Sequence[str]) -> None:
        for value in values:
            register_secret(value)
        self._tokens = [Token(value) for value in dict.fromkeys(values)] or [Token("")]
        self._anonymous = not values
        self._chosen: dict[tuple[str, str], Token] = {}

    @property
    def is_empty(self) -> bool:
        """Whether every token has been refused."""
        return not self._tokens

    @property
    def has_tokens(self) -> bool:
        """Whether we ask as somebody."""
        return not self._anonymous

    def choose(self, scope: str, resource: str = CORE) -> Token:
        """The token of this scope while it lasts, else the one that may be used soonest and has most left."""
        token = self._chosen.get((scope, resource))
        if token is None or token not in self._tokens or token.ready_at(resource) > time.time():
            token = min(self._tokens, key=lambda one: one.quota.pool(resource).preference(time.time()))
            self._chosen[scope, resource] = token
        return token

    def identify(self, token: Token, account: str) -> None:
        """Say whose token it is: all tokens of one account share one quota."""
        shared = next((one.quota for one in self._tokens if one.quota.account == account), None)
        if shared is not None and shared is not token.quota:
            shared.merge(token.quota)
            token.quota = shared
        elif shared is None:
            token.quota.rename(account)

    def share(self, *, everything: bool = False) -> None:
        """Keep every quota in step with the other processes; in the thread that owns the database connection."""
        for quota in {id(one.quota): one.quota for one in self._tokens}.values():
            quota.share(everything=everything)

    def drop(self, token: Token) -> None:
        """Never use it again: GitHub refuses it."""
        self._tokens = [one for one in self._tokens if one is not token]

    def git_value(self) -> str | None:
        """A token for git; ``None`` when there is none."""
        return next((one._value for one in self._tokens if one._value), None)  # pyright: ignore[reportPrivateUsage]
