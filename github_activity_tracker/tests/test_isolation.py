"""Tests that a failing stream or repository does not affect the others."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.models import Scope, SkippedItem
from core.operations.http import Response, Transport
from github_activity_tracker.collector import repository as repository_run
from github_activity_tracker.models import Issue, IssueComment
from github_activity_tracker.tests.test_collect import Collect, expected_bodies, stored_bodies
from github_activity_tracker.tests.test_refusals import both as both
from github_activity_tracker.tests.test_refusals import exit_code, scopes
from samples import SAMPLE_REPOSITORY, SECOND_REPOSITORY
from samples.server import SampleServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
Both = tuple[SampleServer, Collect]
Spoil = Callable[[str, object], None]


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> Spoil:
    """Return a function that takes a text and a replacement for responses.

    The replacement is a new JSON body, or a function that returns a changed JSON body. It applies to successful
    responses to requests that contain the text in their URL or body.
    """
    once = Transport._once
    spoiled: dict[str, object] = {}

    def spoiling(
        self: Transport, method: str, url: str, headers: Any, params: Any, body: object, total: float
    ) -> Response:
        answer = once(self, method, url, headers, params, body, total)
        for text, other in spoiled.items():
            if text in f"{url} {json.dumps(body)}" and answer.status == 200:
                changed = other(json.loads(answer.body)) if callable(other) else other
                return replace(answer, body=json.dumps(changed).encode())
        return answer

    monkeypatch.setattr(Transport, "_once", spoiling)
    return spoiled.__setitem__


def reason_of(result: dict[str, Any], name: str) -> str:
    return next(scope["reason"] for scope in result["scopes"] if scope["scope"] == name)


@pytest.mark.parametrize(
    ("path", "kind", "stream"),
    [
        (r"/pulls/comments", "502", "review_comments"),
        (r"/issues\?", "500", "issues"),
        (r"/milestones", "422", "milestones"),
    ],
)
def test_a_list_that_keeps_failing_blocks_no_stream_behind_it(
    server: SampleServer, collect: Collect, path: str, kind: str, stream: str
) -> None:
    server.fail(kind, path, times=None)
    result = collect()
    assert (result["outcome"], result["skipped"]) == ("partial", 1)
    assert f"{stream} (" in result["scopes"][0]["reason"]
    assert kind in result["scopes"][0]["reason"]
    assert list(SkippedItem.objects.values_list("stream", flat=True)) == [stream]
    assert {name for name, rows in stored_bodies().items() if not rows} <= {stream}
    server.clear_faults()
    assert collect()["outcome"] == "succeeded"
    assert SkippedItem.objects.get().cleared_at
    assert stored_bodies() == expected_bodies(server)


@pytest.mark.parametrize(
    ("part", "answer"),
    [
        ("/issues/comments", {"message": "odd"}),
        ("/labels", [None, 7, "label", {"id": "x"}]),
        ("...PullEvent", {"data": {"node": {"pullRequests": {"edges": 3}}}}),
        ("issues(first: $first", {"data": {"node": {"issues": {"edges": [{}], "pageInfo": None}}}}),
        ("issues(first: $first", {"errors": [None]}),
    ],
)
def test_an_undocumented_answer_costs_its_stream_alone(
    server: SampleServer, collect: Collect, spoil: Spoil, part: str, answer: object
) -> None:
    spoil(part, answer)
    result = collect()
    assert result["outcome"] == "partial"
    assert not any(word in result["scopes"][0]["reason"] for word in ("KeyError", "TypeError", "'NoneType'"))
    assert Issue.objects.count() == len(expected_bodies(server)["issues"])


@pytest.mark.parametrize(
    "answer",
    [{"data": {}}, {"errors": [None]}, {"data": None}, None, [], "text", {"data": {"r0": 5, "r1": "x"}}],
    ids=str,
)
def test_an_odd_answer_about_all_repositories_costs_none_of_them_their_lists(
    both: Both, spoil: Spoil, answer: object
) -> None:
    spoil("...Facts", answer)
    result = both[1]("--streams", "issues,labels,pulls")
    assert set(scopes(result)) == {SAMPLE_REPOSITORY, SECOND_REPOSITORY}
    assert "failed" not in scopes(result).values()
    assert Issue.objects.filter(repository__full_name=SAMPLE_REPOSITORY).exists()


def without(name: str) -> Callable[[Any], Any]:
    return lambda answer: _changed(answer, lambda facts: facts.pop(name))


def other(**values: object) -> Callable[[Any], Any]:
    return lambda answer: _changed(answer, lambda facts: facts.update(values))


def _changed(answer: Any, change: Callable[[dict[str, Any]], object]) -> Any:
    """Return the response with changed facts of the sample repository."""
    for facts in answer["data"].values():
        if isinstance(facts, dict) and facts.get("nameWithOwner") == SAMPLE_REPOSITORY:
            change(facts)
    return answer


@pytest.mark.parametrize(
    "change",
    [
        without("id"), other(issues=None), other(databaseId=10**30), other(stargazerCount=10**30),
        other(issues={"totalCount": 1, "nodes": [{"updatedAt": "soon"}]}), other(primaryLanguage="C"),
    ],
)  # fmt: skip
def test_odd_facts_of_one_repository_are_reported_and_it_is_read_all_the_same(
    both: Both, spoil: Spoil, change: Callable[[Any], Any]
) -> None:
    spoil("...Facts", change)
    result = both[1]("--streams", "issues,pulls")
    assert scopes(result) == {SAMPLE_REPOSITORY: "partial", SECOND_REPOSITORY: "succeeded"}
    assert "facts (unexpected_answer)" in reason_of(result, SAMPLE_REPOSITORY)
    assert Issue.objects.filter(repository__full_name=SAMPLE_REPOSITORY, is_pull_request=True).exists()
    assert list(SkippedItem.objects.values_list("stream", "cleared_at")) == [("facts", None)]


def test_facts_that_fail_over_both_apis_cost_a_known_repository_nothing_but_them(
    server: SampleServer, collect: Collect, spoil: Spoil
) -> None:
    collect()
    comment = next(iter(server.truth()["issue_comments"]))
    server.edit_comment(comment, "later", at="2020-06-01T00:00:00Z")
    spoil("...Facts", {"data": {}})
    server.fail("502", r"/repositories/\d+$", times=None)
    result = collect()
    assert result["outcome"] == "partial"
    assert IssueComment.objects.get(pk=comment).body == "later"


@pytest.mark.parametrize("step", ["reconcile", "retry_skipped", "find_authors", "readings_to_save"])
def test_a_step_beside_the_streams_costs_itself_alone(
    server: SampleServer, collect: Collect, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def hostile(*_: object, **__: object) -> None:
        raise KeyError("id")

    monkeypatch.setattr(repository_run, step, hostile)
    result = collect()
    assert result["outcome"] == "partial"
    assert stored_bodies() == expected_bodies(server)
    assert SkippedItem.objects.count() == 1
    assert "KeyError" not in result["scopes"][0]["reason"]
    monkeypatch.undo()


def test_a_source_that_is_gone_is_not_asked_for_every_stream_of_every_repository(
    both: Both, settings: Any, capsys: Any
) -> None:
    settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = "http://127.0.0.1:9"
    names = [f"some-owner/name-{place}" for place in range(30)]
    result = both[1](*names)
    assert result["outcome"] == "failed"
    assert result["requests"] <= 40
    assert "more repositories must wait for the next run" in result["scopes"][-1]["reason"]
    assert exit_code(*names) == 1


def test_a_repository_in_which_every_list_fails_stops_no_other(both: Both) -> None:
    server, collect = both
    number = r"/(repositories/4900000001|repos/" + SAMPLE_REPOSITORY + ")/"
    server.fail("503", number, times=None)
    result = collect()
    assert scopes(result) == {SAMPLE_REPOSITORY: "partial", SECOND_REPOSITORY: "succeeded"}
    assert Scope.objects.get(name=SECOND_REPOSITORY).last_completed_at


def test_a_folder_for_clones_that_cannot_be_used_costs_the_commits_alone(
    server: SampleServer, collect: Collect, settings: Any, tmp_path: Path
) -> None:
    settings.WORKSPACE_DIR = tmp_path / "file"
    settings.WORKSPACE_DIR.write_text("not a folder")
    result = collect()
    assert (result["outcome"], result["skipped"]) == ("partial", 1)
    assert "commits (configuration): git must be installed, and WORKSPACE_DIR" in result["scopes"][0]["reason"]
    assert stored_bodies() == expected_bodies(server)


def test_nothing_read_at_all_is_a_failure(server: SampleServer, collect: Collect) -> None:
    server.fail("403", r"/labels", times=None)
    name = server.truth()["full_name"]
    assert exit_code(name, "--streams", "labels") == 1
    assert exit_code(name, "--streams", "labels,issues") == 3


@pytest.mark.parametrize(
    ("streams", "more"),
    [("issues", ()), ("labels", ()), ("issue_comments,pulls", ("--reconcile",)), ("issues", ("--reconcile",))],
)
def test_streams_that_were_not_requested_cause_no_warning(
    server: SampleServer, collect: Collect, caplog: Any, streams: str, more: tuple[str, ...]
) -> None:
    for _ in range(2):
        result = collect("--streams", streams, *more)
        assert (result["outcome"], result["skipped"], result["scopes"][0]["reason"]) == ("succeeded", 0, "")
        assert set(result["counts"]) <= {f"{name}{end}" for name in streams.split(",") for end in ("", "_inserted")} | {
            "reviews", "reviews_inserted", "events", "events_inserted", "reconcile_requests",
        }  # fmt: skip
    assert [record.message for record in caplog.records if record.levelname in {"WARNING", "ERROR"}] == []
