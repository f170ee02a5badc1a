"""Parsing of external ids, and filters for the rows that the ids identify."""

from collections import defaultdict
from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.db.models import Q

GHOST = "ghost"
Place = tuple[int, int]
"""The id of a repository, and the number of an issue, pull request or discussion in the repository."""


def by_kind(external_ids: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """Return the two parts of each external id that follow its kind, grouped by kind. The second part may be empty."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for external_id in external_ids:
        _, kind, first, *rest = external_id.split(":")
        found[kind].append((first, rest[0] if rest else ""))
    return found


NUMBERED = frozenset({"issue", "pull_request", "discussion"})
POSTS = frozenset({"issue_comment", "review", "review_comment", "release", "discussion_comment", "commit_comment"})


def known_names(external_ids: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """Group external ids like ``by_kind``, but omit invalid ids, because ids in URLs can be any text."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for external_id in external_ids:
        match external_id.split(":"):
            case ["github", kind, first, second] if kind in NUMBERED and _is_id(first) and _is_id(second):
                found[kind].append((first, second))
            case ["github", "commit", first, sha] if _is_id(first):
                found["commit"].append((first, sha))
            case ["github", kind, first] if kind in POSTS and _is_id(first):
                found[kind].append((first, ""))
            case ["github", "event", node_id]:
                found["event"].append((node_id, ""))
            case _:
                pass
    return found


def _is_id(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) < 19


def places(names: Iterable[tuple[str, str]]) -> set[Place]:
    """Convert the parts of external ids to pairs of repository id and item number."""
    return {(int(repository_id), int(number)) for repository_id, number in names}


def at(wanted: Iterable[Place], number: str = "number") -> Q:
    """Return a filter for rows with these repository ids and numbers.

    ``number`` is the name of the column with the number. ``wanted`` must not be empty.
    """
    numbers: dict[int, list[int]] = defaultdict(list)
    for repository_id, of in wanted:
        numbers[repository_id].append(of)
    return reduce(or_, (Q(repository_id=r, **{f"{number}__in": ns}) for r, ns in numbers.items()))


def at_commits(names: Iterable[tuple[str, str]], column: str = "sha") -> Q:
    """Return a filter for rows with these repository ids and hashes.

    ``column`` is the name of the column with the hash. ``names`` must not be empty.
    """
    shas: dict[int, list[str]] = defaultdict(list)
    for repository_id, sha in names:
        shas[int(repository_id)].append(sha)
    return reduce(or_, (Q(repository_id=r, **{f"{column}__in": found}) for r, found in shas.items()))
