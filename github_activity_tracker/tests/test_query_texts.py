"""Tests that every query is valid for a server with an older, the current or a newer schema."""

import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import (
    GraphQLSchema,
    GraphQLUnionType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    extend_schema,
    graphql_sync,
    parse,
    validate,
    visit,
)

import samples.graphql
from core.errors import NotFound, SliceRefused
from core.operations.github_ops.client import GitHubClient
from core.operations.github_ops.query_fitting import QueryFitter
from github_activity_tracker.fetch import queries
from github_activity_tracker.fetch.commits import fetch_authors
from github_activity_tracker.fetch.nested import REACTIONS_BY_ID as REACTIONS
from github_activity_tracker.fetch.reconcile import fetch_accounts, find_absent_nodes
from github_activity_tracker.fetch.repositories import probe_repositories
from github_activity_tracker.fetch.schema_rules import RULES
from github_activity_tracker.fetch.states import fetch_hidden_states, fetch_review_threads
from github_activity_tracker.fetch.threads import DETAIL, LISTINGS, fetch_thread, fetch_threads
from tests.support.github_twin import SERVE

SAMPLE = Path(samples.graphql.__file__).parent / "schema.graphql"
NEWER = """
type QuestionRaisedEvent implements Node { id: ID! actor: Actor createdAt: DateTime! urgency: Int! reason: Urgency
  label: Label! subject: Issue place: Spot owner: Team detail(first: Int): String tags: [String!]! }
type Spot { name: String! }
enum Urgency { LOW HIGH }
extend union IssueTimelineItems = QuestionRaisedEvent
extend union PullRequestTimelineItems = QuestionRaisedEvent
"""


