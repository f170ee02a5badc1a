"""Tokens: which token to use for a request, when it may be used, and which repositories it sees.

Fine-grained tokens and installations of a GitHub App see different owners. GitHub returns 404 both for a repository
that a token does not see and for a repository that does not exist. Therefore a repository counts as missing only when
every token gets 404.
"""

import hashlib
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, cast

from django.db import transaction

from core.logs import register_secret
from core.models import Checkpoint
from core.operations.github_ops.limits import Limit, Quota

FORGET_AFTER = 7 * 86400.0
"""Seconds until a token is tried again for a repository that it did not see. Permissions rarely change."""
MOST_REMEMBERED = 20_000
"""Maximum number of stored entries of each kind, so that the checkpoint stays small.

It is far more than the number of repositories that a user collects.
"""
COLLECTOR, SCOPE, STREAM = "github", "tokens", "access"
"""Identity of the checkpoint that stores which token sees which repository.

It contains digests of tokens, never tokens.
"""


class Access:
    """Records which token (by key) sees which repository (``owner/name``). Only ``share`` uses the database.

    Access is "proven" when it was observed in this run. Other entries may come from earlier runs.
    """

    def __init__(self) -> None:
        self.works: dict[str, str] = {}
        """The key of the token that works, by repository (``owner/name``) or by owner."""
        self._hidden: dict[str, dict[str, float]] = {}
        """The Unix time until which a token is not tried, by repository and token."""
        self._denied: dict[tuple[str, str], set[str]] = {}
        self._served: dict[tuple[str, str], str] = {}
        self._proven: set[tuple[str, str]] = set()
        self._loaded = self._changed = False

    def note_seen(self, name: str, key: str) -> None:
        """Record that a token sees a repository."""
        name, owner = name.lower(), owner_of(name)
        self._proven.add((name, key))
        hidden = self._hidden.get(name, {})
        if hidden.pop(key, None) is not None:
            self._changed = True
        before = self.works.get(name) or self.works.get(owner)
        if before == key:
            return
        self.works[owner if owner not in self.works else name] = key
        self._changed = True

    def note_hidden(self, name: str, key: str) -> None:
        """Record that a token does not see a repository."""
        name = name.lower()
        self._proven.discard((name, key))
        self._hidden.setdefault(name, {})[key] = time.time() + FORGET_AFTER
        self._changed = True

    def note_served(self, name: str, area: str, key: str) -> None:
        """Record that a token may read a part of a repository, such as ``issues``, that another token may not read."""
        self._served[name.lower(), area] = key

    def note_denied(self, name: str, area: str, key: str) -> None:
        """Record, for this run only, that a token sees a repository but may not read this part of the repository."""
        self._denied.setdefault((name.lower(), area), set()).add(key)

    def is_proven(self, name: str, key: str) -> bool:
        """Return whether the token saw the repository in this run."""
        return (name.lower(), key) in self._proven

    def is_known(self, name: str, key: str) -> bool:
        """Return whether this token is recorded as working for the repository or its owner."""
        return key in {self.works.get(name.lower()), self.works.get(owner_of(name))}

    def rank(self, name: str, area: str, key: str) -> int:
        """Return how well a token suits a part of a repository; 1 is best.

        1: the token works for this part or repository. 2: it saw the repository in this run. 3: it works for the owner.
        4: nothing is known.
        """
        if self._served.get((name.lower(), area)) == key or self.works.get(name.lower()) == key:
            return 1
        if self.is_proven(name, key):
            return 2
        return 3 if self.works.get(owner_of(name)) == key else 4

    def is_refused(self, name: str, area: str, key: str) -> bool:
        """Return whether GitHub is known to refuse this token for the repository or for this part of it."""
        return self.hidden_until(name, key) > time.time() or key in self._denied.get((name.lower(), area), ())

    def hidden_until(self, name: str, key: str) -> float:
        """Return the Unix time until which the token is not tried for the repository.

        Return 0 if no such time is recorded.
        """
        return self._hidden.get(name.lower(), {}).get(key, 0.0)

    def share(self) -> None:
        """Load the entries of earlier runs once, and store changes. The thread must have a database connection."""
        if self._loaded and not self._changed:
            return
        with transaction.atomic():
            stored = (
                Checkpoint.objects.select_for_update().filter(collector=COLLECTOR, scope=SCOPE, stream=STREAM).first()
            )
            if stored is not None:
                self._merge(stored.extras)
            if self._changed:
                extras = {"works": _newest(self.works), "hidden": _newest(self._unexpired())}
                Checkpoint.objects.update_or_create(
                    collector=COLLECTOR, scope=SCOPE, stream=STREAM, defaults={"extras": extras}
                )
        self._loaded, self._changed = True, False

    def _merge(self, extras: Mapping[str, Any]) -> None:
        """Add the stored entries. Entries of this run take precedence."""
        self.works = {**cast("dict[str, str]", extras.get("works") or {}), **self.works}
        for name, tokens in cast("dict[str, dict[str, float]]", extras.get("hidden") or {}).items():
            unproven = {key: until for key, until in tokens.items() if (name, key) not in self._proven}
            self._hidden[name] = {**unproven, **self._hidden.get(name, {})}

    def _unexpired(self) -> dict[str, dict[str, float]]:
        now = time.time()
        current = {name: {k: t for k, t in tokens.items() if t > now} for name, tokens in self._hidden.items()}
        return {name: tokens for name, tokens in current.items() if tokens}


