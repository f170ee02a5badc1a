"""Which token asks, and when it may."""

import hashlib
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, cast

from django.db import transaction

from core.logs.redaction import register_secret
from core.models import Checkpoint
from core.operations.github_ops.limits import Limit, Quota

FORGET_AFTER = 7 * 86400.0
"""Seconds after which a token is tried again for a repository that it did not see: permissions change rarely."""
MOST_REMEMBERED = 20_000
"""Entries of either kind that are saved; far more than anybody collects."""
COLLECTOR, SCOPE, STREAM = "github", "tokens", "access"
"""The checkpoint that remembers it. It holds digests of tokens, no token."""


class Access:
    """What is known of tokens (by key) and repositories (``owner/name``). Only ``share`` uses the database.

    ``proven`` is knowledge of this run, the rest also of earlier ones.
    """

    def __init__(self) -> None:
        self.works: dict[str, str] = {}
        """The key of the token that serves a repository, or an owner's repositories in general."""
        self._hidden: dict[str, dict[str, float]] = {}
        """By repository: until when (Unix seconds) a token is not tried."""
        self._denied: dict[tuple[str, str], set[str]] = {}
        self._served: dict[tuple[str, str], str] = {}
        self._proven: set[tuple[str, str]] = set()
        self._loaded = self._changed = False

    def note_seen(self, name: str, key: str) -> None:
        """A token sees a repository."""
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
        """GitHub does not show a repository to a token."""
        name = name.lower()
        self._proven.discard((name, key))
        self._hidden.setdefault(name, {})[key] = time.time() + FORGET_AFTER
        self._changed = True

    def note_served(self, name: str, area: str, key: str) -> None:
        """A token may read a part of a repository (``issues``, ``graphql``, ...) that another one may not."""
        self._served[name.lower(), area] = key

    def note_denied(self, name: str, area: str, key: str) -> None:
        """A token sees a repository, but may not read this part of it; remembered in this run."""
        self._denied.setdefault((name.lower(), area), set()).add(key)

    def is_proven(self, name: str, key: str) -> bool:
        """Whether the token saw the repository in this run."""
        return (name.lower(), key) in self._proven

    def is_known(self, name: str, key: str) -> bool:
        """Whether this token served the repository, or its owner's, when it was last needed."""
        return key in {self.works.get(name.lower()), self.works.get(owner_of(name))}

    def rank(self, name: str, area: str, key: str) -> int:
        """Smaller is better: 1 serves it, 2 saw it in this run, 3 serves others of the owner, 4 unknown."""
        if self._served.get((name.lower(), area)) == key or self.works.get(name.lower()) == key:
            return 1
        if self.is_proven(name, key):
            return 2
        return 3 if self.works.get(owner_of(name)) == key else 4

    def is_refused(self, name: str, area: str, key: str) -> bool:
        """Whether asking with this token is known to be in vain."""
        return self.hidden_until(name, key) > time.time() or key in self._denied.get((name.lower(), area), ())

    def hidden_until(self, name: str, key: str) -> float:
        """Return until when (Unix seconds) the token is not tried for the repository; 0 where it was not refused."""
        return self._hidden.get(name.lower(), {}).get(key, 0.0)

    def share(self) -> None:
        """Load what earlier runs learned, once; save what this one did. In a thread with a database connection."""
        if self._loaded and not self._changed:
            return
        with transaction.atomic():
            saved = (
                Checkpoint.objects.select_for_update().filter(collector=COLLECTOR, scope=SCOPE, stream=STREAM).first()
            )
            if saved is not None:
                self._merge(saved.extras)
            if self._changed:
                extras = {"works": _newest(self.works), "hidden": _newest(self._unexpired())}
                Checkpoint.objects.update_or_create(
                    collector=COLLECTOR, scope=SCOPE, stream=STREAM, defaults={"extras": extras}
                )
        self._loaded, self._changed = True, False

    def _merge(self, extras: Mapping[str, Any]) -> None:
        """Add what others know; this run's own knowledge is newer."""
        self.works = {**cast("dict[str, str]", extras.get("works") or {}), **self.works}
        for name, tokens in cast("dict[str, dict[str, float]]", extras.get("hidden") or {}).items():
            unproven = {key: until for key, until in tokens.items() if (name, key) not in self._proven}
            self._hidden[name] = {**unproven, **self._hidden.get(name, {})}

    def _unexpired(self) -> dict[str, dict[str, float]]:
        now = time.time()
        current = {name: {k: t for k, t in tokens.items() if t > now} for name, tokens in self._hidden.items()}
        return {name: tokens for name, tokens in current.items() if tokens}


