"""Tests of the number of requests for unchanged repositories."""

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any

import pytest

from core.models import Activity, Checkpoint, Scope
from github_activity_tracker.models import Issue, IssueComment, Repository
from github_activity_tracker.tests.test_collect import Collect, fingerprint
from samples import SECOND_REPOSITORY
from samples.community import SampleCommunity
from samples.server import SampleServer
from samples.shapes.accounts import node_id

pytestmark = pytest.mark.django_db(transaction=True)
FLEET = 100


@pytest.fixture
def fleet(serve_community: Callable[..., SampleServer], settings: Any, server: SampleServer) -> SampleServer:
    """Serve a hundred repositories without issues or comments, and return the server."""
    del server  # the settings point to the new server instead
    community = SampleCommunity.load()
    pattern = community.repository(SECOND_REPOSITORY)
    for place in range(FLEET):
        name = f"quiet-{place:03}"
        one = replace(pattern, id=10_000 + place, name=name, issues={}, comments={}, review_comments={}, deleted={})
        community.repositories[one.id] = replace(one, deleted={stream: set[int]() for stream in pattern.deleted})
    running = serve_community(community)
    settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = running.url
    settings.GITHUB_TOKENS = [running.token()]
    return running


def names(server: SampleServer) -> list[str]:
    """Return the names of the hundred repositories."""
    repositories = server.community.repositories
    return [server.community.full_name(repositories[10_000 + place]) for place in range(FLEET)]


def copied(row: Any, **changes: object) -> Any:
    """Return a copy of the row with a new primary key and these changes."""
    other = copy(row)
    other.pk = None
    for name, value in changes.items():
        setattr(other, name, value)
    return other


def as_if_read(server: SampleServer, pattern: str) -> None:
    """Copy the repository ``pattern``, its scope and its checkpoints to each of the other repositories.

    The copies differ only in names and ids.
    """
    others = {10_000 + place: name for place, name in enumerate(names(server)) if name != pattern}
    one, scope = Repository.objects.get(full_name=pattern), Scope.objects.get(name=pattern)
    Repository.objects.bulk_create(
        copied(one, pk=pk, full_name=name, node_id=node_id("R", pk)) for pk, name in others.items()
    )
    Scope.objects.bulk_create(copied(scope, external_id=str(pk), name=name) for pk, name in others.items())
    checkpoints = list(Checkpoint.objects.filter(scope=str(one.pk)))
    Checkpoint.objects.bulk_create(copied(row, scope=str(pk)) for pk in others for row in checkpoints)


@pytest.mark.slow
def test_a_hundred_idle_repositories_cost_three_requests_and_one_that_wakes_is_read(
    fleet: SampleServer, collect: Collect
) -> None:
    every = names(fleet)
    assert collect(every[0])["outcome"] == "succeeded"
    as_if_read(fleet, every[0])
    fleet.reset_log()
    result = collect(*every)
    assert (result["outcome"], len(result["scopes"])) == ("succeeded", FLEET)
    assert len(fleet.requests) <= 3
    assert not Activity.objects.exists()
    number = fleet.add_issue("Awake", repository=every[7])
    collect(*every[5:10])
    assert Issue.objects.get().number == number


def test_at_once_again_costs_six_requests_at_most_and_no_row_is_touched(server: SampleServer, collect: Collect) -> None:
    collect()
    before, versions = (
        fingerprint(),
        list(IssueComment.objects.order_by("pk").extra({"x": "xmin::text"}).values_list("x")),
    )
    server.reset_log()
    collect()
    assert len(server.requests) <= 6
    assert fingerprint() == before
    assert list(IssueComment.objects.order_by("pk").extra({"x": "xmin::text"}).values_list("x")) == versions
