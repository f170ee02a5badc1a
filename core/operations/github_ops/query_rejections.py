"""Which places of a query text an answer refuses, as keys of ``query_pruning``.

GitHub names the place by its line and column, and in words: "Field 'x' doesn't exist on type 'Y'", "No such type Z,
so it can't be a fragment condition" (pwntester/octo.nvim#1153, cli/cli#812). Other servers leave out one or the other.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    ArgumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    Node,
    Visitor,
    parse,
    visit,
)

WORDS = re.compile(
    r"Field '(?P<field>\w+)' doesn't exist on type '(?P<type>\w+)'"
    r"|Cannot query field '(?P<field2>\w+)' on type '(?P<type2>\w+)'"
    r"|No such type (?P<absent>\w+)|Unknown type '(?P<absent2>\w+)'"
)
"""The commonest refusals in the words of GitHub's server, and of the reference implementation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejections:
    """Keys that a server refuses because it lacks them, and those that the token has no scope for."""

    lacking: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()


def rejections(text: str, body: object) -> Rejections:
    """Return what an answer refuses of a text. Nothing, where the answer has data or fails for another reason.

    A server that refuses a text runs none of it: the answer has no ``data``, and its errors have no ``type`` but a
    location. https://spec.graphql.org/October2021/#sec-Response-Format
    """
    told = cast("Mapping[str, Any]", body) if isinstance(body, Mapping) else {}
    errors: list[Any] = told["errors"] if isinstance(told.get("errors"), list) else []
    found = [cast("Mapping[str, Any]", one) for one in errors if isinstance(one, Mapping)]
    scopes = [one for one in found if one.get("type") == "INSUFFICIENT_SCOPES"]
    lacking = [one for one in found if not one.get("type") and (one.get("locations") or _words(one))]
    if told.get("data") or not (scopes or ("data" not in told and lacking)):
        return Rejections()
    places = _places(text)
    return Rejections(
        lacking=frozenset(key for one in lacking for key in _keys(one, places)) if "data" not in told else frozenset(),
        scopes=frozenset(key for one in scopes for key in _keys(one, places)),
    )


def _words(error: Mapping[str, Any]) -> re.Match[str] | None:
    return WORDS.search(str(error.get("message") or ""))


Place = tuple[Node, tuple[Node, ...]]
"""A syntax node, and the nodes around it from the outermost to the innermost."""


class _Places(Visitor):
    """Collects the nodes of a text by line and column of their beginning; outer nodes come first."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[tuple[int, int], list[Place]] = {}

    def enter(self, node: Node, _key: object, parent: object, _path: object, ancestors: Collection[Any]) -> None:
        """Note a node."""
        if node.loc is not None:
            start = node.loc.start_token
            around = tuple(one for one in (*ancestors, parent) if isinstance(one, Node))
            self.found.setdefault((start.line, start.column), []).append((node, around))


def _places(text: str) -> dict[tuple[int, int], list[Place]]:
    visitor = _Places()
    visit(parse(text), visitor)
    return visitor.found


def _keys(error: Mapping[str, Any], places: Mapping[tuple[int, int], list[Place]]) -> set[str]:
    keys = set[str]()
    told = _words(error)
    if told and (absent := told["absent"] or told["absent2"]):
        return {f"type:{absent}"}
    if told and (name := told["field"] or told["field2"]):
        keys.add(f"{told['type'] or told['type2']}.{name}")
    for location in error.get("locations") or ():
        for node, around in reversed(places.get((location.get("line"), location.get("column")), [])):
            if key := _key((*around, node)):
                keys.add(key)
                break
    return keys


def _key(trail: tuple[Node, ...]) -> str:
    """Return the key of the innermost field or fragment of a trail; empty where there is none."""
    argument = next((one for one in trail if isinstance(one, ArgumentNode)), None)
    holders = [one for one in trail if isinstance(one, FieldNode | InlineFragmentNode | FragmentSpreadNode)]
    if not holders:
        return ""
    if argument is not None:
        owner = [one for one in holders if isinstance(one, FieldNode)]
        return f"*.{owner[-1].name.value}({argument.name.value})" if owner else ""
    last = holders[-1]
    place = _place(trail[: trail.index(last)])
    if isinstance(last, FieldNode):
        return f"{place}.{last.name.value}"
    if isinstance(last, InlineFragmentNode):
        return f"{place}...{last.type_condition.name.value}"
    return ""


def _place(trail: tuple[Node, ...]) -> str:
    """Return the names of the fields from the nearest type condition on."""
    place = "Query"
    for node in trail:
        if isinstance(node, FragmentDefinitionNode | InlineFragmentNode):
            place = node.type_condition.name.value if node.type_condition else place
        elif isinstance(node, FieldNode):
            place += f".{node.name.value}"
    return place
