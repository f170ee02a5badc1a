"""Tests of the fields of issues, releases and repositories, except texts."""

from typing import Any

import pytest

from github_activity_tracker.convert.issues import convert_issues
from github_activity_tracker.convert.planning import convert_releases
from github_activity_tracker.convert.repositories import repository_row_of_facts
from github_activity_tracker.models import Account, Issue, Repository
from github_activity_tracker.store.repositories import store_repository
from github_activity_tracker.tests.test_collect import Collect
from samples.server import SampleServer

TIMES = {"created_at": "2025-03-02T08:10:00Z", "updated_at": "2025-03-02T08:10:00Z"}
ISSUE = {
    "id": 1, "number": 3, "title": "t", "state": "open", "user": None, **TIMES,
    "html_url": "https://github.com/o/r/issues/3",
}  # fmt: skip
FACTS = {"id": "R_1", "databaseId": 5, "nameWithOwner": "o/r", "url": "https://github.com/o/r", "owner": None}


def issue_row(**more: Any) -> Any:
    page = convert_issues([ISSUE | more], 5)
    assert page.malformed == []
    return page.records[0].row


@pytest.mark.django_db(transaction=True)
def test_types_summaries_closers_and_apps_are_stored(server: SampleServer, collect: Collect) -> None:
    repo = server.community.repository(server.truth()["full_name"])
    issue = next(one for one in repo.issues.values() if one.pull is None)
    issue.type, issue.app, issue.sub_issues, issue.blocked_by = "Bug", "some-bot", (4, 1), 2
    issue.closed_by = next(iter(server.community.accounts))
    collect()
    row = Issue.objects.get(pk=issue.id)
    assert (row.issue_type, row.performed_via_github_app, row.closed_by_id) == ("Bug", "some-bot", issue.closed_by)
    assert row.sub_issues_summary == {"total": 4, "completed": 1, "percent_completed": 25}
    assert row.issue_dependencies_summary["blocked_by"] == 2
    before = list(Issue.objects.order_by("pk").values_list())
    collect("--full")
    assert list(Issue.objects.order_by("pk").values_list()) == before


@pytest.mark.parametrize("odd", ["Bug", 7, [], {"name": None}, {"name": {}}, {}])
def test_an_odd_type_or_app_costs_no_issue(odd: object) -> None:
    row = issue_row(type=odd, performed_via_github_app=odd)
    assert row["issue_type"] is None
    assert row["performed_via_github_app"] is None


def test_a_server_that_lacks_the_fields_leaves_them_unknown() -> None:
    row = issue_row()
    names = (
        "issue_type",
        "sub_issues_summary",
        "issue_dependencies_summary",
        "closed_by_id",
        "performed_via_github_app",
    )
    assert {row[name] for name in names} == {None}


def test_reactions_of_releases_are_counted() -> None:
    release = {"id": 1, "tag_name": "v1", "reactions": {"total_count": 3, "+1": 2, "eyes": 1, "heart": 0}, **TIMES}
    (record,) = convert_releases([release, release | {"id": None}], 5).records
    assert record.row["reactions"] == {"+1": 2, "eyes": 1}


@pytest.mark.django_db(transaction=True)
def test_rest_and_graphql_say_the_same_of_a_repository(server: SampleServer, collect: Collect, settings: Any) -> None:
    repo = server.community.repository(server.truth()["full_name"])
    repo.parent = (77, "someone/original")
    collect("--streams", "labels")
    names = (
        "homepage", "visibility", "license_id", "license_name", "has_issues", "has_projects", "has_wiki", "is_template",
        "disabled", "parent_id", "parent_full_name", "source_id", "source_full_name", "fork",
    )  # fmt: skip
    by_graphql = Repository.objects.values(*names).get()
    assert (by_graphql["license_id"], by_graphql["parent_id"], by_graphql["source_full_name"]) == (
        "MIT", 77, "someone/original",
    )  # fmt: skip
    settings.GITHUB_TOKENS = []
    collect("--streams", "labels")
    assert Repository.objects.values(*names).get() == by_graphql
    assert Repository.objects.get().has_pages is False
    settings.GITHUB_TOKENS = [server.token()]
    collect("--streams", "labels")
    assert Repository.objects.get().has_pages is False  # from REST, because GraphQL has no such field
    assert not Account.objects.filter(pk=77).exists()


@pytest.mark.django_db
def test_facts_that_a_server_does_not_show_stay_as_they_were() -> None:
    shown = {"homepageUrl": "https://example.org", "visibility": "PRIVATE", "licenseInfo": None, "isFork": True,
             "parent": {"databaseId": 3, "nameWithOwner": "a/b", "isFork": True}}  # fmt: skip
    store_repository(repository_row_of_facts(FACTS | shown))
    store_repository(repository_row_of_facts(dict(FACTS)))
    row = Repository.objects.get()
    assert (row.homepage, row.visibility, row.license_id) == ("https://example.org", "private", None)
    assert (row.parent_id, row.source_id, row.has_wiki) == (3, None, None)
    store_repository(repository_row_of_facts(FACTS | {"isFork": False, "homepageUrl": ""}))
    row.refresh_from_db()
    assert (row.homepage, row.parent_id, row.parent_full_name) == (None, None, None)