def owner_of(name: str) -> str:
    """Return the owner of ``owner/name``, in lower case; an owner's name is returned as it is."""
    return name.partition("/")[0].lower()


def _newest(entries: Mapping[str, Any]) -> dict[str, Any]:
    return dict(list(entries.items())[-MOST_REMEMBERED:])


CORE, GRAPHQL, GIT = "core", "graphql", "git"
"""GitHub's two pools, each with its own quota; and git, which has none."""
CONFIRM_AFTER = 3.0
"""Seconds between a refusal (401) and the question whether it was meant: GitHub refuses good tokens now and then."""


class Token:
    """A token, or none at all (an empty value). Tokens of one account share its quota."""

    def __init__(self, value: str, *, name: str = "", key: str = "") -> None:
        digest = hashlib.sha256(value.encode()).hexdigest()[:12]
        self._value = value
        self.name = name
        """What people call it, where that is not its last characters."""
        self.key = key or digest
        """Identifies it in memory and in the database; tells nothing of its value."""
        self.scopes: frozenset[str] = frozenset()
        """Scopes of a classic token, as the last answer named them; other kinds of tokens have none."""
        self.quota = Quota(key or (f"token {digest}" if value else "anonymous"))
        self.limit_words = ""
        """What GitHub said about the limit that it rests for, where that is absurd."""
        self.confirm_at: float | None = None
        """After a refusal: when to ask whether it was meant (Unix seconds)."""

    def __repr__(self) -> str:
        return f"Token({self.masked})"

    @property
    def masked(self) -> str:
        """How people tell it from others: its last characters, or the installation."""
        return self.name or (f"***{self._value[-4:]}" if self._value else "anonymous")

    @property
    def is_anonymous(self) -> bool:
        """Whether requests carry no token."""
        return not self._value and not self.name

    @property
    def has_own_quota(self) -> bool:
        """Whether its quota is an installation's, not its account's (tokens of a GitHub App)."""
        return bool(self.name) or self._value.startswith("ghs_")

    def headers(self) -> dict[str, str]:
        """What identifies us in a request."""
        return {"Authorization": f"Bearer {self._value}"} if self._value else {}

    def git_value(self) -> str | None:
        """The secret itself, for git; None without a token."""
        return self._value or None

    def ready_at(self, resource: str = CORE) -> float:
        """Unix seconds from which it may be used."""
        return max(self.quota_ready_at(resource), self.confirm_at or 0.0)

    def quota_ready_at(self, resource: str) -> float:
        """Unix seconds from which its quota and GitHub's limits allow a request."""
        return 0.0 if resource == GIT else self.quota.pool(resource).ready_at

    def note(self, headers: Mapping[str, str], resource: str = CORE, offset: float = 0.0) -> None:
        """Reconcile with what an answer says about quota and scopes; ``offset``: see ``ServerClock``."""
        self.quota.note(resource, headers, offset)
        if (scopes := headers.get("x-oauth-scopes")) is not None:
            self.scopes = frozenset(scope.strip() for scope in scopes.split(",") if scope.strip())

    def rest(self, limit: Limit, resource: str) -> None:
        """Leave it alone as a limit demands; the end of a window is known from the headers."""
        now = time.time()
        self.limit_words = limit.words
        if limit.window:
            if self.quota.pool(resource).ready_at <= now:  # the window is over, and still nothing is allowed
                self.quota.rest_until(resource, now + limit.wait, 0.0)
            return
        for pool in (CORE, GRAPHQL) if limit.everywhere else (resource,):
            self.quota.rest_until(pool, now + limit.wait, now + limit.shared)

    def replace_value(self, value: str) -> None:
        """Use a renewed secret from now on."""
        register_secret(value)
        self._value = value


