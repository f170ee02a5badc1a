"""Tests of fitting GraphQL queries to a server that lacks fields or types, or that refuses fields to a token."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, graphql_sync, parse, validate

from core.errors import AccessDenied, NotFound, SliceRefused, UnexpectedAnswer
from core.operations.github_ops import query_fitting
from core.operations.github_ops.query_fitting import QueryFitter, TextRules
from core.operations.github_ops.query_rejections import rejections

SDL = """
type Query { repository: Repository node(id: ID!): Node viewer: User rateLimit: RateLimit }
type RateLimit { cost: Int }
interface Node { id: ID! }
interface Actor { login: String! }
type User implements Actor & Node { id: ID! login: String! databaseId: Int }
type Bot implements Actor & Node { id: ID! login: String! databaseId: Int }
type Team implements Node { id: ID! slug: String! }
union Reviewer = User | Team
type Repository implements Node { id: ID! name: String! issues(first: Int, order: Order): Issues
  labels(first: Int): Labels }
input Order { field: OrderField! }
enum OrderField { CREATED UPDATED }
type Labels { totalCount: Int! }
type Issues { nodes: [Issue] totalCount: Int! }
type Issue implements Node { id: ID! title: String! state: String author: Actor reviewer: Reviewer databaseId: Int }
"""
TEXT = """
query ($id: ID!, $first: Int!) {
  repository { name issues(first: $first, order: {field: UPDATED}) { totalCount nodes { ...Fields } }
    labels(first: 1) { totalCount } }
  node(id: $id) { ... on Repository { name } }
  rateLimit { cost }
}
fragment Fields on Issue {
  id title state stateReason fullDatabaseId: databaseId
  author { login ...Account ... on Mannequin { email } }
  reviewer { ... on Node { id } ... on User { login } ... on Team { slug } }
}
fragment Account on Actor { ... on User { databaseId } ... on Bot { databaseId } }
"""
LOCATION = {"line": 3, "column": 3}
RULES = TextRules(types=("Query", "Issue"), substitutes={"uid": "databaseId"})


class Server:
    """A GraphQL server with a replaceable schema. Its responses have the form of GitHub's responses."""

    def __init__(self, sdl: str = SDL) -> None:
        self.schema: GraphQLSchema = build_schema(sdl)
        self.asked: list[str] = []
        self.refusal: Exception | None = None

    def ask(self, text: str) -> Mapping[str, Any]:
        """Return the data of an introspection query, or raise the error in ``refusal``."""
        self.asked.append(text)
        if self.refusal is not None:
            raise self.refusal
        return graphql_sync(self.schema, text).data or {}

    def refuse(self, text: str) -> dict[str, Any]:
        """Return an error response for a query that does not fit the schema, and an empty response otherwise."""
        errors = [
            {
                "message": one.message,
                "locations": [{"line": at.line, "column": at.column} for at in one.locations or ()],
            }
            for one in validate(self.schema, parse(text))
        ]
        return {"errors": errors} if errors else {}


def sent(fitter: QueryFitter, server: Server, text: str = TEXT, scopes: tuple[str, ...] = ()) -> str:
    """Fit a query to the server as the client does, and return the query that the server accepts.

    Raises AssertionError if the server has not accepted the query after 12 attempts.
    """
    for _ in range(12):
        fitter.prepare(text, server.ask)
        fitted = fitter.fit(text, scopes, "t")
        if not fitter.learn(fitted, server.refuse(fitted), "t"):
            assert server.refuse(fitted) == {}
            return fitted
    raise AssertionError("never accepted")


