"""Tests of the number, state, labels, visibility and last change of documents."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.models import Document, Scope
from core.search.documents import RenderedDocument
from github_activity_tracker.documents import GitHubDocuments
from github_activity_tracker.models import (
    Account,
    Commit,
    CommitComment,
    Discussion,
    DiscussionComment,
    Issue,
    IssueComment,
    Release,
    Repository,
    Review,
    ReviewComment,
)
from github_activity_tracker.store.repositories import store_repository

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CHANGED = NOON + timedelta(days=3)
SHA = "a" * 40


@pytest.fixture(autouse=True)
def repository() -> Repository:
    return Repository.objects.create(id=7, full_name="saltmarsh/tide", html_url="https://github.com/saltmarsh/tide")


def common(pk: int) -> dict[str, Any]:
    author, _ = Account.objects.get_or_create(id=3, login="ann-quay", kind="User")
    return {"id": pk, "repository_id": 7, "author": author, "body": "Text", "created_at": NOON, "updated_at": CHANGED}


def rendered(name: str) -> RenderedDocument:
    (found,) = GitHubDocuments().render([name])
    return found


def kinds(document: RenderedDocument) -> list[str]:
    return sorted(passage.kind for passage in document.passages)


def test_an_issue_has_its_number_state_labels_and_last_change() -> None:
    Issue.objects.create(
        number=312, is_pull_request=False, title="Popup", state="open", labels=["GUI", "bug"], **common(1)
    )
    IssueComment.objects.create(issue_number=312, **common(2))
    found = rendered("github:issue:7:312")
    assert (found.number, found.state, found.answered, list(found.labels)) == ("312", "open", None, ["GUI", "bug"])
    assert (found.changed_at, found.private, kinds(found)) == (CHANGED, False, ["comment", "issue"])


@pytest.mark.parametrize(("merged_at", "state"), [(None, "closed"), (NOON, "merged")])
def test_a_closed_pull_request_is_closed_or_merged(merged_at: datetime | None, state: str) -> None:
    Issue.objects.create(
        number=5, is_pull_request=True, title="Fix", state="closed", merged_at=merged_at, **common(1)
    )  # fmt: skip
    Review.objects.create(pull_number=5, state="APPROVED", **common(2))
    ReviewComment.objects.create(pull_number=5, path="src/popup.cpp", **common(3))
    found = rendered("github:pull_request:7:5")
    assert (found.state, kinds(found)) == (state, ["pull request", "review", "review comment"])


@pytest.mark.parametrize(
    ("category", "answer", "answered"),
    [("Q&A", 50, True), ("Q&A", None, False), ("Support", None, False), ("Ideas", None, None)],
)
def test_a_question_is_answered_or_not(category: str, answer: int | None, answered: bool | None) -> None:
    Discussion.objects.create(number=8, title="Other", category="Support", answer_id=51, **common(1))
    Discussion.objects.create(number=9, title="When", category=category, answer_id=answer, labels=["UI"], **common(2))
    DiscussionComment.objects.create(discussion_number=9, is_answer=bool(answer), **common(50))
    found = rendered("github:discussion:7:9")
    assert (found.answered, found.state, found.number, list(found.labels)) == (answered, "open", "9", [category, "UI"])
    assert kinds(found) == sorted(["discussion", "answer" if answer else "comment"])


def test_commits_and_releases_have_kinds() -> None:
    Commit.objects.create(repository_id=7, sha=SHA, message="Fix\n\nLong story", author_name="Ann", committed_at=NOON)
    CommitComment.objects.create(commit_sha=SHA, **common(4))
    Release.objects.create(tag_name="v1", name="First", **common(5))
    assert kinds(rendered(f"github:commit:7:{SHA}")) == ["comment", "commit"]
    assert kinds(rendered("github:release:5")) == ["release"]


@pytest.mark.parametrize("visibility", ["private", "internal"])
def test_documents_are_private_and_indexed_again_when_their_repository_becomes_private(visibility: str) -> None:
    row = Repository.objects.filter(pk=7).values().get()
    store_repository(row)
    Issue.objects.create(number=1, is_pull_request=False, title="Popup", state="open", **common(1))
    Document.objects.create(
        source_system="github", external_id="github:issue:7:1", kind="issue", scope=Scope.objects.get(external_id="7")
    )
    store_repository(row)
    assert Document.objects.get().version == 1
    store_repository(row | {"private": visibility == "private", "visibility": visibility})
    assert Document.objects.get().version == 2
    assert rendered("github:issue:7:1").private is True
