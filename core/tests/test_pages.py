"""Tests of the admin pages: filters, cursors, permissions and number of SQL statements."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.models import Activity, CollectorRun, Scope, SkippedItem
from core.operations.visible import visible
from core.pages.thread import SHORT, SHOWN, Renderer
from tests.support.activities import make_activities

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 6, 2, 12, tzinfo=UTC)


def fill(number: int = 120) -> list[Activity]:
    """Create activities that alternate between two scopes.

    Three consecutive activities have the same time. The next three are three minutes later.
    """
    scopes = [Scope.objects.create(source_system="github", external_id=str(n), name=f"a/b{n}") for n in (1, 2)]
    return make_activities(
        {
            "source_system": "github", "external_id": f"github:issue_comment:{n}", "scope": scopes[n % 2],
            "thread": "t",
            "activity_type": f"github.{'issue' if n % 2 else 'commit'}",
            "occurred_at": NOW + timedelta(minutes=n - n % 3),
            "actor_external_id": str(n % 5), "actor_name": f"Person{n % 5}", "summary": f"word{n} Tide",
            "deleted_at": NOW if n % 10 == 0 else None,
        }
        for n in range(number)
    )  # fmt: skip


def listed(client: Client, **query: str) -> list[int]:
    """Return the primary keys of the activities on a page of the timeline."""
    answer = client.get(reverse("admin:timeline"), query)
    return [entry["activity"].pk for entry in answer.context["entries"]]


def test_pages_in_both_directions_show_every_activity_once(admin_client: Client) -> None:
    kept = sorted(fill(), key=lambda row: (row.occurred_at, row.pk), reverse=True)
    seen: list[int] = []
    answer = admin_client.get(reverse("admin:timeline"))
    while True:
        seen += [entry["activity"].pk for entry in answer.context["entries"]]
        if not (mark := answer.context["page"].earlier):
            break
        answer = admin_client.get(reverse("admin:timeline"), {"before": mark})
    assert seen == [row.pk for row in kept]
    back = admin_client.get(reverse("admin:timeline"), {"after": answer.context["page"].later})
    assert [entry["activity"].pk for entry in back.context["entries"]] == seen[50:100]


@pytest.mark.parametrize("mark", ["", "~", "x~1", "2025-06-02T12:00:00~1", "2025-06-02T12:00:00+00:00~-1", "9" * 400])
def test_an_invalid_cursor_shows_the_first_page(admin_client: Client, mark: str) -> None:
    fill(3)
    assert len(listed(admin_client, before=mark)) == 3


def test_filters_select_activities(admin_client: Client) -> None:
    fill()
    assert len(listed(admin_client, words="word7")) == 11
    assert len(listed(admin_client, words="WORD7 tide")) == 11
    assert listed(admin_client, words="!!!") == []
    assert len(listed(admin_client, state="deleted")) == 12
    assert len(listed(admin_client, scope="A/B1", words="word11")) == 5
    assert len(listed(admin_client, scope="b2", words="word11")) == 6
    assert len(listed(admin_client, person="person3")) == 24
    assert len(listed(admin_client, person="github:3")) == 24
    assert listed(admin_client, person="unknown") == []
    assert listed(admin_client, since="2025-06-03") == []
    assert listed(admin_client, words="nul\0byte") == []


def test_a_person_is_found_under_all_their_names(admin_client: Client) -> None:
    fill()
    Activity.objects.filter(actor_external_id="3").order_by("-occurred_at").first()
    newest = Activity.objects.filter(actor_external_id="3").latest("occurred_at", "pk")
    Activity.objects.filter(pk=newest.pk).update(actor_name="Married")
    assert len(listed(admin_client, person="married")) == 24


def test_statements_do_not_grow_with_the_number_of_rows(admin_client: Client, django_assert_num_queries: Any) -> None:
    few = fill(2)
    counts = {"admin:index": 0, "admin:timeline": 0, "admin:health": 0, "admin:core_activity_changelist": 0}
    for name in counts:
        counts[name] = statements(admin_client, name)
    for row in few:
        row.delete()
    Scope.objects.all().delete()
    fill()
    for name, before in counts.items():
        assert statements(admin_client, name) <= before + 1, name


def statements(client: Client, name: str) -> int:
    """Request an admin page by its view name, and return the number of SQL statements."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        assert client.get(reverse(name)).status_code == 200
    return len(captured)


