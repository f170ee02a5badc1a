"""Tests of servers with a GraphQL schema that is older or newer than expected, that changes, or that cannot be read."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.models import Activity
from github_activity_tracker.models import Issue, PullRequest, TimelineEvent
from github_activity_tracker.tests.test_collect import Collect
from tests.support.github_twin import SPARSE, Twin, differences

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.twin,
    pytest.mark.slow,
]
OLD = [
    "SubIssueAddedEvent", "SubIssueRemovedEvent", "ParentIssueAddedEvent", "PullRequest.reviewDecision",
    "PullRequest.fullDatabaseId", "PullRequestReview.fullDatabaseId", "PullRequest.totalCommentsCount", "Discussion",
    "Mannequin", "Repository.hasDiscussionsEnabled", "ReactionGroup.reactors", "ClosedEvent.stateReason",
    "RequestedReviewer", "RateLimit", "Bot.databaseId", "MergedEvent.mergeRefName",
]  # fmt: skip
"""Types and fields that older servers lack. In these tests, one server lacks all of them."""
NEW = [
    "BlockedByAddedEvent", "IssueTypeAddedEvent", "ProjectV2ItemStatusChangedEvent", "NeverSeenBeforeEvent",
    "Repository.hasPullRequestsEnabled: Boolean!",
]  # fmt: skip
NAMES = ["blocked_by_added", "issue_type_added", "project_v2_item_status_changed", "never_seen_before"]
NO_INTROSPECTION = {
    "kind": "graphql_error",
    "query": r"__type\(",
    "type": "FORBIDDEN",
    "message": "not here",
    "data": None,
}
CLOSED = [{**NO_INTROSPECTION, "every": 1}]
CONFIGURED: dict[str, dict[str, Any]] = {}
"""Configurations of the running twins, by URL."""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    running = Twin(tmp_path_factory.mktemp("schema-twin"), SPARSE)
    yield running
    running.stop()


@pytest.fixture
def server(started: Twin, settings: Any, tmp_path: Path) -> Twin:
    """Return the twin with its recorded data and the published schema."""
    settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = started.url
    settings.GITHUB_TOKENS = ["ghp_alice_1"]
    settings.WORKSPACE_DIR = tmp_path
    reset(started)
    return started


@pytest.fixture
def collect(server: Twin, collect: Collect) -> Collect:
    """Return a function that collects the twin's repository."""
    return lambda *arguments: collect(server.name, *arguments)


def reset(server: Twin, **config: Any) -> None:
    """Undo all changes and faults of the twin, and apply a configuration."""
    server.call("reset", {"data": True})
    server.call("faults", {"rules": []})
    change(server, **{"schema_drop": [], "schema_add": [], "scopes": {}} | config)


def change(server: Twin, **config: Any) -> None:
    """Send only values that differ from the twin's configuration, because the twin needs seconds to load a schema."""
    present = CONFIGURED.setdefault(server.url, {"schema_drop": [], "schema_add": [], "scopes": {}})
    if new := {name: value for name, value in config.items() if present.get(name) != value}:
        server.call("limits", {"config": new})
        present |= new


def events() -> list[tuple[Any, ...]]:
    """Return all stored events."""
    return list(TimelineEvent.objects.order_by("pk").values_list())


def touch(server: Twin) -> None:
    """Edit all issues and pull requests, so that the next run reads every timeline."""
    truth = server.truth()
    for number in [*truth["issues"]["numbers"], *truth["pulls"]["numbers"]]:
        server.call("mutate", {"op": "edit_item", "repo": server.name, "number": number, "body": f"touched {number}"})


def age_the_schema(folder: Path, **time: float) -> None:
    """Change the stored time at which the schema was read, so that the schema has the given age."""
    (file,) = (folder / "github-schema").glob("*.json")
    saved = json.loads(file.read_text())
    file.write_text(json.dumps(saved | {"read_at": (datetime.now(UTC) - timedelta(**time)).isoformat()}))


