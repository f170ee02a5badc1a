"""Tests that the timeline of an earlier release moves completely, whatever happens meanwhile."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from core.ingest import timeline_move
from core.ingest.timeline import mark_activities_deleted, mark_threads_deleted
from core.ingest.timeline_move import bring_over_scope, is_moving, move_slice, rows_to_move
from core.models import Activity, ActivityWeek, CollectorRun, PersonWeek, Scope
from core.timeline_upgrade import NEWEST, after_run, move_timeline
from tests.support.activities import make_activity
from tests.support.kill_points import survives

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
OLD_TABLE = """
    CREATE TABLE core_oldactivity (
        id bigint PRIMARY KEY, source_system varchar(32), external_id varchar(200), scope_id bigint,
        thread varchar(200), activity_type varchar(64), occurred_at timestamptz, edited_at timestamptz,
        deleted_at timestamptz, actor_external_id varchar(64), actor_name varchar(200), source_url varchar(1000),
        summary varchar(300), UNIQUE (source_system, external_id)
    )
"""
OLD_ROWS = """
    INSERT INTO core_oldactivity
    SELECT n, 'github', 'github:issue_comment:' || n, %s, 'github:issue:1:' || n %% 7, 'github.issue_comment',
        %s + n * interval '1 minute', NULL, CASE WHEN n %% 10 = 0 THEN %s END, (n %% 3)::text, 'Ada',
        'https://x.y/' || n, 'line ' || n
    FROM generate_series(1, 50) AS n
"""
NAMES = (
    "pk", "external_id", "thread", "activity_type", "occurred_at", "deleted_at", "actor_external_id", "actor_name",
    "source_url", "summary",
)  # fmt: skip


def begin_again(scope: Scope) -> None:
    """Store fifty activities as an earlier release did."""
    Activity.objects.all().delete()
    ActivityWeek.objects.all().delete()
    PersonWeek.objects.all().delete()
    timeline_move._finished = False  # pyright: ignore[reportPrivateUsage]
    with connection.cursor() as cursor:
        cursor.execute(OLD_TABLE)
        cursor.execute(OLD_ROWS, [scope.pk, NOON, NOON])
        cursor.execute("SELECT setval('core_activity_id_seq', 50)")


@pytest.fixture
def scope(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scope]:
    """Store fifty activities as an earlier release did, and yield their scope. They are counted already."""
    monkeypatch.setattr(timeline_move, "_finished", False)
    scope = Scope.objects.create(source_system="github", external_id="1", name="o/r")
    begin_again(scope)
    yield scope
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS core_oldactivity")


def expected(number: int) -> tuple[Any, ...]:
    return (
        number, f"github:issue_comment:{number}", f"github:issue:1:{number % 7}", "github.issue_comment",
        NOON + timedelta(minutes=number), None if number % 10 else NOON, str(number % 3), "Ada",
        f"https://x.y/{number}", f"line {number}",
    )  # fmt: skip


def moved() -> list[tuple[Any, ...]]:
    return list(Activity.objects.order_by("pk").values_list(*NAMES))


def test_every_activity_moves_unchanged_and_is_not_counted_again(scope: Scope) -> None:
    assert (rows_to_move(), move_timeline(size=7), rows_to_move()) == (50, 50, 0)
    assert moved() == [expected(number) for number in range(1, 51)]
    assert not ActivityWeek.objects.exists()
    assert not PersonWeek.objects.exists()
    assert not is_moving()
    assert make_activity(
        source_system="github", external_id="github:issue:9", scope=scope, activity_type="github.issue",
        occurred_at=NOON,
    ).pk == 51  # fmt: skip


def test_a_move_that_is_killed_anywhere_loses_nothing_and_goes_on(scope: Scope) -> None:
    steps = 0
    while not survives(steps + 1, lambda: move_timeline(size=20)):
        steps += 1
        assert rows_to_move() + Activity.objects.count() == 50
        move_timeline(size=20)
        assert moved() == [expected(number) for number in range(1, 51)]
        begin_again(scope)
    assert steps > 20


def test_a_collected_activity_is_brought_over_before_it_changes(scope: Scope) -> None:
    values = {
        "source_system": "github", "external_id": "github:issue_comment:4", "scope": scope,
        "activity_type": "github.issue_comment", "occurred_at": NOON, "actor_external_id": "1", "summary": "new words",
    }  # fmt: skip
    assert make_activity(**values).pk == 4
    assert rows_to_move() == 49
    assert move_timeline() == 49
    assert Activity.objects.get(pk=4).summary == "new words"
    assert Activity.objects.count() == 50


def test_tombstones_reach_activities_that_have_not_moved_yet(scope: Scope) -> None:
    del scope
    mark_activities_deleted("github", ["github:issue_comment:1"], NOON)
    mark_threads_deleted("github", ["github:issue:1:2"], NOON)
    move_timeline()
    gone = set(Activity.objects.exclude(deleted_at=None).values_list("pk", flat=True))
    assert gone == {1, 10, 20, 30, 40, 50, *range(2, 51, 7)}


def test_every_collection_moves_activities_after_its_end(scope: Scope) -> None:
    del scope
    after_run(None, CollectorRun(outcome="interrupted"))
    assert not Activity.objects.exists()
    after_run(None, CollectorRun(outcome="partial"))
    assert Activity.objects.count() == 50
    assert not is_moving()


def test_an_account_id_that_is_not_a_number_is_dropped_but_not_the_name(scope: Scope) -> None:
    del scope
    with connection.cursor() as cursor:
        cursor.execute("UPDATE core_oldactivity SET actor_external_id = 'U12' WHERE id = 50")
    move_timeline()
    row = Activity.objects.get(pk=50)
    assert (row.actor_external_id, row.actor_name) == ("", "Ada")


def test_a_whole_scope_is_brought_over_while_another_process_moves_it(scope: Scope) -> None:
    move_slice(NEWEST, lambda _: None, size=20)
    bring_over_scope(scope.pk)
    assert Activity.objects.count() == 50
    assert rows_to_move() == 0


def test_an_activity_with_an_odd_id_moves_too(scope: Scope) -> None:
    odd = ["github:event:MDEx", "github:commit:1:" + "ab" * 20, "plain", "github:x:007", f"github:x:{1 << 70}"]
    with connection.cursor() as cursor:
        for number, name in enumerate(odd, start=100):
            row = [number, "github", name, scope.pk, "", "github.x", NOON, None, None, "", "", "", ""]
            cursor.execute(f"INSERT INTO core_oldactivity VALUES ({', '.join(['%s'] * len(row))})", row)  # noqa: S608
    move_timeline()
    assert set(Activity.objects.filter(pk__gte=100).values_list("external_id", flat=True)) == set(odd)
    assert set(Activity.objects.filter(pk__gte=100).values_list("thread", flat=True)) == {""}
