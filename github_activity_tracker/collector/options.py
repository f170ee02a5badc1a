"""The options of a run, and the repositories that they select."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import F

from core.errors import ConfigurationError
from core.models import Scope
from github_activity_tracker.models import Repository

NAME = re.compile(r"(?:https?://[^/]+/)?([A-Za-z0-9][\w.-]*/[\w.-]+?)(?:\.git)?/?")
"""``owner/name``, or the address that a browser or git shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectOptions:
    """The options of ``collect_github``.

    ``since`` is aware; a budget of ``None`` means no limit; times are in seconds.
    """

    repositories: Sequence[str] = ()
    organisations: Sequence[str] = ()
    streams: Sequence[str] = ()
    since: datetime | None = None
    full: bool = False
    reconcile: bool = False
    git_only: bool = False
    max_requests: int | None = None
    max_seconds: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A repository to collect; ``known_id`` and ``node_id`` are known from an earlier run.

    ``named``: an operator wrote the name (an argument, GITHUB_REPOS) and means the repository that has it today.
    """

    full_name: str
    known_id: int | None = None
    node_id: str = ""
    named: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """The identity of a target in a probe: two repositories can have had one name."""
        return self.full_name, self.node_id


def select_targets(names: Sequence[str]) -> list[Target]:
    """Return the named repositories, else those enabled in the admin and in GITHUB_REPOS; the stalest first.

    Raises ``ConfigurationError`` when there is none, or when a name is invalid.
    """
    operator_names = [full_name(name) for name in names or settings.GITHUB_REPOS]
    wanted = list(operator_names)
    if not names:
        wanted += Repository.objects.filter(enabled=True, deleted_at=None).values_list("full_name", flat=True)
    if not wanted:
        raise ConfigurationError(
            "There is nothing to collect. Name a repository (collect_github owner/name), set GITHUB_REPOS, "
            "or enable one in the admin."
        )
    unique = {name.lower(): name for name in reversed(wanted)}
    named = {name.lower() for name in operator_names}
    known: dict[str, list[tuple[int, str]]] = {}
    stored = Repository.objects.filter(deleted_at=None, id__gt=0).order_by("-updated_at", "-pk")
    for pk, name, node_id in stored.values_list("id", "full_name", "node_id"):
        if name.lower() in unique:
            known.setdefault(name.lower(), []).append((pk, node_id))
    ids = [str(pk) for same_name in known.values() for pk, _ in same_name]
    by_age = Scope.objects.filter(source_system="github", external_id__in=ids)
    stalest = by_age.order_by(F("last_completed_at").asc(nulls_first=True)).values_list("external_id", flat=True)
    order = {external_id: position for position, external_id in enumerate(stalest)}
    nothing: list[tuple[int | None, str]] = [(None, "")]
    result = [
        Target(full_name=name, known_id=known_id, node_id=node_id, named=key in named)
        for key, name in unique.items()
        for known_id, node_id in known.get(key, nothing)
    ]
    return sorted(result, key=lambda target: order.get(str(target.known_id), -1))


def full_name(text: str) -> str:
    """Return ``owner/name`` from a name or an address. Raises ConfigurationError for anything else."""
    match = NAME.fullmatch(text.strip())
    if match is None or match[1].endswith(("/.", "/..")):
        raise ConfigurationError(f"{text!r} is not a repository. Write owner/name, such as django/django.")
    return match[1]


def provisional_id(full_name: str) -> int:
    """Return a made-up id for a repository that GitHub was not asked for: negative, and always the same for a name."""
    digest = hashlib.blake2b(full_name.lower().encode(), digest_size=6).digest()
    return -1 - int.from_bytes(digest)
