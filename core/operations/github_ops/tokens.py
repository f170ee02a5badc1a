"""Which token asks, and when it may."""

import time
from collections.abc import Mapping, Sequence

from core.operations.redaction import register_secret


class Token:
    """A token, or nobody. ``ready_at`` is the time (Unix seconds) from which it may be used."""

    def __init__(self, value: str) -> None:
        self._value, self.ready_at = value, 0.0
        self.remaining: int | None = None

    def __repr__(self) -> str:
        return f"Token(***{self._value[-4:]})" if self._value else "Token(anonymous)"

    def headers(self) -> dict[str, str]:
        """What identifies us in a request."""
        return {"Authorization": f"Bearer {self._value}"} if self._value else {}

    def note(self, headers: Mapping[str, str]) -> None:
        """Reconcile with what an answer says about the quota."""
        remaining, reset = headers.get("x-ratelimit-remaining", ""), headers.get("x-ratelimit-reset", "")
        if remaining.isdigit() and reset.isdigit():
            self.remaining = int(remaining)
            if self.remaining == 0:
                self.rest_until(float(reset) + 1)

    def rest_until(self, moment: float) -> None:
        """Do not use it before then (Unix seconds)."""
        self.ready_at = max(self.ready_at, moment)


class TokenPool:
    """All tokens of the project; a repository stays with one while it lasts, because ETags depend on it."""

    def __init__(self, values: Sequence[str]) -> None:
        for value in values:
            register_secret(value)
        self._tokens = [Token(value) for value in values] or [Token("")]
        self._anonymous = not values
        self._chosen: dict[str, Token] = {}

    @property
    def is_empty(self) -> bool:
        """Whether every token has been refused."""
        return not self._tokens

    @property
    def has_tokens(self) -> bool:
        """Whether we ask as somebody."""
        return not self._anonymous

    def choose(self, scope: str) -> Token:
        """The token of this scope, or the one that may be used soonest."""
        token = self._chosen.get(scope)
        if token is None or token not in self._tokens or token.ready_at > time.time():
            token = min(self._tokens, key=lambda one: (one.ready_at, -(one.remaining or 0)))
            self._chosen[scope] = token
        return token

    def drop(self, token: Token) -> None:
        """Never use it again: GitHub refuses it."""
        self._tokens = [one for one in self._tokens if one is not token]

    def git_value(self) -> str | None:
        """A token for git; ``None`` when there is none."""
        return next((one._value for one in self._tokens if one._value), None)  # pyright: ignore[reportPrivateUsage]
