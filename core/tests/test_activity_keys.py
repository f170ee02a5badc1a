"""Tests of the short keys of the timeline."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.db.activity_keys import activity_keys, in_threads, join_external_id, split_external_id, with_external_ids
from core.models import Activity, Scope
from tests.support.activities import make_activities

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=40)
LAST_PARTS = st.one_of(
    TEXTS, st.integers().map(str), st.binary(max_size=20).map(bytes.hex), st.sampled_from(["007", "-0", "-5", "+1", ""])
)


@given(TEXTS, LAST_PARTS)
def test_an_external_id_is_joined_from_its_parts(prefix: str, last: str) -> None:
    name = f"{prefix}:{last}" if prefix else last
    parts = split_external_id(name)
    assert join_external_id(*parts) == name
    assert -(1 << 63) <= parts.number < 1 << 63


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXTS, LAST_PARTS), max_size=5))
def test_postgresql_joins_the_same_parts(db: Any, names: list[tuple[str, str]]) -> None:
    del db
    for prefix, last in names:
        parts = split_external_id(f"{prefix}:{last}")
        with connection.cursor() as cursor:
            cursor.execute("SELECT core_external_id(%s, %s, %s)", [*parts])
            assert cursor.fetchone() == (f"{prefix}:{last}",)


def test_a_hash_takes_half_its_length_and_a_number_no_code() -> None:
    assert split_external_id("github:commit:1:" + "ab" * 20).code == b"h" + b"\xab" * 20
    assert split_external_id("github:issue_comment:12") == ("github:issue_comment:", 12, b"")


@pytest.mark.django_db
def test_ids_are_created_once_and_found_again() -> None:
    first = activity_keys("github", prefixes=["a:", "b:"], types=["github.x"])
    second = activity_keys("github", prefixes=["b:", "c:"], types=["github.x", "github.y"])
    assert first.prefixes["b:"] == second.prefixes["b:"]
    assert first.types["github.x"] == second.types["github.x"]
    assert set(second.prefixes) == {"b:", "c:"}
    assert activity_keys("discord", prefixes=["b:"], types=[]).prefixes["b:"] != first.prefixes["b:"]


@pytest.mark.django_db
def test_conditions_find_every_kind_of_id() -> None:
    scope = Scope.objects.create(source_system="github", external_id="1", name="o/r")
    names = ["github:issue:1", "github:issue:2", "github:event:MDEx", "github:commit:1:" + "ab" * 20, "plain"]
    make_activities(
        {
            "source_system": "github", "external_id": name, "scope": scope, "thread": names[(n + 1) % len(names)],
            "activity_type": "github.x", "occurred_at": NOON,
        }
        for n, name in enumerate(names)
    )  # fmt: skip
    for name in names:
        assert Activity.objects.get(with_external_ids("github", [name])).external_id == name
        assert Activity.objects.get(in_threads("github", [name])).thread == name
    found = Activity.objects.filter(with_external_ids("github", [*names, "github:issue:3", "other:1"]))
    assert found.count() == len(names)
    assert not Activity.objects.filter(with_external_ids("discord", names)).exists()
