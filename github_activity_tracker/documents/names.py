"""External ids, read."""

from collections import defaultdict
from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.db.models import Q

GHOST = "ghost"
Place = tuple[int, int]
"""A repository's id and a number in it."""


def by_kind(external_ids: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """External ids by their kind, as the two parts behind it (the second may be empty)."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for external_id in external_ids:
        _, kind, first, *rest = external_id.split(":")
        found[kind].append((first, rest[0] if rest else ""))
    return found


def places(names: Iterable[tuple[str, str]]) -> set[Place]:
    """Repository ids and numbers."""
    return {(int(repository_id), int(number)) for repository_id, number in names}


def at(wanted: Iterable[Place], number: str = "number") -> Q:
    """A filter for what has, or belongs to, these numbers."""
    numbers: dict[int, list[int]] = defaultdict(list)
    for repository_id, of in wanted:
        numbers[repository_id].append(of)
    return reduce(or_, (Q(repository_id=r, **{f"{number}__in": ns}) for r, ns in numbers.items()))


def at_commits(names: Iterable[tuple[str, str]], column: str = "sha") -> Q:
    """A filter for what has, or belongs to, commits by repository id and hash."""
    shas: dict[int, list[str]] = defaultdict(list)
    for repository_id, sha in names:
        shas[int(repository_id)].append(sha)
    return reduce(or_, (Q(repository_id=r, **{f"{column}__in": found}) for r, found in shas.items()))
