"""Pages make invisible characters in collected texts visible, and stay small even if the texts are long."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.models import CollectorRun, Scope, SkippedItem
from core.operations.visible import HIDDEN
from discord_activity_tracker.models import Message, Revision
from github_activity_tracker.models import Account, Commit, Issue, Repository
from tests.support.activities import make_activity
from tests.support.discord_fixtures import at, make_guild, message, store

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 6, 2, 12, tzinfo=UTC)
HOSTILE = "pay\u200bpal \u202etxt.exe\u2069 \x1b[31mred\x07 \x9b2J soft\u00adhyphen tag\U000e0041 \ufeffend"
SMALL = 200_000
"""Maximum size of a page with one excerpt, in bytes. The whole texts in these tests are much larger."""


def address(row: Any, view: str = "change", *arguments: object) -> str:
    """Return the URL of a row's page in the admin, or of another view of this row."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{view}", args=[row.pk, *arguments])


def lists(row: Any) -> str:
    """Return the URL of the list that contains a row."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_changelist")


@pytest.fixture
def repository() -> Repository:
    """Store a repository with invisible characters in its name and description."""
    return Repository.objects.create(id=1, full_name=f"a/b{HOSTILE}", description=HOSTILE)


def issue(repository: Repository, body: str) -> Issue:
    """Store an issue with invisible characters in its title and label."""
    return Issue.objects.create(
        id=1, number=1, is_pull_request=False, title=HOSTILE, state="open", repository=repository, created_at=NOW,
        updated_at=NOW, body=body, labels=[HOSTILE],
    )  # fmt: skip


def hostile_rows(repository: Repository) -> list[Any]:
    """Store rows of both trackers and of core, with a hostile text in each visible field, and return the rows."""
    scope = Scope.objects.create(source_system="github", external_id="1", name=f"a/b{HOSTILE}")
    make_guild()
    store([message(at(0), HOSTILE)])
    run = CollectorRun.objects.create(
        collector="github", host="h", pid=1, started_at=NOW, finished_at=NOW, outcome="failed", error=HOSTILE,
        options={"repositories": HOSTILE}, scopes=[{"scope": HOSTILE, "outcome": "failed", "reason": HOSTILE}],
    )  # fmt: skip
    return [
        make_activity(
            source_system="github", external_id="github:issue:1", activity_type="github.issue", scope=scope,
            occurred_at=NOW, actor_name=HOSTILE, summary=HOSTILE, thread="github:issue:1:1",
        ),
        scope,
        repository,
        run,
        issue(repository, HOSTILE),
        Account.objects.create(id=1, login=HOSTILE, kind="user"),
        Commit.objects.create(
            repository=repository, sha="a" * 40, message=HOSTILE, author_name=HOSTILE, authored_at=NOW, committed_at=NOW
        ),
        Message.objects.get(),
        SkippedItem.objects.create(
            collector="github", scope="1", stream="issues", external_id="1", reason="malformed", run=run,
            detail=HOSTILE, payload={"title": HOSTILE}, first_seen_at=NOW, last_seen_at=NOW,
        ),
    ]  # fmt: skip


def test_nothing_hides_on_pages_of_rows_and_lists(repository: Repository, admin_client: Client) -> None:
    for row in hostile_rows(repository):
        for page in (address(row), lists(row), address(row, "history")):
            answer = admin_client.get(page)
            assert answer.status_code == 200, page
            found = HIDDEN.search(answer.content.decode())
            assert not found, (page, found)
        assert "‹U+202E›" in admin_client.get(address(row)).content.decode(), row._meta


def test_names_of_accounts_stay_as_they_are_typed(admin_client: Client, django_user_model: Any) -> None:
    user = django_user_model.objects.create_user("guest", first_name="soft\u00adhyphen")
    assert "soft\u00adhyphen" in admin_client.get(address(user)).content.decode()


def test_a_running_process_reports_nothing_hidden(admin_client: Client) -> None:
    run = CollectorRun.objects.create(
        collector="github", host="h", pid=1, started_at=NOW, progress={"scope": HOSTILE, "stream": HOSTILE, "seen": 1}
    )
    progress = admin_client.get(reverse("admin:run_progress", args=[run.pk])).json()
    assert not any(HIDDEN.search(str(value)) for value in progress.values())


def test_a_body_of_ten_megabytes_is_an_excerpt_and_a_text_file(repository: Repository, admin_client: Client) -> None:
    body = f"{HOSTILE}<b>&" * 200_000
    assert len(body.encode()) > 10_000_000
    row = issue(repository, body)
    page = admin_client.get(address(row))
    file = address(row, "text", "body")
    assert len(page.content) < SMALL
    assert f'href="{file}" download>Show all as a text file' in page.content.decode()
    answer = admin_client.get(file)
    assert answer.content.decode() == body
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="issue-1-body.txt"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_other_long_texts_are_excerpts_too(repository: Repository, admin_client: Client) -> None:
    text = "潮 word " * 400_000
    make_guild()
    store([message(at(0), "short")])
    Message.objects.update(content=text)
    said = Message.objects.get()
    revision = Revision.objects.create(message=said, content=text, written_at=NOW, replaced_at=NOW)
    commit = Commit.objects.create(
        repository=repository, sha="a" * 40, message=text, author_name="x", authored_at=NOW, committed_at=NOW
    )
    skip = SkippedItem.objects.create(
        collector="github", scope="1", stream="issues", external_id="1", reason="malformed", payload={"body": text},
        first_seen_at=NOW, last_seen_at=NOW,
    )  # fmt: skip
    for row, field in ((said, "content"), (revision, "content"), (commit, "message"), (skip, "payload")):
        page = admin_client.get(address(row))
        assert len(page.content) < 2 * SMALL, row._meta
        assert address(row, "text", field) in page.content.decode(), row._meta
        file = admin_client.get(address(row, "text", field)).content.decode()
        assert (json.loads(file) if field == "payload" else file) == ({"body": text} if field == "payload" else text)
        assert len(admin_client.get(lists(row)).content) < SMALL, row._meta


def test_a_short_text_has_no_link_to_a_file(repository: Repository, admin_client: Client) -> None:
    page = admin_client.get(address(issue(repository, "two\nlines & <b>"))).content.decode()
    assert "two<br>lines &amp; &lt;b&gt;" in page
    assert "Show all as a text file" not in page


def test_a_text_file_is_for_those_who_may_see_the_row(
    repository: Repository, client: Client, admin_client: Client, django_user_model: Any
) -> None:
    file = address(issue(repository, "words"), "text", "body")
    assert admin_client.get(file).content == b"words"
    assert Client().get(file).status_code == 302
    guest = Client()
    guest.force_login(django_user_model.objects.create_user("guest", is_staff=True))
    assert guest.get(file).status_code == 403
    for wrong in ("state", "nothing", "repository"):
        assert admin_client.get(file.replace("body", wrong)).status_code == 404
    assert admin_client.get(file.replace("/1/", "/2/")).status_code == 404


def test_what_may_be_changed_is_saved_as_it_was_collected(repository: Repository, admin_client: Client) -> None:
    answer = admin_client.post(address(repository), {"enabled": "on"})
    assert answer.status_code == 302
    repository.refresh_from_db()
    assert repository.description == HOSTILE