@pytest.mark.parametrize("forbidden", [False, True], ids=["introspection", "no introspection"])
def test_an_older_server_is_collected_whole_and_what_it_lacks_is_logged_once(
    server: Twin, collect: Collect, forbidden: bool, caplog: pytest.LogCaptureFixture
) -> None:
    reset(server, schema_drop=OLD)
    server.call("faults", {"rules": CLOSED if forbidden else []})
    assert collect("--reconcile")["outcome"] == "succeeded"
    assert differences(server.truth()) == {}
    assert TimelineEvent.objects.filter(event="closed").exists()
    assert PullRequest.objects.exclude(review_decision="").count() == 0
    refused = server.call("stats")["graphql_answers_with_errors"]
    assert refused > 1 if forbidden else refused == 0
    collect("--full", "--streams", "issue_timelines,pulls")
    assert sum("ClosedEvent.stateReason" in record.getMessage() for record in caplog.records) == 1
    assert collect()["requests"] == 2


def test_kinds_of_events_that_we_do_not_know_have_their_time_and_actor_and_stay_as_they_are(
    server: Twin, collect: Collect
) -> None:
    reset(server, schema_add=NEW)
    collect()
    assert differences(server.truth()) == {}
    found = TimelineEvent.objects.filter(event__in=NAMES)
    assert set(found.values_list("event", flat=True)) == set(NAMES)
    for event in found:
        issue = Issue.objects.get(number=event.number)
        activity = Activity.objects.get(external_id=f"github:event:{event.pk}")
        assert event.created_at == activity.occurred_at == issue.created_at
        assert event.actor_id == issue.author_id
        assert activity.actor_external_id == str(event.actor_id or "")
    before = events()
    touch(server)
    collect()
    after = {row[0]: row for row in events()}
    assert [after.get(row[0]) for row in before] == before


def test_a_time_is_never_replaced_by_a_worse_one_and_a_wrong_one_is_corrected(
    server: Twin, collect: Collect, tmp_path: Path
) -> None:
    reset(server, schema_add=NEW)
    server.call("faults", {"rules": CLOSED})
    touch(server)
    collect()
    wrong = dict(TimelineEvent.objects.filter(event__in=NAMES).values_list("pk", "created_at"))
    assert wrong
    server.call("faults", {"rules": []})
    age_the_schema(tmp_path, hours=25)
    collect("--full")
    right = dict(TimelineEvent.objects.filter(event__in=NAMES).values_list("pk", "created_at"))
    assert right.keys() == wrong.keys()
    assert all(right[pk] < wrong[pk] for pk in right)
    before = events()
    server.call("faults", {"rules": CLOSED})
    for file in (tmp_path / "github-schema").glob("*.json"):
        file.unlink()
    collect("--full")
    assert events() == before
    newest = Activity.objects.filter(activity_type="github.event.never_seen_before").values_list(
        "occurred_at", flat=True
    )
    assert set(newest) <= set(right.values())


def test_a_server_that_changes_in_mid_day_is_read_again_and_collected(
    server: Twin, collect: Collect, tmp_path: Path
) -> None:
    collect()
    age_the_schema(tmp_path, hours=2)
    change(server, schema_drop=["PullRequest.isDraft", "HeadRefForcePushedEvent", "Repository.forkCount"])
    touch(server)
    assert collect()["outcome"] == "succeeded"
    assert server.call("stats")["graphql_answers_with_errors"] == 1
    assert differences(server.truth()) == {}


def test_a_limit_on_resources_during_introspection_costs_nothing_but_requests(server: Twin, collect: Collect) -> None:
    rule = {"kind": "graphql_resource_limits", "query": r"__type\(", "times": 2}
    server.call("faults", {"rules": [rule]})
    assert collect()["outcome"] == "succeeded"
    assert differences(server.truth()) == {}


@pytest.mark.parametrize("scopes", [["read:org"], ["admin:org", "repo"]], ids=str)
def test_no_query_is_refused_for_its_scopes(server: Twin, collect: Collect, scopes: list[str]) -> None:
    reset(server, scopes={"*": scopes})
    assert collect("--reconcile")["outcome"] == "succeeded"
    assert differences(server.truth()) == {}
    assert server.call("stats")["graphql_answers_with_errors"] == 0
