"""Which token sees which repository: learned from answers, and remembered for later runs.

Fine-grained tokens and installations of a GitHub App see other owners each. GitHub answers 404 for what a token does
not see, as it does for what is not there; so a repository counts as absent only when every token was refused.
"""

import time
from collections.abc import Mapping
from typing import Any, cast

from django.db import transaction

from core.models import Checkpoint

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