def test_staff_without_the_permission_see_no_activity(client: Client, django_user_model: Any) -> None:
    fill(3)
    client.force_login(django_user_model.objects.create_user("helper", is_staff=True))
    assert b"Your account is not allowed to see activities" in client.get(reverse("admin:index")).content
    for name in ("admin:timeline", "admin:health"):
        assert client.get(reverse(name)).status_code == 403
    helper = django_user_model.objects.get()
    helper.user_permissions.add(Permission.objects.get(codename="view_activity"))
    assert client.get(reverse("admin:timeline")).status_code == 200
    assert client.post(reverse("admin:retry"), {"item": "1"}).status_code == 403


def test_a_retry_returns_only_to_this_site(admin_client: Client) -> None:
    item = SkippedItem.objects.create(
        collector="github", scope="1", stream="issues", external_id="1", reason="malformed", first_seen_at=NOW,
        last_seen_at=NOW,
    )  # fmt: skip
    answer = admin_client.post(reverse("admin:retry"), {"item": item.pk, "next": "https://elsewhere.example/"})
    assert answer.headers["Location"] == reverse("admin:core_skippeditem_changelist")
    item.refresh_from_db()
    assert item.retry_requested_at is not None
    assert admin_client.get(reverse("admin:retry")).status_code == 405


def test_a_cleared_item_is_not_retried(admin_client: Client) -> None:
    item = SkippedItem.objects.create(
        collector="github", scope="1", stream="issues", external_id="1", reason="malformed", first_seen_at=NOW,
        last_seen_at=NOW, cleared_at=NOW,
    )  # fmt: skip
    answer = admin_client.post(reverse("admin:retry"), {"item": item.pk}, follow=True)
    assert "There are no items to retry." in answer.content.decode()
    item.refresh_from_db()
    assert item.retry_requested_at is None


def test_a_run_reports_its_progress_as_json(admin_client: Client) -> None:
    run = CollectorRun.objects.create(
        collector="github", host="h", pid=1, started_at=timezone.now(), progress={"seen": 3, "total": 2}
    )
    state = admin_client.get(reverse("admin:run_progress", args=[run.pk])).json()
    assert (state["running"], state["alive"], state["seen"], state["total"]) == (True, False, 3, None)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain", "plain"), ("a\u202eb", "a‹U+202E›b"), ("a\u200db", "a‹U+200D›b"), ("नम\u200dस्ते", "नम\u200dस्ते"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"), ("a\0b\x7f", "a‹U+0000›b‹U+007F›"),
        ("line\nline\ttab", "line\nline\ttab"), ("\ud800", "‹U+D800›"),
    ],
)  # fmt: skip
def test_hidden_characters_are_shown_as_their_numbers(text: str, seen: str) -> None:
    assert visible(text) == seen


def test_a_page_renders_within_its_budget() -> None:
    renderer = Renderer(budget=SHOWN + SHORT)
    assert len(renderer.render("x" * 3 * SHOWN)[0]) < SHOWN + 20
    html, whole = renderer.render("x" * SHOWN)
    assert len(html) < SHORT + 20
    assert not whole


def test_largest_table_is_named_before_postgresql_has_analysed_it(admin_client: Client) -> None:
    fill(1)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE never_analysed AS SELECT repeat('x', 1000) FROM generate_series(1, 20000)")
    page = admin_client.get(reverse("admin:index")).content.decode()
    row = page[page.index("never_analysed") :]
    assert page.index("Largest tables") < page.index("never_analysed")
    assert row.index("not counted yet") < row.index("</tr>")
