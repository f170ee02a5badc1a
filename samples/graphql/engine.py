"""Run GraphQL queries: parse, validate and execute them, and return errors in GitHub's format."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from samples.community import SampleCommunity
from samples.graphql.objects import GitDir, Objects

Json = dict[str, Any]


class Engine:
    """Run GraphQL queries on a community. The engine is not thread-safe. The caller must lock the community first."""

    def __init__(self, community: SampleCommunity, git_dir: GitDir) -> None:
        self.objects = Objects(community, git_dir)

    def answer(self, query: str, variables: Json, *, viewer: str, rate: Json) -> Json:
        """Run a query and return the body of the response."""
        try:
            document, faults = _prepared(query)
        except GraphQLError as error:
            return {"errors": [{"message": f"Parse error: {error.message}"}]}
        if faults:
            return {"errors": list(faults)}
        result = execute_sync(
            _schema(),
            document,
            root_value=self.objects.query(viewer, rate),
            variable_values=variables,
            field_resolver=_resolve,
            type_resolver=_type_of,
        )
        answer: Json = {"data": result.data}
        if result.errors:
            answer["errors"] = [_error(error) for error in result.errors]
        return answer


@lru_cache(maxsize=1)
def _schema() -> GraphQLSchema:
    """Return the schema, with ``Int`` values that may exceed 32 bits and ``BigInt`` values as strings, as on GitHub."""
    schema = build_schema((Path(__file__).parent / "schema.graphql").read_text("utf-8"))
    for name, write in (("Int", int), ("BigInt", str)):
        scalar = schema.get_type(name)
        assert isinstance(scalar, GraphQLScalarType)  # noqa: S101  (the schema has both)
        scalar.serialize = write  # pyright: ignore[reportAttributeAccessIssue]  # meant to be replaced
    return schema


@lru_cache(maxsize=100)
def _prepared(query: str) -> tuple[DocumentNode, tuple[Json, ...]]:
    document = parse(query)
    return document, tuple(
        {
            "message": fault.message,
            "locations": [{"line": place.line, "column": place.column} for place in fault.locations or ()],
        }
        for fault in validate(_schema(), document)
    )


def _resolve(source: Json, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    """Return the value of a field. If the dictionary contains a function, call it with the arguments of the field."""
    value = source.get(info.field_name)
    return value(**arguments) if callable(value) else value


def _type_of(value: Json, _info: GraphQLResolveInfo, _abstract: object) -> str:
    return value["__typename"]


def _error(error: GraphQLError) -> Json:
    kind = (error.extensions or {}).get("type")
    return {**({"type": kind} if kind else {}), "path": error.path, "message": error.message}
