"""Each index of the timeline serves a page, and each filter of the timeline has an index."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from core import timeline
from core.models import Activity, Scope
from tests.support.activities import make_activities

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def plan(rows: QuerySet[Activity]) -> str:
    """Return the plan of the first page of a list."""
    return rows[:51].explain()


@pytest.fixture(autouse=True)
def filled(db: None) -> None:
    """Store activities of many scopes, people and threads, and let PostgreSQL count them."""
    del db
    scopes = [Scope.objects.create(source_system="github", external_id=str(n), name=f"o/r{n}") for n in range(40)]
    make_activities(
        {
            "source_system": "github", "external_id": f"github:issue_comment:{n}", "scope": scopes[n % 40],
            "thread": f"github:issue:1:{n // 3}", "activity_type": f"github.type{n % 30}",
            "occurred_at": NOON + timedelta(minutes=n), "actor_external_id": str(n % 50), "actor_name": f"person {n}",
            "summary": f"word{n}",
        }
        for n in range(6000)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT gin_clean_pending_list('activity_words')")  # as autovacuum does after new rows
        cursor.execute("ANALYZE core_activity")
        cursor.execute("SET LOCAL enable_seqscan = off")


def indexes() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'core_activity'")
        return {row[0] for row in cursor.fetchall()}


CONDITIONS = {
    "activity_by_time": Q(),
    "activity_edited": Q(edited_at__isnull=False),
    "activity_deleted": Q(deleted_at__isnull=False),
    "activity_by_scope": timeline.in_scopes_named("o/r7"),
    "activity_by_type": timeline.of_type("github.type3"),
    "activity_by_actor": timeline.of_account("github", "7"),
    "activity_by_thread": timeline.in_thread("github", "github:issue:1:1"),
    "activity_identity": timeline.with_id("github", "github:issue_comment:77"),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_filter_uses_its_index(name: str) -> None:
    assert name in plan(timeline.all_activities().filter(CONDITIONS[name]))


def test_names_and_words_use_their_indexes() -> None:
    named = Activity.objects.alias(lowered=Lower("actor_name")).filter(lowered="person 9", actor_name__isnull=False)
    assert "activity_by_name" in plan(named.order_by("-occurred_at"))
    stored = timeline.with_words(timeline.all_activities(), "word5999")[0]
    assert "activity_words" in plan(stored)  # and not the index by time: PostgreSQL knows that the word is rare


def test_few_stored_words_are_expected_if_every_summary_is_computed() -> None:
    Activity.objects.update(summary=None)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE core_activity")
    stored = timeline.with_words(timeline.all_activities(), "word")[0]
    expected = re.findall(r"on core_activity .*? rows=(\d+)", stored.explain())
    assert expected == ["1"]  # with more, a large timeline would be read in the order of time


def test_there_is_no_other_index() -> None:
    used = {*CONDITIONS, "activity_by_name", "activity_words", "core_activity_pkey"}
    assert indexes() == used
