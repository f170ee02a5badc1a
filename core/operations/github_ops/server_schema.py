"""The part of a server's GraphQL schema that the query texts use. It is read by introspection.

https://docs.github.com/en/graphql/guides/introspection-and-query-validation
https://spec.graphql.org/October2021/#sec-Introspection
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

ABSTRACT = frozenset({"INTERFACE", "UNION"})
LEAVES = frozenset({"SCALAR", "ENUM"})


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldInfo:
    """A field of a type. ``type`` has the notation of the schema, such as ``[Label!]!``."""

    type: str
    kind: str
    """Kind of the type without list and non-null markers: SCALAR, ENUM, OBJECT, INTERFACE or UNION."""
    arguments: frozenset[str]

    @property
    def named_type(self) -> str:
        """Name of the type without list and non-null markers."""
        return self.type.strip("[]!")


@dataclass(frozen=True, kw_only=True, slots=True)
class TypeInfo:
    """A type with its fields and interfaces. ``members`` are the member types of a union."""

    kind: str
    fields: Mapping[str, FieldInfo]
    interfaces: frozenset[str]
    members: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerSchema:
    """The types that were read from one server, and the names of types that the server lacks."""

    types: Mapping[str, TypeInfo] = field(default_factory=dict[str, TypeInfo])
    absent: frozenset[str] = frozenset()

    def knows(self, name: str) -> bool:
        """Return whether this type was requested from the server."""
        return name in self.types or name in self.absent

    def extended(self, types: Mapping[str, TypeInfo], requested: Collection[str]) -> "ServerSchema":
        """Return this schema with more types. Requested names without a type are recorded as absent."""
        known = {**self.types, **types}
        return ServerSchema(types=known, absent=self.absent | (frozenset(requested) - known.keys()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Extension:
    """Selections to add to a fragment, and missing types that must be read to complete the selections."""

    text: str = ""
    missing: frozenset[str] = frozenset()


Extend = Callable[[ServerSchema, str, Collection[str]], Extension]
"""A function that returns the extension of a fragment.

Its arguments are the schema, the fragment's type and the fragment's existing type conditions.
"""


_FIELDS = """fragment Fields on __Type { kind name interfaces { name } fields(includeDeprecated: true) { name
args { name } type { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } }"""


def introspection_query(names: Sequence[str], unions: Collection[str]) -> str:
    """Return an introspection query for these types. Members of ``unions`` are read with their fields."""
    members = {name: "...Fields" if name in unions else "name" for name in names}
    parts = [
        f't{position}: __type(name: "{name}") {{ ...Fields possibleTypes {{ {selection} }} }}'
        for position, (name, selection) in enumerate(members.items())
    ]
    return f"{{ {' '.join(parts)} }}\n{_FIELDS}"


def read_types(data: Mapping[str, Any], names: Sequence[str]) -> dict[str, TypeInfo]:
    """Return the types, by name, of an answer to ``introspection_query(names, ...)``. Absent types are left out.

    Raises KeyError, TypeError or AttributeError when the answer has another structure.
    """
    types: dict[str, TypeInfo] = {}
    for position in range(len(names)):
        if not (info := data[f"t{position}"]):
            continue
        for member in info.get("possibleTypes") or ():
            if "kind" in member:
                types.setdefault(member["name"], _type(member))
        types[info["name"]] = _type(info)
    return types


def _type(info: Mapping[str, Any]) -> TypeInfo:
    return TypeInfo(
        kind=info["kind"],
        fields={one["name"]: _field(one) for one in info.get("fields") or ()},
        interfaces=frozenset(one["name"] for one in info.get("interfaces") or ()),
        # The members of interfaces are not stored: types name their interfaces, and Node has hundreds of types.
        members=tuple(one["name"] for one in info.get("possibleTypes") or () if info["kind"] == "UNION"),
    )


def _field(info: Mapping[str, Any]) -> FieldInfo:
    text, wrapped = "%s", info["type"]
    while wrapped["kind"] in {"NON_NULL", "LIST"}:
        text %= "%s!" if wrapped["kind"] == "NON_NULL" else "[%s]"
        wrapped = wrapped["ofType"]
    arguments = frozenset(one["name"] for one in info.get("args") or ())
    return FieldInfo(type=text % wrapped["name"], kind=wrapped["kind"], arguments=arguments)


def schema_to_json(schema: ServerSchema) -> dict[str, Any]:
    """Return a schema as a JSON-serializable dictionary."""
    return {
        "absent": sorted(schema.absent),
        "types": {
            name: [
                one.kind, sorted(one.interfaces), list(one.members),
                {key: [of.type, of.kind, *sorted(of.arguments)] for key, of in one.fields.items()},
            ]
            for name, one in schema.types.items()
        },
    }  # fmt: skip


def schema_from_json(stored: Mapping[str, Any]) -> ServerSchema:
    """Return the schema from the result of ``schema_to_json``. Raises ValueError for other values."""
    try:
        types = {str(name): _type_from_json(one) for name, one in stored["types"].items()}
        return ServerSchema(types=types, absent=frozenset(str(name) for name in stored["absent"]))
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError("not a stored schema") from error


def _type_from_json(stored: Any) -> TypeInfo:
    kind, interfaces, members, fields = cast("list[Any]", stored)
    return TypeInfo(
        kind=str(kind),
        interfaces=frozenset(interfaces),
        members=tuple(members),
        fields={
            str(name): FieldInfo(type=str(of[0]), kind=str(of[1]), arguments=frozenset(of[2:]))
            for name, of in fields.items()
        },
    )