class Recorder:
    """A substitute for the client. It records the texts of queries instead of sending them."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def query(self, text: str, *_: Any, **__: Any) -> Any:
        """Record the text of a query, and raise NotFound."""
        self.texts.append(text)
        raise NotFound("recorded", reason="not_found")

    graphql = query

    def token_groups(self, names: Sequence[str], tried: Mapping[str, object]) -> list[Any]:
        """Return one group, as if a single token could read everything."""
        return [] if tried else [(SimpleNamespace(key="t"), list(names))]


def emitted() -> list[str]:
    """Return the texts of all queries that a run may send."""
    recorder: Any = Recorder()
    client: GitHubClient = recorder
    for call in (
        lambda: probe_repositories(client, [("o/a", ""), ("o/b", "R_1")]),
        lambda: list(fetch_hidden_states(client, ["IC_1"], "o/a")),
        lambda: list(fetch_review_threads(client, [("PR_1", 1)], "o/a")),
        *(lambda stream=stream: fetch_thread(client, "R_1", stream, "pulls:12", "o/a") for stream in DETAIL),
        lambda: list(fetch_authors(client, "R_1", {"a@b.example": "0" * 40}, "o/a")),
        lambda: find_absent_nodes(client, ["I_1"], "o/a"),
        lambda: fetch_accounts(client, ["U_1"], "o/a"),
        *(lambda stream=stream: list(fetch_threads(client, stream, ["I_1"], "o/a")) for stream in DETAIL),
    ):
        with suppress(NotFound):
            call()
    assert len(recorder.texts) >= 10
    texts = {name: getattr(queries, name) for name in vars(queries) if isinstance(getattr(queries, name), str)}
    whole = [text for text in texts.values() if text.lstrip().startswith(("query", "{"))]
    return [*recorder.texts, REACTIONS, *whole, *_continued()]


def _continued() -> Iterator[str]:
    """Yield the texts of the queries that request further pages of nested connections."""
    nested = [one for listing in LISTINGS.values() for one in listing.nested]
    for one in [*nested, *(one.inner for one in nested if one.inner)]:
        page = one.query % (one.size, ', after: "x"')
        yield f'{{ n0: node(id: "x") {{ ... on {one.of} {{ {page} }} }} rateLimit {{ cost }} }}\n{one.fragments}'


@cache
def present() -> GraphQLSchema:
    """Return the schema of the sample server."""
    return build_schema(SAMPLE.read_text("utf-8"))


def fitted(schema: GraphQLSchema, *, scopes: tuple[str, ...] = ()) -> tuple[dict[str, str], int]:
    """Return the texts that are sent to a server with this schema, by original text.

    Also returns the number of introspection queries. Queries that the schema does not support at all are omitted.
    """
    asked: list[str] = []

    def ask(text: str) -> Mapping[str, Any]:
        asked.append(text)
        return graphql_sync(schema, text).data or {}

    fitter, texts = QueryFitter("u", None, RULES), dict[str, str]()
    for text in emitted():
        fitter.prepare(text, ask)
        try:
            texts[text] = fitter.fit(text, scopes, "t")
        except NotFound:
            continue
    return texts, len(asked)


def faults(schema: GraphQLSchema, texts: Mapping[str, str]) -> set[str]:
    """Validate these queries against a schema, and return the messages of all errors."""
    return {fault.message for text in texts.values() for fault in validate(schema, parse(text))}


def without(sdl: str, dropped: set[str]) -> GraphQLSchema:
    """Return a schema without these types and ``Type.field`` names. The twin makes older schemas with the same code."""
    sys.path.insert(0, str(SERVE.parent))
    try:
        from gql_schema import Without  # pyright: ignore[reportMissingImports, reportUnknownVariableType]  # a twin's module
    finally:
        sys.path.pop(0)
    from graphql import build_ast_schema

    document: Any = visit(parse(sdl), Without(sorted(dropped)))  # pyright: ignore[reportUnknownArgumentType]  # a twin's module
    return build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)


class _Coordinates(Visitor):
    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info, self.found = info, set[str]()

    def enter_field(self, node: Any, *_: object) -> None:
        parent, name = self.info.get_parent_type(), node.name.value
        if parent and not name.startswith("__"):
            self.found.add(f"{parent.name}.{name}")


def coordinates(schema: GraphQLSchema) -> list[str]:
    """Return ``Type.field`` for every field that the queries select."""
    info = TypeInfo(schema)
    visitor = _Coordinates(info)
    for text in emitted():
        visit(parse(text), TypeInfoVisitor(info, visitor))
    return sorted(visitor.found)


def test_the_texts_as_written_fit_the_present_schema_and_cost_one_request_to_know() -> None:
    texts, requests = fitted(present(), scopes=("read:org", "read:project"))
    assert faults(present(), texts) == set()
    assert requests == 1


def test_without_a_scope_no_text_selects_fields_of_teams_or_organisations() -> None:
    texts, _ = fitted(present())
    sent = " ".join(texts.values())
    assert "on Team" not in sent
    assert "on Organization" not in sent
    with_scope, _ = fitted(present(), scopes=("read:org",))
    assert "on Team { slug }" in " ".join(with_scope.values())


def test_a_newer_schema_gives_time_actor_and_words_of_unknown_kinds() -> None:
    schema = extend_schema(present(), parse(NEWER))
    texts, requests = fitted(schema)
    assert faults(schema, texts) == set()
    assert requests <= 2
    sent = texts[queries.ISSUES]
    kind = sent[sent.index("on QuestionRaisedEvent{") :].split("...on ", 1)[0]
    for part in ("createdAt", "actor{...Account}", "urgency", "place{name}", "subject{"):
        assert part in kind
    for part in ("owner", "detail", "tags"):
        assert part not in kind


@pytest.mark.twin
@pytest.mark.parametrize("seed", range(4))
def test_an_older_schema_is_never_sent_a_field_that_it_lacks(seed: int) -> None:
    dice = random.Random(seed)
    names = coordinates(present())
    dropped = set(dice.sample(names, len(names) // 6))
    unions = {name for name, one in present().type_map.items() if isinstance(one, GraphQLUnionType)}
    types = sorted({name.partition(".")[0] for name in names} - RULES.essential - unions)
    dropped |= set(dice.sample(types, 6))
    schema = without(SAMPLE.read_text("utf-8"), dropped)
    texts, _ = fitted(schema)
    assert texts
    assert faults(schema, texts) == set()


@pytest.mark.twin
def test_the_whole_published_schema_is_read_in_one_request_and_fits() -> None:
    sys.path.insert(0, str(SERVE.parent))
    try:
        from gql_schema import load_schema  # pyright: ignore[reportMissingImports, reportUnknownVariableType]
    finally:
        sys.path.pop(0)
    schema: Any = load_schema(SERVE.parent / "schema.graphql.gz", [], ["BlockedByAddedEvent", "NeverSeenEvent"])
    texts, requests = fitted(schema)
    assert faults(schema, texts) == set()
    assert requests <= 2
    assert "on NeverSeenEvent{createdAt actor{...Account}}" in texts[queries.PULLS]


def test_where_nothing_is_known_the_texts_are_sent_as_written_but_for_scopes() -> None:
    fitter = QueryFitter("u", None, RULES)

    def ask(text: str) -> Mapping[str, Any]:
        raise SliceRefused("something went wrong")

    for text in emitted():
        fitter.prepare(text, ask)
        sent = fitter.fit(text, (), "t")
        assert "on Team" not in sent
        assert sent == text or "on Team" in text
