"""Tests that the stored weekly counts match the timeline after any change and any rollback."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.ingest.timeline import write_activities
from core.models import Activity, ActivityWeek, PersonWeek, Scope

pytestmark = pytest.mark.django_db
START = datetime(2024, 12, 29, 23, 59, tzinfo=UTC)


def scope(name: str = "a/b") -> Scope:
    return Scope.objects.get_or_create(source_system="github", external_id=name, defaults={"name": name})[0]


def row(number: int, **changed: Any) -> dict[str, Any]:
    return {
        "source_system": "github", "external_id": f"github:issue:1:{number}", "scope_id": scope().pk, "thread": "",
        "activity_type": "github.issue", "occurred_at": START, "edited_at": None, "deleted_at": None,
        "actor_external_id": "7", "actor_name": "a name", "source_url": "", "summary": "",
        "common": False,
    } | changed  # fmt: skip


def differences() -> int:
    """Count the timeline again, and return the number of rows that are only in one of the two sets of weekly counts."""
    with connection.cursor() as cursor:
        cursor.execute(DIFFERENCES)
        return cursor.fetchone()[0]


DIFFERENCES = """
WITH weeks AS (
    SELECT date_trunc('week', occurred_at AT TIME ZONE 'UTC')::date, scope_id, type_id, count(*)::int
    FROM core_activity WHERE deleted_at IS NULL GROUP BY 1, 2, 3
), people AS (
    SELECT date_trunc('week', occurred_at AT TIME ZONE 'UTC')::date, scope_id, actor, type_id, count(*)::int
    FROM core_activity WHERE deleted_at IS NULL AND actor IS NOT NULL GROUP BY 1, 2, 3, 4
), kept AS (SELECT week, scope_id, type_id, count FROM core_activityweek WHERE count <> 0),
kept_people AS (SELECT week, scope_id, actor, type_id, count FROM core_personweek WHERE count <> 0)
SELECT (SELECT count(*) FROM ((TABLE weeks EXCEPT TABLE kept) UNION ALL (TABLE kept EXCEPT TABLE weeks)) AS a)
     + (SELECT count(*) FROM (
        (TABLE people EXCEPT TABLE kept_people) UNION ALL (TABLE kept_people EXCEPT TABLE people)) AS b)
"""


def test_weeks_begin_on_monday_in_utc() -> None:
    write_activities([row(1), row(2, occurred_at=START + timedelta(minutes=1))])
    weeks = ActivityWeek.objects.order_by("week").values_list("week", "count")
    assert [(str(week), count) for week, count in weeks] == [("2024-12-23", 1), ("2024-12-30", 1)]


def test_an_edit_of_the_text_changes_no_count() -> None:
    write_activities([row(1)])
    write_activities([row(1, summary="other words")])
    assert ActivityWeek.objects.get().count == PersonWeek.objects.get().count == 1


def test_tombstones_are_subtracted_and_added_again() -> None:
    write_activities([row(1)])
    Activity.objects.update(deleted_at=START)
    assert ActivityWeek.objects.get().count == 0
    write_activities([row(1)])
    assert ActivityWeek.objects.get().count == PersonWeek.objects.get().count == 1


def test_an_activity_without_an_actor_is_not_counted_for_a_person() -> None:
    write_activities([row(1, actor_external_id="")])
    assert not PersonWeek.objects.exists()


def test_a_page_that_is_rolled_back_leaves_no_count() -> None:
    with transaction.atomic():
        write_activities([row(1)])
        assert ActivityWeek.objects.exists()
        transaction.set_rollback(True)
    assert not ActivityWeek.objects.exists()


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["page", "soft_delete", "delete", "move"]),
        st.lists(st.integers(1, 6), min_size=1, max_size=6),
        st.sampled_from(["github.issue", "github.commit"]),
        st.integers(0, 3),
        st.sampled_from(["", "7", "8"]),
    ),
    max_size=8,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(CHANGES)
def test_any_history_is_counted_exactly(db: Any, changes: list[Any]) -> None:
    Activity.objects.all().delete()
    for act, numbers, kind, weeks, person in changes:
        names = [f"github:issue:1:{number}" for number in numbers]
        chosen = Activity.objects.filter(external_id__in=names)
        if act == "page":
            at = START + timedelta(weeks=weeks)
            rows = [row(n, activity_type=kind, occurred_at=at, actor_external_id=person) for n in numbers]
            write_activities(rows)
        elif act == "soft_delete":
            chosen.update(deleted_at=START)
        elif act == "move":
            chosen.update(scope=scope("c/d"))
        else:
            chosen.delete()
        assert differences() == 0