def owner_of(name: str) -> str:
    """Return the owner, in lower case, from ``owner/name`` or ``owner``."""
    return name.partition("/")[0].lower()


def _newest(entries: Mapping[str, Any]) -> dict[str, Any]:
    return dict(list(entries.items())[-MOST_REMEMBERED:])


CORE, GRAPHQL, GIT = "core", "graphql", "git"
"""Resources: GitHub's REST and GraphQL APIs, each with its own budget, and git, which has no rate limit."""
CONFIRM_AFTER = 3.0
"""Seconds from a 401 until the token is tried again, because GitHub sometimes refuses a valid token once."""


class Token:
    """A token. An empty value means anonymous requests. Tokens of one account share the account's budget."""

    def __init__(self, value: str, *, name: str = "", key: str = "") -> None:
        digest = hashlib.sha256(value.encode()).hexdigest()[:12]
        self._value = value
        self.name = name
        """Human-readable name. If it is empty, messages use the token's last characters."""
        self.key = key or digest
        """Identifier of the token in memory and in the database. It does not reveal the token."""
        self.scopes: frozenset[str] = frozenset()
        """OAuth scopes of a classic token, from the last answer. Other kinds of tokens have no scopes."""
        self.quota = Quota(key or (f"token {digest}" if value else "anonymous"))
        self.limit_words = ""
        """Text of an implausibly long wait that GitHub requested, such as "to wait for 90,000 seconds", else empty."""
        self.confirm_at: float | None = None
        """The Unix time at which to try the token again after a first 401, or ``None``."""

    def __repr__(self) -> str:
        return f"Token({self.masked})"

    @property
    def masked(self) -> str:
        """Name for logs and messages: the installation, or the token's last characters."""
        return self.name or (f"***{self._value[-4:]}" if self._value else "anonymous")

    @property
    def is_anonymous(self) -> bool:
        """Whether requests are sent without a token."""
        return not self._value and not self.name

    @property
    def has_own_quota(self) -> bool:
        """Whether the budget belongs to an installation of a GitHub App instead of an account."""
        return bool(self.name) or self._value.startswith("ghs_")

    def headers(self) -> dict[str, str]:
        """Return the headers that authenticate a request."""
        return {"Authorization": f"Bearer {self._value}"} if self._value else {}

    def git_value(self) -> str | None:
        """Return the secret for git, or ``None`` without a token."""
        return self._value or None

    def ready_at(self, resource: str = CORE) -> float:
        """Return the Unix time from which the token may be used."""
        return max(self.quota_ready_at(resource), self.confirm_at or 0.0)

    def quota_ready_at(self, resource: str) -> float:
        """Return the Unix time from which the token's budget and GitHub's limits allow a request."""
        return 0.0 if resource == GIT else self.quota.pool(resource).ready_at

    def note(self, headers: Mapping[str, str], resource: str = CORE, offset: float = 0.0) -> None:
        """Update the budget and the OAuth scopes from the headers of an answer.

        ``offset`` is the offset of ``ServerClock``.
        """
        self.quota.note(resource, headers, offset)
        if (scopes := headers.get("x-oauth-scopes")) is not None:
            self.scopes = frozenset(scope.strip() for scope in scopes.split(",") if scope.strip())

    def rest(self, limit: Limit, resource: str) -> None:
        """Pause the token because of a limit. If a window is used up, its end is already known from the headers."""
        now = time.time()
        self.limit_words = limit.words
        if limit.window:
            if self.quota.pool(resource).ready_at <= now:  # the window is over, but GitHub still refuses requests
                self.quota.rest_until(resource, now + limit.wait, 0.0)
            return
        for pool in (CORE, GRAPHQL) if limit.everywhere else (resource,):
            self.quota.rest_until(pool, now + limit.wait, now + limit.shared)

    def replace_value(self, value: str) -> None:
        """Replace the secret with a renewed secret."""
        register_secret(value)
        self._value = value