class TokenPool:
    """All tokens of the project; a repository stays with one while it lasts, because ETags depend on it.

    With tokens nothing is asked anonymously: 60 requests an hour do not complete anything, and a mixture of both would
    hide that a token lacks a permission.
    """

    def __init__(self, values: Sequence[str], *, anonymous: bool = True) -> None:
        for value in values:
            register_secret(value)
        self._tokens = [Token(value) for value in dict.fromkeys(values)] or ([Token("")] if anonymous else [])
        self._anonymous = anonymous and not values
        self._chosen: dict[tuple[str, str], Token] = {}
        self.access = Access()
        self.refused: list[str] = []
        """The tokens that GitHub refused for good in this run, without their secrets."""
        self._refused_keys: set[str] = set()

    @property
    def is_empty(self) -> bool:
        """Whether there is no token left."""
        return not self._tokens

    @property
    def has_tokens(self) -> bool:
        """Whether we ask as somebody."""
        return not self._anonymous

    @property
    def is_single(self) -> bool:
        """Whether there was only one token to choose from in this run.

        When others were refused, the one that is left may not see what they saw: its 404 proves nothing.
        """
        return len(self._tokens) + len(self._refused_keys) < 2

    @property
    def keys(self) -> list[str]:
        """The keys of the tokens that are left."""
        return [token.key for token in self._tokens]

    def add(self, tokens: Iterable[Token], *, owners: Mapping[str, str] | None = None) -> None:
        """Add tokens; ``owners``: the key of the token that is made for an owner."""
        self._tokens += tokens
        for owner, key in (owners or {}).items():
            self.access.works[owner.lower()] = key

    def choose(
        self, scope: str, resource: str = CORE, *, area: str = "", tried: Collection[str] = (),
        prefer: Token | None = None,
    ) -> Token | None:  # fmt: skip
        """Return the best token for a scope, None when each was tried or is known not to see it.

        Ready before waiting; then a token whose refusal is to be confirmed, which costs nothing; then what serves the
        repository; then what was chosen before; then what has most left.
        ``area``: the part of the repository that is read. ``tried``: keys that are out of question. Where every token
        was refused before, the one whose refusal is oldest is chosen: so each has its turn, and one that was given the
        permission meanwhile is found.
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
                _place(token, prefer) or (self.access.rank(scope, area, token.key) if scope else 3),
                0 if token is before else 1,
                -(1 << 30) if left is None else -left,
            )

        best = min(candidates, key=cost)
        self._chosen[scope, resource] = best
        return best

    def _refused_longest_ago(self, candidates: Sequence[Token], scope: str, resource: str) -> list[Token]:
        """Return one token, or none where there is none; a token that must wait comes behind all that are ready."""
        now = time.time()
        return sorted(
            candidates,
            key=lambda one: (max(0.0, one.ready_at(resource) - now), self.access.hidden_until(scope, one.key)),
        )[:1]

    @staticmethod
    def quota_left(token: Token, resource: str) -> int | None:
        """What is left of a token's pool, as far as that is known."""
        return token.quota.pool(resource).remaining

    def by_key(self, key: str) -> Token | None:
        """The token with this key, unless it was dropped."""
        return next((token for token in self._tokens if token.key == key), None)

    def has_lost(self, scope: str) -> bool:
        """Whether the token that served a repository was refused in this run."""
        return any(self.access.is_known(scope, key) for key in self._refused_keys)

    def identify(self, token: Token, account: str) -> None:
        """Say whose token it is: all tokens of one account share one quota."""
        if token.has_own_quota or token.is_anonymous:
            return
        shared = next((one.quota for one in self._tokens if one.quota.account == account), None)
        if shared is not None and shared is not token.quota:
            shared.merge(token.quota)
            token.quota = shared
        elif shared is None:
            token.quota.rename(account)

    def share(self, *, everything: bool = False) -> None:
        """Keep every quota in step with the other processes; in a thread that has a database connection."""
        for quota in {id(one.quota): one.quota for one in self._tokens}.values():
            quota.share(everything=everything)
        if everything and len(self.keys) + len(self._refused_keys) > 1:
            self.access.share()

    def drop(self, token: Token) -> None:
        """Use it no more in this run: GitHub refuses it."""
        self._tokens = [one for one in self._tokens if one is not token]
        self._refused_keys.add(token.key)
        self.refused.append(token.masked)


def _place(token: Token, prefer: Token | None) -> int:
    """Negative for a token that goes before all others that are ready."""
    return -2 if token.confirm_at is not None else -1 if token is prefer else 0