def aged(folder: Path, **changes: Any) -> None:
    """Change values in the file in which the fitter stored the server's schema."""
    (file,) = folder.glob("*.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_fields_and_types_that_a_server_lacks_are_left_out(tmp_path: Path) -> None:
    server = Server()
    text = sent(QueryFitter("u", tmp_path, RULES), server)
    assert "stateReason" not in text
    assert "Mannequin" not in text
    assert "UPDATED" in text


def test_missing_fields_are_logged_once_a_day(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = Server()
    for _ in range(2):
        sent(QueryFitter("u", tmp_path, RULES), server)
    assert caplog.text.count("Issue.stateReason") == 1
    aged(tmp_path, read_at=(datetime.now(UTC) - timedelta(hours=25)).isoformat())
    sent(QueryFitter("u", tmp_path, RULES), server)
    assert caplog.text.count("Issue.stateReason") == 2


def test_a_text_that_fits_is_sent_unchanged(tmp_path: Path) -> None:
    text = "{ viewer { login } rateLimit { cost } }"
    assert sent(QueryFitter("u", tmp_path, RULES), Server(), text) == text


def test_the_schema_is_read_once_a_day(tmp_path: Path) -> None:
    server = Server()
    sent(QueryFitter("u", tmp_path, RULES), server)
    first = len(server.asked)
    sent(QueryFitter("u", tmp_path, RULES), server)
    assert len(server.asked) == first
    aged(tmp_path, read_at=(datetime.now(UTC) - timedelta(hours=25)).isoformat())
    sent(QueryFitter("u", tmp_path, RULES), server)
    assert len(server.asked) == first + 1  # one request for all types that were ever needed
    sent(QueryFitter("another", tmp_path, RULES), server)
    assert len(server.asked) > first + 1


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"url": "u"}', '{"url": "u", "schema": {"types": 3}}', "\0" * 99])
def test_a_damaged_file_is_read_again(tmp_path: Path, damage: str) -> None:
    server = Server()
    sent(QueryFitter("u", tmp_path, RULES), server)
    (file,) = tmp_path.glob("*.json")
    file.write_text(damage)
    before = len(server.asked)
    sent(QueryFitter("u", tmp_path, RULES), server)
    assert len(server.asked) > before
    assert json.loads(file.read_text())["url"] == "u"


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "stateReason" not in sent(QueryFitter("u", tmp_path / "file", RULES), Server())


@pytest.mark.parametrize(
    "refusal", [AccessDenied("no"), UnexpectedAnswer("no field '__type'"), NotFound("no", reason="not_found")]
)
def test_without_introspection_refused_fields_are_left_out_and_stored(
    tmp_path: Path, refusal: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server()
    server.refusal = refusal
    text = sent(QueryFitter("u", tmp_path, RULES), server)
    assert "stateReason" not in text
    assert "Mannequin" not in text
    assert len(server.asked) == 1
    assert caplog.text.count("refused parts") == 1
    again = QueryFitter("u", tmp_path, RULES)
    again.prepare(TEXT, server.ask)
    assert server.refuse(again.fit(TEXT, (), "t")) == {}
    assert len(server.asked) == 1


def test_introspection_is_retried_by_the_next_run_after_a_temporary_failure(tmp_path: Path) -> None:
    server = Server()
    server.refusal = SliceRefused("something went wrong")
    assert "stateReason" not in sent(QueryFitter("u", tmp_path, RULES), server)
    server.refusal, before = None, len(server.asked)
    sent(QueryFitter("u", tmp_path, RULES), server)
    assert len(server.asked) > before


@pytest.mark.parametrize(
    "answer", [{}, {"t0": None, "t1": None}, {"t0": {"name": "Issue"}}, {"t0": 3, "t1": 4}], ids=str
)
def test_an_answer_that_leaves_out_what_every_server_has_is_not_believed(
    tmp_path: Path, answer: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    fitter = QueryFitter("u", tmp_path, TextRules(types=("Query", "Issue"), essential=frozenset({"Query"})))
    fitter.prepare(TEXT, lambda _: answer)
    assert "repository" in fitter.fit(TEXT, (), "t")
    assert "cannot be read" in caplog.text


def test_a_server_that_limits_the_size_of_answers_is_read_in_parts(tmp_path: Path) -> None:
    server, rules = Server(), TextRules(types=("Query", *(f"Unknown{number}" for number in range(40)), "Issue"))
    whole = server.ask

    def ask(text: str) -> Mapping[str, Any]:
        if text.count("__type(") > 12:
            server.asked.append(text)
            raise SliceRefused("RESOURCE_LIMITS_EXCEEDED")
        return whole(text)

    fitter = QueryFitter("u", tmp_path, rules)
    fitter.prepare(TEXT, ask)
    assert server.refuse(fitter.fit(TEXT, (), "t")) == {}
    assert len(server.asked) <= query_fitting.MOST_READS


def test_a_server_that_loses_a_field_in_mid_day_is_read_again_once(tmp_path: Path) -> None:
    server = Server()
    sent(QueryFitter("u", tmp_path, RULES), server)
    aged(tmp_path, read_at=(datetime.now(UTC) - timedelta(hours=2)).isoformat())
    before = len(server.asked)
    server.schema = build_schema(SDL.replace("state: String ", "").replace("labels(first: Int): Labels", ""))
    text = sent(QueryFitter("u", tmp_path, RULES), server)
    assert " state " not in text
    assert "labels" not in text
    assert len(server.asked) == before + 1


@pytest.mark.parametrize("refusal", [SliceRefused("too much"), AccessDenied("no")])
def test_a_server_that_changes_and_hides_its_schema_is_learned_by_its_refusals(
    tmp_path: Path, refusal: Exception
) -> None:
    server = Server()
    sent(QueryFitter("u", tmp_path, RULES), server)
    aged(tmp_path, read_at=(datetime.now(UTC) - timedelta(hours=2)).isoformat())
    server.schema, server.refusal = build_schema(SDL.replace("state: String ", "")), refusal
    before = len(server.asked)
    assert " state " not in sent(QueryFitter("u", tmp_path, RULES), server)
    assert len(server.asked) <= before + 2


def test_a_server_that_gains_a_field_is_used_the_next_day(tmp_path: Path) -> None:
    server = Server()
    sent(QueryFitter("u", tmp_path, RULES), server)
    server.schema = build_schema(SDL.replace("state: String ", "state: String stateReason: String "))
    aged(tmp_path, read_at=(datetime.now(UTC) - timedelta(hours=25)).isoformat())
    assert "stateReason" in sent(QueryFitter("u", tmp_path, RULES), server)


@pytest.mark.parametrize(
    "gone", ["enum OrderField { CREATED UPDATED }", "order: Order", "type Labels { totalCount: Int! }"]
)
@pytest.mark.parametrize("forbidden", [False, True])
def test_arguments_and_words_that_a_server_lacks_cost_their_field_alone(
    tmp_path: Path, gone: str, forbidden: bool
) -> None:
    other = {"enum OrderField { CREATED UPDATED }": "enum OrderField { CREATED }", "order: Order": ""}
    sdl = SDL.replace(gone, other.get(gone, "type Labels { other: Int }"))
    server = Server(sdl)
    server.refusal = AccessDenied("no") if forbidden else None
    text = sent(QueryFitter("u", tmp_path, RULES), server)
    assert ("issues" in text) == gone.startswith("type")
    assert "name" in text


def test_the_older_name_of_a_field_is_used(tmp_path: Path) -> None:
    text = sent(QueryFitter("u", tmp_path, RULES), Server(), "{ repository { issues(first: 1) { nodes { uid } } } }")
    assert "uid:databaseId" in text.replace(" ", "")


def test_nothing_is_sent_when_nothing_is_left(tmp_path: Path) -> None:
    fitter, server = QueryFitter("u", tmp_path, RULES), Server()
    text = "{ discussions { title } rateLimit { cost } }"
    fitter.prepare(text, server.ask)
    with pytest.raises(NotFound) as refused:
        fitter.fit(text, (), "t")
    assert refused.value.reason == "not_supported"


@pytest.mark.parametrize("scope", ["read:org", "admin:org"])
def test_fields_that_need_a_scope_are_requested_with_it_only(tmp_path: Path, scope: str) -> None:
    fitter = QueryFitter("u", tmp_path, RULES)
    assert "slug" not in sent(fitter, Server())
    assert "slug" not in sent(fitter, Server(), scopes=("repo",))
    assert "slug" in sent(fitter, Server(), scopes=(scope,))


def insufficient(text: str, field: str) -> dict[str, Any]:
    """Return GitHub's error response for a field that needs more scopes.

    The error refers to the last occurrence of ``field`` in the query.
    """
    before = text[: text.rindex(field)]
    place = {"line": before.count("\n") + 1, "column": len(before) - before.rfind("\n")}
    message = f"Your token has not been granted the required scopes to execute this query. The '{field}' field requires"
    return {"errors": [{"type": "INSUFFICIENT_SCOPES", "locations": [place], "message": message}], "data": None}


@pytest.mark.parametrize("field", ["state", "totalCount"])
def test_a_field_that_a_token_may_not_read_is_left_out_for_this_token(tmp_path: Path, field: str) -> None:
    server, fitter = Server(), QueryFitter("u", tmp_path, RULES)
    text = "query { repository { issues(first: 1) { nodes { title state } totalCount } } }"
    fitter.prepare(text, server.ask)
    assert fitter.learn(fitter.fit(text, (), "poor"), insufficient(text, field), "poor")
    later = QueryFitter("u", tmp_path, RULES)
    assert field not in later.fit(text, (), "poor")
    assert field in later.fit(text, (), "rich")


@pytest.mark.parametrize(
    ("error", "key"),
    [
        ({"message": "Field 'stateReason' doesn't exist on type 'Issue'", "locations": []}, "Issue.stateReason"),
        ({"message": "No such type SubIssue, so it can't be a fragment condition"}, "type:SubIssue"),
        ({"message": "in words of its own", "locations": [{"line": 3, "column": 16}]}, "Query.repository.name"),
        (
            {"message": "Argument 'field' has an invalid value", "locations": [{"line": 3, "column": 51}]},
            "*.issues(order)",
        ),
    ],
)  # fmt: skip
def test_a_refusal_is_recognized_by_its_message_or_its_location(error: dict[str, Any], key: str) -> None:
    assert key in rejections(TEXT, {"errors": [error]}).lacking


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"repository": None}, "errors": [{"type": "NOT_FOUND", "locations": [LOCATION]}]},
        {"data": None, "errors": [{"message": "Something went wrong", "locations": [LOCATION]}]},
        {"errors": [{"type": "RATE_LIMITED", "message": "limit"}]},
        {"errors": [{"message": "timedout"}]},
        {"errors": [None]},
        {"errors": "none"},
        {},
        None,
        [],
    ],
)  # fmt: skip
def test_other_errors_refuse_nothing(body: object) -> None:
    assert rejections(TEXT, body).lacking == rejections(TEXT, body).scopes == frozenset()


def test_a_server_that_keeps_refusing_the_same_place_is_not_asked_for_ever(tmp_path: Path) -> None:
    fitter, server = QueryFitter("u", tmp_path, RULES), Server()
    fitter.prepare(TEXT, server.ask)
    body = {"errors": [{"message": "no", "locations": [LOCATION]}]}
    assert fitter.learn(TEXT, body, "t")
    assert not fitter.learn(TEXT, body, "t")
