"""Removes types and fields from query texts if a server lacks them or a token may not read them.

Keys name parts of a text. ``prune`` understands these forms:

- ``Issue.title``: a field of a type
- ``Repository.issues.nodes.title``: a field by its path from the nearest type condition or the operation's root type
- ``Repository.owner...User``: a fragment on a type inside a field with this path
- ``type:SubIssueAddedEvent``: a type, wherever it appears
- ``*.labels(orderBy)``: every field with this name and this argument
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    NameNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    visit,
)
from graphql.utilities import strip_ignored_characters

from core.operations.github_ops.server_schema import ABSTRACT, Extend, ServerSchema, TypeInfo

READ_ORG = frozenset({"read:org", "write:org", "admin:org"})
PROJECT = frozenset({"read:project", "project"})
SCOPES = {
    "Organization": READ_ORG,
    "Team": READ_ORG | {"read:discussion", "write:discussion"},
    "ProjectV2": PROJECT,
    "ProjectV2Item": PROJECT,
}
"""OAuth scopes by GraphQL type. A classic token needs one of them to select fields of the type.

Without the scope, GitHub refuses the whole query: nodejs/nodejs.org#8531, cli/cli#812.
https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The rules for removing parts from a text."""

    schema: ServerSchema | None = None
    """The server's schema. If it is ``None``, all types and fields are assumed to exist."""
    refused: frozenset[str] = frozenset()
    """Keys of parts that the server refused, because it lacks them or because the token lacks an OAuth scope."""
    scopes: frozenset[str] = frozenset()
    """Known OAuth scopes of the token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pruned:
    """A fitted text, which is empty when no useful part is left.

    ``missing``: names of types that are not in the schema yet. ``dropped``: keys of parts that were removed because the
    server lacks them.
    """

    text: str
    missing: frozenset[str]
    dropped: frozenset[str]


def prune(
    text: str, limits: Limits, *, substitutes: Mapping[str, str] | None = None, extend: Extend | None = None
) -> Pruned:
    """Return the text without the parts that ``limits`` excludes.

    ``substitutes`` maps field names to older names. If a server lacks ``fullDatabaseId``, for example,
    ``fullDatabaseId: databaseId`` is selected. ``extend`` adds selections to fragments if the schema is known.
    """
    document = parse(text)
    work = _Pruning(limits, substitutes or {})
    if extend is not None and limits.schema is not None:
        document = _extended(document, limits.schema, extend, work)
    fitted = work.document(document)
    if fitted is None:
        return Pruned(text="", missing=frozenset(work.missing), dropped=frozenset(work.dropped))
    return Pruned(
        text=strip_ignored_characters(print_ast(fitted)) if work.changed else text,
        missing=frozenset(work.missing),
        dropped=frozenset(work.dropped),
    )


def _extended(document: DocumentNode, schema: ServerSchema, extend: Extend, work: "_Pruning") -> DocumentNode:
    definitions = list(document.definitions)
    for position, one in enumerate(definitions):
        if not isinstance(one, FragmentDefinitionNode):
            continue
        present = {
            selection.type_condition.name.value
            for selection in one.selection_set.selections
            if isinstance(selection, InlineFragmentNode) and selection.type_condition
        }
        addition = extend(schema, one.type_condition.name.value, present)
        work.missing |= addition.missing
        if addition.text:
            work.changed = True
            parsed = parse(f"{{ {addition.text} }}").definitions[0]
            assert isinstance(parsed, OperationDefinitionNode)  # noqa: S101  (the text above is an operation)
            selections = (*one.selection_set.selections, *parsed.selection_set.selections)
            definitions[position] = _with(one, SelectionSetNode(selections=selections))
    return DocumentNode(definitions=tuple(definitions))


Holder = TypeVar("Holder", FieldNode, InlineFragmentNode, FragmentDefinitionNode, OperationDefinitionNode)


def _with(node: Holder, selection_set: SelectionSetNode) -> Holder:
    """Return a copy of the node with another selection set."""
    other = copy.copy(node)
    other.selection_set = selection_set
    return other


@dataclass
class _Pruning:
    """Prunes one text. Syntax nodes are copied and never changed."""

    limits: Limits
    substitutes: Mapping[str, str]
    missing: set[str] = field(default_factory=set[str])
    dropped: set[str] = field(default_factory=set[str])
    fragments: dict[str, FragmentDefinitionNode] = field(default_factory=dict[str, FragmentDefinitionNode])
    changed: bool = False

    def document(self, document: DocumentNode) -> DocumentNode | None:
        """Return the pruned document, or ``None`` when nothing is left except the query cost and the viewer."""
        operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
        original = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
        self.fragments = dict(original)
        while True:  # when an empty fragment is removed, fragments that spread it may become empty
            remaining = {name: one for name in self.fragments if (one := self._fragment(original[name])) is not None}
            if remaining.keys() == self.fragments.keys():
                break
            self.fragments = {name: original[name] for name in remaining}
        selection_set = self._selections(operation.selection_set, "Query", "Query")
        if selection_set is None or (self.changed and _is_idle(selection_set, operation)):
            return None
        operation = _with(operation, selection_set)
        reached = _reached(operation, remaining)
        definitions = [operation, *(one for name, one in remaining.items() if name in reached)]
        if self.changed:
            variables = set[str]().union(*(_used(one).variables for one in definitions))
            operation.variable_definitions = tuple(
                one for one in operation.variable_definitions or () if one.variable.name.value in variables
            )
        return DocumentNode(definitions=tuple(definitions))

    def _fragment(self, node: FragmentDefinitionNode) -> FragmentDefinitionNode | None:
        name = node.type_condition.name.value
        if self._is_absent(name):
            return None
        selection_set = self._selections(node.selection_set, name, name)
        return None if selection_set is None else _with(node, selection_set)

    def _selections(self, node: SelectionSetNode, parent: str, path: str) -> SelectionSetNode | None:
        """Return the pruned selection set, or ``None`` if it is empty. ``parent`` is the type, or "" if unknown."""
        remaining = [
            one for selection in node.selections if (one := self._selection(selection, parent, path)) is not None
        ]
        return SelectionSetNode(selections=tuple(remaining)) if remaining else None

    def _selection(self, node: SelectionNode, parent: str, path: str) -> SelectionNode | None:
        if isinstance(node, FieldNode):
            return self._field(node, parent, path)
        if isinstance(node, InlineFragmentNode):
            return self._inline(node, parent, path)
        assert isinstance(node, FragmentSpreadNode)  # noqa: S101  (there are three kinds of selections)
        fragment = self.fragments.get(node.name.value)
        if fragment is None or self._excludes(parent, fragment.type_condition.name.value, path):
            self.changed = True
            return None
        return node

    def _field(self, node: FieldNode, parent: str, path: str) -> FieldNode | None:
        name = node.name.value
        if name.startswith("__"):
            return node
        key = f"{path}.{name}"
        if self._lacks(node, parent, key):
            self.changed = True
            if (older := self.substitutes.get(name)) is not None:
                return self._field(_renamed(node, older), parent, path)
            self.dropped.add(f"{parent}.{name}" if parent else key)
            return None
        if (needed := SCOPES.get(parent)) is not None and not needed & self.limits.scopes:
            self.changed = True
            return None
        if node.selection_set is None:
            return node
        info = self._info(parent)
        below = info.fields[name].named_type if info is not None else ""
        selection_set = self._selections(node.selection_set, below, key)
        if selection_set is None:
            self.changed = True
            return None
        return _with(node, selection_set)

    def _lacks(self, node: FieldNode, parent: str, key: str) -> bool:
        """Return whether the server lacks this field, or does not accept its arguments."""
        name, refused = node.name.value, self.limits.refused
        arguments = {one.name.value for one in node.arguments}
        if key in refused or f"{parent}.{name}" in refused:
            return True
        if any(f"*.{name}({argument})" in refused for argument in arguments):
            return True
        info = self._info(parent)
        return info is not None and (name not in info.fields or not arguments <= info.fields[name].arguments)

    def _inline(self, node: InlineFragmentNode, parent: str, path: str) -> InlineFragmentNode | None:
        name = node.type_condition.name.value if node.type_condition else parent
        if self._is_absent(name):
            self.changed = True
            self.dropped.add(name)
            return None
        if self._excludes(parent, name, path):
            self.changed = True
            self.dropped.add(f"{parent}...{name}" if parent else f"{path}...{name}")
            return None
        selection_set = self._selections(node.selection_set, name, name if node.type_condition else path)
        return None if selection_set is None else _with(node, selection_set)

    def _is_absent(self, name: str) -> bool:
        schema = self.limits.schema
        return f"type:{name}" in self.limits.refused or (schema is not None and name in schema.absent)

    def _excludes(self, parent: str, name: str, path: str) -> bool:
        """Return whether the server refused the fragment, or no object of type ``parent`` can be of type ``name``."""
        if f"{path}...{name}" in self.limits.refused:
            return True
        outer, inner = self._info(parent), self._info(name)
        if outer is None or inner is None or parent == name:
            return False
        if any(one.kind == "UNION" and not one.members for one in (outer, inner)):
            return False  # the members are unknown
        if outer.kind in ABSTRACT and inner.kind in ABSTRACT:
            return not self._share_a_type(outer, inner, parent, name)
        if outer.kind not in ABSTRACT and inner.kind not in ABSTRACT:
            return True
        (abstract, abstract_name), (concrete, concrete_name) = sorted(
            ((outer, parent), (inner, name)), key=lambda pair: pair[0].kind not in ABSTRACT
        )
        return concrete_name not in abstract.members and abstract_name not in concrete.interfaces

    def _share_a_type(self, one: TypeInfo, other: TypeInfo, name: str, other_name: str) -> bool:
        """Return whether some type may belong to both abstract types. Return True if this is unknown."""
        schema = self.limits.schema
        if schema is None or one.kind == other.kind == "INTERFACE":
            return True
        union, of = (one, other_name) if one.kind == "UNION" else (other, name)
        members = [schema.types.get(member) for member in union.members]
        if one.kind == other.kind:
            return bool(set(one.members) & set(other.members))
        return any(member is None or of in member.interfaces for member in members)

    def _info(self, name: str) -> TypeInfo | None:
        """Return a type, or ``None`` if it is unknown. Unknown names are collected for the next introspection."""
        schema = self.limits.schema
        if schema is None or not name:
            return None
        if not schema.knows(name):
            self.missing.add(name)
        return schema.types.get(name)


def _renamed(node: FieldNode, name: str) -> FieldNode:
    """Return a selection of the field ``name`` with the original field's name as its alias."""
    other = copy.copy(node)
    other.alias = node.alias or node.name
    other.name = NameNode(value=name)
    return other


def _is_idle(left: SelectionSetNode, before: OperationDefinitionNode) -> bool:
    """Return whether pruning removed everything except the query cost and the viewer."""
    names = {one.name.value for one in left.selections if isinstance(one, FieldNode)}
    return names <= {"rateLimit", "viewer"} and len(left.selections) < len(before.selection_set.selections)


class _Names(Visitor):
    """Collects the names of fragments and variables that a syntax tree uses."""

    def __init__(self) -> None:
        super().__init__()
        self.fragments: set[str] = set()
        self.variables: set[str] = set()

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        """Collect the name of a fragment."""
        self.fragments.add(node.name.value)

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        """Collect the name of a variable."""
        self.variables.add(node.name.value)


def _used(node: OperationDefinitionNode | FragmentDefinitionNode) -> _Names:
    names = _Names()
    visit(node.selection_set, names)
    return names


def _reached(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> set[str]:
    """Return the names of all fragments that an operation spreads, directly or through other fragments."""
    reached = set[str]()
    waiting: list[OperationDefinitionNode | FragmentDefinitionNode] = [operation]
    while waiting:
        new = _used(waiting.pop()).fragments - reached
        reached |= new
        waiting += [fragments[name] for name in new]
    return reached
