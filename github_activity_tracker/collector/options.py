"""What a run is asked to do, and which repositories that means."""

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
    """The options of ``collect_github``. ``since`` is aware; budgets are ``None`` for no bound, seconds for time."""

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
    """A repository to collect; ``known_id`` and ``node_id`` where GitHub has told them before."""

    full_name: str
    known_id: int | None = None
    node_id: str = ""


def targets(names: Sequence[str]) -> list[Target]:
    """The named repositories, else those enabled in the admin and in GITHUB_REPOS; the stalest first.

    Raises ``ConfigurationError`` when there is none, or when a name is not one.
    """
    wanted = [full_name(name) for name in names or settings.GITHUB_REPOS]
    if not names:
        wanted += Repository.objects.filter(enabled=True, deleted_at=None).values_list("full_name", flat=True)
    if not wanted:
        raise ConfigurationError(
            "There is nothing to collect. Name a repository (collect_github owner/name), set GITHUB_REPOS, "
            "or enable one in the admin."
        )
    unique = {name.lower(): name for name in reversed(wanted)}
    known = {
        name.lower(): (pk, node_id)
        for pk, name, node_id in Repository.objects.filter(deleted_at=None, id__gt=0).values_list(
            "id", "full_name", "node_id"
        )
        if name.lower() in unique
    }
    by_age = Scope.objects.filter(source_system="github", external_id__in=[str(pk) for pk, _ in known.values()])
    stalest = by_age.order_by(F("last_completed_at").asc(nulls_first=True)).values_list("external_id", flat=True)
    order = {external_id: place for place, external_id in enumerate(stalest)}
    nothing: tuple[int | None, str] = (None, "")
    found = [
        Target(full_name=name, known_id=known.get(key, nothing)[0], node_id=known.get(key, nothing)[1])
        for key, name in unique.items()
    ]
    return sorted(found, key=lambda target: order.get(str(target.known_id), -1))


def full_name(text: str) -> str:
    """Return ``owner/name`` out of a name or an address. Raises ConfigurationError for anything else."""
    match = NAME.fullmatch(text.strip())
    if match is None:
        raise ConfigurationError(f"{text!r} is not a repository. Write owner/name, such as django/django.")
    return match[1]


def provisional_id(full_name: str) -> int:
    """A made-up id for a repository that GitHub has not been asked about: negative, and the same for the same name."""
    digest = hashlib.blake2b(full_name.lower().encode(), digest_size=6).digest()
    return -1 - int.from_bytes(digest)
