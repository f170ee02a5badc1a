"""Tests of upserts of many rows, and of the changes that they report."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from core.db.upsert import upsert
from core.models import Checkpoint, Scope

pytestmark = pytest.mark.django_db
KEY = ["source_system", "external_id"]
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def row(name: str, external_id: str = "1", **more: Any) -> dict[str, Any]:
    """Return the row of a scope."""
    return {"source_system": "github", "external_id": external_id, "name": name, "url": "", **more}


def names() -> dict[str, str]:
    """Return the stored names of scopes by external id."""
    return dict(Scope.objects.values_list("external_id", "name"))


def test_a_row_is_inserted_updated_or_left_alone() -> None:
    assert upsert(Scope, [row("a")], key=KEY).inserted == [("github", "1")]
    assert upsert(Scope, [row("b")], key=KEY).updated == [("github", "1")]
    assert not upsert(Scope, [row("b")], key=KEY).changed


def test_an_unchanged_row_is_not_written() -> None:
    def version() -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT xmin, ctid FROM core_scope")
            return cursor.fetchone()

    upsert(Scope, [row("a")], key=KEY)
    before = version()
    upsert(Scope, [row("a")], key=KEY)
    assert version() == before


def test_a_guarded_field_keeps_its_value_where_its_decider_becomes_empty() -> None:
    guarded = {"name": "url", "url": "url"}

    def stored() -> tuple[str, str]:
        return Scope.objects.values_list("name", "url").get()

    upsert(Scope, [row("a", url="https://a.example")], key=KEY, guarded=guarded)
    assert not upsert(Scope, [row("ghost", url="")], key=KEY, guarded=guarded).changed
    assert stored() == ("a", "https://a.example")
    upsert(Scope, [row("b", url="https://b.example")], key=KEY, guarded=guarded)
    assert stored() == ("b", "https://b.example")
    upsert(Scope, [row("c", "2", url="")], key=KEY, guarded=guarded)
    assert upsert(Scope, [row("d", "2", url="")], key=KEY, guarded=guarded).changed == [("github", "2")]


def test_no_rows_are_no_statement(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert upsert(Scope, [], key=KEY).changed == []


def test_many_rows_are_one_statement(django_assert_num_queries: Any) -> None:
    rows = [row(f"n{number}", str(number)) for number in range(5000)]
    with django_assert_num_queries(1):
        assert len(upsert(Scope, rows, key=KEY).inserted) == 5000
    rows[7]["name"] = "other"
    assert upsert(Scope, [*rows, row("new", "x")], key=KEY).changed == [("github", "x"), ("github", "7")]


def test_the_last_row_of_one_key_is_used() -> None:
    upsert(Scope, [row("a"), row("b"), row("x", "2"), row("c")], key=KEY)
    assert names() == {"1": "c", "2": "x"}


def test_fields_in_keep_survive_an_update_and_are_not_compared() -> None:
    upsert(Scope, [row("a")], key=KEY)
    assert not upsert(Scope, [row("b")], key=KEY, keep=["name"]).changed
    assert names() == {"1": "a"}


@pytest.mark.parametrize(("hours", "stored"), [(-1, "old"), (0, "new"), (1, "new")])
def test_a_row_older_than_the_stored_one_is_ignored(hours: int, stored: str) -> None:
    upsert(Scope, [row("old", not_before=NOON)], key=KEY, newer="not_before")
    later = NOON + timedelta(hours=hours)
    assert bool(upsert(Scope, [row("new", not_before=later)], key=KEY, newer="not_before").changed) is (stored == "new")
    assert names() == {"1": stored}


def test_a_row_without_a_time_gives_way_to_one_that_has() -> None:
    upsert(Scope, [row("old", not_before=None)], key=KEY, newer="not_before")
    assert upsert(Scope, [row("new", not_before=NOON)], key=KEY, newer="not_before").updated


def test_one_moment_in_two_zones_is_no_change() -> None:
    upsert(Scope, [row("a", not_before=NOON)], key=KEY)
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5, minutes=45)))
    assert not upsert(Scope, [row("a", not_before=elsewhere)], key=KEY).changed


@transaction.atomic
def upsert_then_fail() -> None:
    """Upsert a row and raise KeyError in the same transaction, as if the storing of a page failed."""
    upsert(Scope, [row("a")], key=KEY)
    raise KeyError


def test_a_failed_transaction_stores_nothing() -> None:
    with pytest.raises(KeyError):
        upsert_then_fail()
    assert names() == {}


@pytest.mark.django_db(transaction=True)
def test_two_writers_of_the_same_rows_do_not_deadlock() -> None:
    rows = [row("a", str(number)) for number in range(300)]
    done: list[str] = []

    def write(stored: list[dict[str, Any]], name: str) -> None:
        for turn in range(5):
            upsert(Scope, [one | {"name": f"{name}{turn}"} for one in stored], key=KEY)
        done.append(name)
        connection.close()

    writers = [threading.Thread(target=write, args=(rows, "a")), threading.Thread(target=write, args=(rows[::-1], "b"))]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(done) == ["a", "b"]
    assert len(names()) == 300


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=40)
@given(TEXTS, st.dictionaries(TEXTS, VALUES, max_size=3))
def test_any_text_and_any_json_are_stored_unchanged(text: str, extras: dict[str, Any]) -> None:
    given_row = {"collector": "c", "scope": "s", "stream": "x", "checkpoint_token": text, "extras": extras}
    more = {"human_readable_marker": "", "updated_at": NOON}
    upsert(Checkpoint, [given_row | more], key=["collector", "scope", "stream"])
    stored = Checkpoint.objects.get()
    assert (stored.checkpoint_token, stored.extras) == (text, extras)
    assert not upsert(Checkpoint, [given_row | more], key=["collector", "scope", "stream"]).changed
