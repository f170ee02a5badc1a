"""Errors about single places of a GraphQL answer: each costs the node that it names and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from core.operations.github_ops.answers import NodeError
from github_activity_tracker.protocol_impl import HIDDEN, SHORTFALL

Item = dict[str, Any]
Path = tuple[str | int, ...]
ACTORS = frozenset({"author", "actor", "mergedBy"})
_REASONS = {"NOT_FOUND": "not_found"}
_MOST_DETAIL = 500


def reason_of(error: NodeError) -> str:
    """Return the reason of a skip: ``not_found``, else ``denied``."""
    return _REASONS.get(error.kind, "denied")


def add_shortfall(item: Item, reason: str, detail: str, **figures: Any) -> None:
    """Note on an item what could not be read of it. The first reason stays; details are joined."""
    known: dict[str, Any] = item.setdefault(SHORTFALL, {"reason": reason, "detail": "", "lists": {}})
    if detail and detail not in known["detail"]:
        known["detail"] = f"{known['detail']}; {detail}".removeprefix("; ")[:_MOST_DETAIL]
    known["lists"].update(figures)


def note_errors(items: Mapping[Path, Item | None], errors: Sequence[NodeError]) -> list[NodeError]:
    """Note each error on the item that it is inside of; return those that are about no item or about a whole one.

    ``items``: the items of an answer by their paths.
    """
    others: list[NodeError] = []
    for error in errors:
        at, item = next(
            ((path, item) for path, item in items.items() if error.path[: len(path)] == path), (error.path, None)
        )
        rest = error.path[len(at) :]
        if item is None or not rest:
            others.append(error)
            continue
        add_shortfall(item, reason_of(error), f"{'.'.join(map(str, rest))}: {error.message}")
        _hide_actor(item, rest)
    return others


def _hide_actor(item: Item, path: Path) -> None:
    """Put a placeholder where an actor is null through an error, so that it is not taken for a deleted account."""
    if path[-1] not in ACTORS:
        return
    holder: object = item
    for part in path[:-1]:
        if isinstance(part, int) and isinstance(holder, list):
            members = cast("list[object]", holder)
            holder = members[part] if part < len(members) else None
        elif isinstance(part, str) and isinstance(holder, dict):
            holder = cast("dict[str, object]", holder).get(part)
        else:
            return
    if isinstance(holder, dict) and cast("dict[str, object]", holder).get(str(path[-1])) is None:
        holder[str(path[-1])] = {"__typename": "", "login": HIDDEN}
