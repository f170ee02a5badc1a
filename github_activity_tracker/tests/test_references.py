"""Tests of finding items, comments, commits, branches, releases and people by the references in a query."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.models import Document
from core.search.filters import NO_FILTERS, Filters
from core.search.query.exact import find_exact
from core.search.query.search import search
from core.search.query.text import clean_query
from github_activity_tracker.models import (
    Account,
    Commit,
    Discussion,
    FormerName,
    GitRef,
    Issue,
    IssueComment,
    PullRequest,
    Release,
    Repository,
    Review,
    ReviewComment,
)
from tests.support.conversation_fixtures import store_document

pytestmark = pytest.mark.django_db
NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)
SHA = "3e8f1a2b456789abcdef0123456789abcdef0123"
PULL, ISSUE, TOPIC = "github:pull_request:7:12", "github:issue:7:11", "github:discussion:7:13"
OTHER, COMMIT, RELEASE = "github:issue:8:12", f"github:commit:7:{SHA}", "github:release:51"
ROOT = "https://github.com/saltmarsh/tide"


@pytest.fixture(autouse=True)
def _repositories() -> None:
    """Store items of two repositories and their documents. The second repository has an older item 12."""
    ann = Account.objects.create(id=3, login="Ann-Quay", kind="User")
    tide = Repository.objects.create(id=7, full_name="saltmarsh/tide", html_url=ROOT)
    boat = Repository.objects.create(id=8, full_name="Harbour/boat")
    FormerName.objects.create(repository=tide, full_name="saltmarsh/ebb", noticed_at=NOON)
    times: dict[str, Any] = {"created_at": NOON, "updated_at": NOON}
    common: dict[str, Any] = {"repository": tide, "author": ann, **times}
    Issue.objects.create(id=1, number=12, is_pull_request=True, title="Popup", state="open", **common)
    Issue.objects.create(id=2, number=11, is_pull_request=False, title="Wrong", state="open", **common)
    Issue.objects.create(
        id=3, number=12, is_pull_request=False, title="Leak", state="open", repository=boat,
        created_at=NOON, updated_at=NOON - timedelta(days=1),
    )  # fmt: skip
    Discussion.objects.create(id=4, number=13, title="Ideas", **common)
    remark: dict[str, Any] = {"pull_number": 12, "path": "src/popup.cpp"}
    IssueComment.objects.create(id=21, issue_number=11, html_url=f"{ROOT}/issues/11#issuecomment-21", **common)
    ReviewComment.objects.create(id=41, html_url=f"{ROOT}/pull/12#discussion_r41", **remark, **common)
    Review.objects.create(id=31, pull_number=12, html_url=f"{ROOT}/pull/12#pullrequestreview-31", **common)
    Commit.objects.create(repository=tide, sha=SHA, message="Fix", committed_at=NOON - timedelta(days=2), author=ann)
    Release.objects.create(id=51, repository=tide, tag_name="v1.2.0", **times)
    GitRef.objects.create(repository=tide, name="refs/heads/release/1.2", sha=SHA)
    PullRequest.objects.create(id=61, repository=tide, number=12, head_ref="fix/popup", updated_at=NOON)
    for name, urls in {
        PULL: ("", "#discussion_r41", "#pullrequestreview-31"), ISSUE: ("", "#issuecomment-21"),
        TOPIC: ("",), OTHER: ("",), COMMIT: ("",), RELEASE: ("",),
    }.items():  # fmt: skip
        scope, kind = ("harbour/boat" if name == OTHER else "saltmarsh/tide"), name.split(":")[1]
        store_document(name, f"Title {name[-2:]}", *("some words" for _ in urls), scope=scope, kind=kind)
        document = Document.objects.get(external_id=name)
        for ordinal, anchor in enumerate(urls):
            path = "pull/12" if kind == "pull_request" else "issues/11"
            document.chunks.filter(ordinal=ordinal).update(url=f"{ROOT}/{path}{anchor}")


def leading(words: str, **conditions: object) -> list[str]:
    filters = Filters(**conditions)  # pyright: ignore[reportArgumentType]  # as the test writes them
    names = dict(Document.objects.values_list("pk", "external_id"))
    return [names[hit.document] for hit in find_exact(words, filters) if hit.leads]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("#12", [PULL, OTHER]),
        (" 12 ", [PULL, OTHER]),
        ("12?", [PULL, OTHER]),
        ("issue 12", [OTHER, PULL]),
        ("issue #12", [OTHER, PULL]),
        ("PR 12", [PULL, OTHER]),
        ("pull request 12", [PULL, OTHER]),
        ("discussion 13", [TOPIC]),
        ("GH-11", [ISSUE]),
        ("boat#12", [OTHER]),
        ("HARBOUR/Boat#12", [OTHER]),
        ("saltmarsh/ebb#11", [ISSUE]),
        ("unknown/name#11", []),
        ("#999", []),
        ("pull/12", [PULL, OTHER]),
        ("saltmarsh/tide/issues/11", [ISSUE]),
        (f"{ROOT}/pull/12", [PULL]),
        (f"({ROOT}/pull/12/files?w=1#diff-0).", [PULL]),
        (f"{ROOT}/issues/12", [PULL]),
        ("www.github.com/saltmarsh/ebb/discussions/13", [TOPIC]),
        (f"{ROOT}/commit/{SHA[:9]}", [COMMIT]),
        (f"{ROOT}/pull/12/commits/{SHA}", [COMMIT, PULL]),
        (f"{ROOT}/releases/tag/v1.2.0", [RELEASE]),
        ("https://github.com.example.org/saltmarsh/tide/pull/12", []),
        (SHA, [COMMIT]),
        (SHA[:7].upper(), [COMMIT]),
        (f"saltmarsh/tide@{SHA[:8]}", [COMMIT]),
        (f"harbour/boat@{SHA[:8]}", []),
        ("1.2.0", [RELEASE]),
        ("release v1.2.0", [RELEASE]),
        ("release/1.2", [COMMIT]),
        ("branch fix/popup", [PULL]),
        ("@ann-quay", [PULL, ISSUE, TOPIC, COMMIT]),
        ("@nobody", []),
    ],
)
def test_a_reference_leads_to_its_documents(words: str, expected: list[str]) -> None:
    found = leading(words)
    assert sorted(found) == sorted(expected) if words.startswith("@") else found == expected


def test_numbers_in_a_sentence_are_not_items() -> None:
    assert leading("fails after 12 minutes") == leading("the top 12 list") == leading("version 12 of the draft") == []
    assert leading("why does #11 crash on start") == [ISSUE]


@pytest.mark.parametrize(
    ("anchor", "document", "ordinal"),
    [
        ("issues/11#issuecomment-21", ISSUE, 1),
        ("pull/12#discussion_r41", PULL, 1),
        ("pull/12/files#r41", PULL, 1),
        ("pull/12#pullrequestreview-31", PULL, 2),
        ("pull/12#issuecomment-999", PULL, 0),
    ],
)
def test_the_url_of_a_comment_shows_the_comment(anchor: str, document: str, ordinal: int) -> None:
    (result, *_) = search(f"{ROOT}/{anchor}", mode="text")
    assert (result.external_id, result.ordinal) == (document, ordinal)


def test_the_host_of_github_enterprise_comes_from_the_settings(settings: Any) -> None:
    assert leading("https://git.example.org/saltmarsh/tide/pull/12") == []
    settings.GITHUB_GIT_URL = "https://git.example.org"
    assert leading("https://git.example.org/saltmarsh/tide/pull/12") == [PULL]


def test_filters_narrow_a_number_and_deleted_items_are_left_out() -> None:
    assert leading("#12", scope="harbour/boat") == [OTHER]
    assert leading("#12", source="discord") == []
    Issue.objects.filter(pk=1).update(deleted_at=NOON)
    assert leading("#12") == [OTHER]


def test_a_number_of_many_repositories_needs_few_statements() -> None:
    for n in range(100, 160):
        repository = Repository.objects.create(id=n, full_name=f"fleet/boat{n}")
        Issue.objects.create(
            id=n, number=12, is_pull_request=False, title="Leak", state="open", repository=repository,
            created_at=NOON, updated_at=NOON + timedelta(days=n),
        )  # fmt: skip
        store_document(f"github:issue:{n}:12", "Leak", "a leak", scope=f"fleet/boat{n}")
    with CaptureQueriesContext(
        connection,
    ) as statements:
        found = leading("#12")
    assert len(found) == 50
    assert found[0] == "github:issue:159:12"
    assert len(statements) <= 8
    assert leading("#12", scope="fleet/boat100") == ["github:issue:100:12"]
    assert len(leading("why does #12 leak in the harbour")) == 3


ODD = ["#12", "12", "issue ", "GH-", "https://github.com/", "saltmarsh/tide", "/pull/", "#issuecomment-", "9" * 30, "@",
       "[", "%zz", "https://[", ":", SHA[:7], "v1.2.0", "branch ", "\x00"]  # fmt: skip


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(ODD), max_size=6).map("".join))
def test_any_text_is_a_valid_query(text: str) -> None:
    find_exact(clean_query(text), NO_FILTERS)


@pytest.mark.parametrize("words", ["#11", f"{ROOT}/issues/11#issuecomment-21", "why does #11 crash"])
def test_the_item_is_the_first_result_of_the_page_and_of_the_command(words: str, admin_client: Client) -> None:
    store_document(
        "github:issue:7:77", "See 11 and 11", f"11 why 11 does 11 crash, see {ROOT}/issues/11#issuecomment-21"
    )
    page = admin_client.get("/admin/search/", {"q": words}).content.decode()
    assert page.index("Title 11") < page.index("See 11 and 11")
    out = StringIO()
    call_command("search", words, stdout=out)
    assert out.getvalue().startswith("1. Title 11")


def test_only_a_query_with_other_words_needs_a_vector(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr("core.search.query.search.serving", lambda: calls.append("vector"))
    assert [result.external_id for result in search("#11, #13")[:2]] == [ISSUE, TOPIC]
    assert calls == []
    assert search("does #11 crash")[0].external_id == ISSUE
    assert calls == ["vector"]