class TokenPool:
    """All configured tokens. A repository keeps its token if possible, because ETags depend on the token.

    If there are tokens, no anonymous requests are sent. GitHub limits anonymous requests to 60 per hour, which is too
    few to complete a run, and they would hide that a token lacks a permission.
    """

    def __init__(self, values: Sequence[str], *, anonymous: bool = True) -> None:
        for value in values:
            register_secret(value)
        self._tokens = [Token(value) for value in dict.fromkeys(values)] or ([Token("")] if anonymous else [])
        self._anonymous = anonymous and not values
        self._chosen: dict[tuple[str, str], Token] = {}
        self.access = Access()
        self.refused: list[str] = []
        """Masked names of the tokens that were dropped in this run."""
        self._refused_keys: set[str] = set()

    @property
    def is_empty(self) -> bool:
        """Whether no token is left."""
        return not self._tokens

    @property
    def has_tokens(self) -> bool:
        """Whether requests are authenticated."""
        return not self._anonymous

    @property
    def is_single(self) -> bool:
        """Whether this run had only one token, including refused tokens.

        If other tokens were refused, a 404 for the remaining token proves nothing. A refused token may have seen the
        repository.
        """
        return len(self._tokens) + len(self._refused_keys) < 2

    @property
    def keys(self) -> list[str]:
        """Keys of the tokens that are still in use."""
        return [token.key for token in self._tokens]

    def add(self, tokens: Iterable[Token], *, owners: Mapping[str, str] | None = None) -> None:
        """Add tokens. ``owners`` maps each owner to the key of the owner's token."""
        self._tokens += tokens
        for owner, key in (owners or {}).items():
            self.access.works[owner.lower()] = key

    def choose(
        self, scope: str, resource: str = CORE, *, area: str = "", tried: Collection[str] = (),
        prefer: Token | None = None,
    ) -> Token | None:  # fmt: skip
        """Return the best token for a scope, or ``None`` when all tokens were tried or may not read the scope.

        Tokens are compared by these criteria, in this order: the token is ready; GitHub refused it once, which must be
        confirmed; it is ``prefer``; it works for the repository; it was the previous choice; it has the most requests
        left. ``area`` is the part of the repository. ``tried`` contains keys to exclude. When every token was refused
        before, the token with the oldest refusal is tried again, so that a new permission is noticed.
        """
        candidates = [token for token in self._tokens if token.key not in tried]
        if "/" in scope:
            promising = [token for token in candidates if not self.access.is_refused(scope, area, token.key)]
            candidates = promising or ([] if tried else self._refused_longest_ago(candidates, scope, resource))
        if not candidates:
            return None
        now, before = time.time(), self._chosen.get((scope, resource))

        def cost(token: Token) -> tuple[float, int, int, int]:
            left = None if resource == GIT else self.quota_left(token, resource)
            return (
                max(0.0, token.ready_at(resource) - now),
                _priority(token, prefer) or (self.access.rank(scope, area, token.key) if scope else 3),
                0 if token is before else 1,
                -(1 << 30) if left is None else -left,
            )

        best = min(candidates, key=cost)
        self._chosen[scope, resource] = best
        return best

    def _refused_longest_ago(self, candidates: Sequence[Token], scope: str, resource: str) -> list[Token]:
        """Return the token that was refused longest ago, as a list. Tokens that are ready now take precedence.

        The list is empty if there are no candidates.
        """
        now = time.time()
        return sorted(
            candidates,
            key=lambda one: (max(0.0, one.ready_at(resource) - now), self.access.hidden_until(scope, one.key)),
        )[:1]

    @staticmethod
    def quota_left(token: Token, resource: str) -> int | None:
        """Return the remaining requests of a token's pool, or ``None`` if the number is unknown."""
        return token.quota.pool(resource).remaining

    def by_key(self, key: str) -> Token | None:
        """Return the token with this key, or ``None`` if it was dropped."""
        return next((token for token in self._tokens if token.key == key), None)

    def has_lost(self, scope: str) -> bool:
        """Return whether a token that was dropped in this run is recorded as working for this repository."""
        return any(self.access.is_known(scope, key) for key in self._refused_keys)

    def identify(self, token: Token, account: str) -> None:
        """Assign a token to an account. The tokens of an account share one budget."""
        if token.has_own_quota or token.is_anonymous:
            return
        shared = next((one.quota for one in self._tokens if one.quota.account == account), None)
        if shared is not None and shared is not token.quota:
            shared.merge(token.quota)
            token.quota = shared
        elif shared is None:
            token.quota.rename(account)

    def share(self, *, everything: bool = False) -> None:
        """Exchange budgets with other processes. With ``everything``, also share which token sees which repository.

        Call this in a thread with a database connection.
        """
        for quota in {id(one.quota): one.quota for one in self._tokens}.values():
            quota.share(everything=everything)
        if everything and len(self.keys) + len(self._refused_keys) > 1:
            self.access.share()

    def drop(self, token: Token) -> None:
        """Stop using a token in this run, and record it as refused."""
        self._tokens = [one for one in self._tokens if one is not token]
        self._refused_keys.add(token.key)
        self.refused.append(token.masked)


def _priority(token: Token, prefer: Token | None) -> int:
    """Return a negative rank for a token that is chosen before all other ready tokens, else 0."""
    return -2 if token.confirm_at is not None else -1 if token is prefer else 0
