"""Finds the parts of a query text that a server rejected, and returns their keys; see ``query_pruning``.

GitHub reports line and column, with messages such as "Field 'x' doesn't exist on type 'Y'" or "No such type Z,
so it can't be a fragment condition" (pwntester/octo.nvim#1153, cli/cli#812). Other servers report only the position or
only the message.
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
"""Pattern of the most common error messages of GitHub's server and of GraphQL's reference implementation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejections:
    """Keys of parts that the server lacks, and keys of parts that need an OAuth scope that the token lacks."""

    lacking: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()


def rejections(text: str, body: object) -> Rejections:
    """Return the keys of the parts of a query that the server rejected, according to its answer ``body``.

    A server that rejects a query does not execute any part of it. The answer then has no ``data``. Its errors have a
    location but no ``type``, except errors about a missing OAuth scope.
    https://spec.graphql.org/October2021/#sec-Response-Format
    """
    members = cast("Mapping[str, Any]", body) if isinstance(body, Mapping) else {}
    entries: list[Any] = members["errors"] if isinstance(members.get("errors"), list) else []
    errors = [cast("Mapping[str, Any]", one) for one in entries if isinstance(one, Mapping)]
    scopes = [one for one in errors if one.get("type") == "INSUFFICIENT_SCOPES"]
    lacking = [one for one in errors if not one.get("type") and (one.get("locations") or _words(one))]
    if members.get("data") or not (scopes or ("data" not in members and lacking)):
        return Rejections()
    nodes = _nodes_by_position(text)
    return Rejections(
        lacking=frozenset(key for one in lacking for key in _keys(one, nodes))
        if "data" not in members
        else frozenset(),
        scopes=frozenset(key for one in scopes for key in _keys(one, nodes)),
    )


def _words(error: Mapping[str, Any]) -> re.Match[str] | None:
    return WORDS.search(str(error.get("message") or ""))


NodeInContext = tuple[Node, tuple[Node, ...]]
"""A syntax node, and the nodes that enclose it, outermost node first."""


class _NodeCollector(Visitor):
    """Collects the nodes of a text by the line and column of their first character, outer nodes first."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: dict[tuple[int, int], list[NodeInContext]] = {}

    def enter(self, node: Node, _key: object, parent: object, _path: object, ancestors: Collection[Any]) -> None:
        """Collect a node with its enclosing nodes."""
        if node.loc is not None:
            start = node.loc.start_token
            around = tuple(one for one in (*ancestors, parent) if isinstance(one, Node))
            self.nodes.setdefault((start.line, start.column), []).append((node, around))


def _nodes_by_position(text: str) -> dict[tuple[int, int], list[NodeInContext]]:
    visitor = _NodeCollector()
    visit(parse(text), visitor)
    return visitor.nodes


def _keys(error: Mapping[str, Any], nodes: Mapping[tuple[int, int], list[NodeInContext]]) -> set[str]:
    keys = set[str]()
    match = _words(error)
    if match and (absent := match["absent"] or match["absent2"]):
        return {f"type:{absent}"}
    if match and (name := match["field"] or match["field2"]):
        keys.add(f"{match['type'] or match['type2']}.{name}")
    for location in error.get("locations") or ():
        for node, around in reversed(nodes.get((location.get("line"), location.get("column")), [])):
            if key := _key((*around, node)):
                keys.add(key)
                break
    return keys


def _key(nesting: tuple[Node, ...]) -> str:
    """Return the key of the innermost field, argument or fragment in a list of nested nodes, or an empty string."""
    argument = next((one for one in nesting if isinstance(one, ArgumentNode)), None)
    holders = [one for one in nesting if isinstance(one, FieldNode | InlineFragmentNode | FragmentSpreadNode)]
    if not holders:
        return ""
    if argument is not None:
        owner = [one for one in holders if isinstance(one, FieldNode)]
        return f"*.{owner[-1].name.value}({argument.name.value})" if owner else ""
    last = holders[-1]
    path = _path(nesting[: nesting.index(last)])
    if isinstance(last, FieldNode):
        return f"{path}.{last.name.value}"
    if isinstance(last, InlineFragmentNode):
        return f"{path}...{last.type_condition.name.value}"
    return ""


def _path(nesting: tuple[Node, ...]) -> str:
    """Return the path of a key: the fields from the nearest type condition to the last node."""
    path = "Query"
    for node in nesting:
        if isinstance(node, FragmentDefinitionNode | InlineFragmentNode):
            path = node.type_condition.name.value if node.type_condition else path
        elif isinstance(node, FieldNode):
            path += f".{node.name.value}"
    return path
