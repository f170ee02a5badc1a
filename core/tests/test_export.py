"""Tests of the export of the timeline as JSON lines and CSV."""

import csv
import json
import os
import stat
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from core.management.commands import export_activity
from core.models import Scope
from tests.support.activities import make_activity

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PROTOCOL = {
    "source_system", "external_id", "occurred_at", "activity_type", "actor_external_id", "source_url", "summary",
}  # fmt: skip
MORE = {"scope", "thread", "actor_name", "edited_at", "deleted_at"}
HARD = 'a "quoted", text\nof 潮, \u2028 and ;='


def activity(number: int, scope: Scope, **more: Any) -> None:
    """Create an activity ``number`` days after ``NOON``."""
    row = {
        "external_id": f"github:issue_comment:{number}", "activity_type": "github.issue_comment",
        "occurred_at": NOON + timedelta(days=number), "summary": HARD, "source_system": scope.source_system,
    }  # fmt: skip
    make_activity(**(row | more), scope=scope, actor_external_id="7", source_url="https://example.org/1")


@pytest.fixture
def kept() -> None:
    """Store three activities in two GitHub scopes and one in a Discord scope, out of chronological order."""
    first, second = (Scope.objects.create(source_system="github", external_id=n, name=f"o/r{n}") for n in "12")
    activity(2, second, activity_type="github.issue", edited_at=NOON, deleted_at=NOON + timedelta(hours=1))
    activity(1, first)
    activity(0, first)
    activity(3, Scope.objects.create(source_system="discord", external_id="9/9", name="g/c"))


def exported(*arguments: str) -> list[dict[str, Any]]:
    """Run ``export_activity``, and return the exported objects."""
    out = StringIO()
    call_command("export_activity", *arguments, stdout=out)
    return [json.loads(line) for line in out.getvalue().split("\n") if line]


def numbers(*arguments: str) -> list[int]:
    """Return the number at the end of each exported activity's external id."""
    return [int(row["external_id"].rpartition(":")[2]) for row in exported(*arguments)]


@pytest.mark.usefixtures("kept")
def test_every_activity_is_one_object_oldest_first() -> None:
    rows = exported()
    assert all(set(row) == PROTOCOL | MORE for row in rows)
    assert numbers() == [0, 1, 2, 3]
    assert rows[0]["summary"] == HARD
    assert rows[0]["occurred_at"] == "2026-03-01T12:00:00Z"
    assert (rows[2]["edited_at"], rows[2]["deleted_at"]) == ("2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z")
    assert (rows[2]["scope"], rows[0]["edited_at"]) == ("o/r2", None)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--source", "github"], [0, 1, 2]),
        (["--source", "nowhere"], []),
        (["--scope", "O/R1"], [0, 1]),
        (["--type", "github.issue"], [2]),
        (["--since", "2026-03-02"], [1, 2, 3]),
        (["--until", "2026-03-02"], [0]),
        (["--since", "2026-03-01T12:00:00+00:00", "--until", "2026-03-02T12:00:00Z"], [0]),
        (["--since", "2026-03-02", "--source", "github", "--scope", "o/r1"], [1]),
    ],
)
def test_filters_select_activities(arguments: list[str], found: list[int]) -> None:
    assert numbers(*arguments) == found


@pytest.mark.usefixtures("kept")
def test_csv_has_the_same_fields_and_values(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    call_command("export_activity", "--format", "csv", "--output", str(target))
    with target.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [{key: value or "" for key, value in row.items()} for row in exported()]


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_bodies_come_from_the_trackers_in_few_calls(monkeypatch: pytest.MonkeyPatch, form: str, tmp_path: Path) -> None:
    asked: list[Sequence[str]] = []

    def bodies(ids: Sequence[str]) -> Mapping[str, str]:
        asked.append(ids)
        return {ids[0]: "whole"}

    tracker = SimpleNamespace(source_system="github", bodies=bodies)
    monkeypatch.setattr(export_activity, "installed_trackers", lambda: [tracker])
    target = tmp_path / "out"
    call_command("export_activity", "--bodies", "--format", form, "--output", str(target))
    with target.open(newline="") as file:
        rows = list(csv.DictReader(file)) if form == "csv" else [json.loads(line) for line in file]
    assert [row["body"] for row in rows] == ["whole", "", "", ""]
    assert len(asked) == 1


@pytest.mark.usefixtures("kept")
def test_a_file_is_written_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    call_command("export_activity", "--output", str(target))
    before = target.read_text()
    assert before.count("\n") == 4
    monkeypatch.setattr(export_activity, "_plain", lambda value: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        call_command("export_activity", "--output", str(target))
    assert target.read_text() == before
    assert os.listdir(tmp_path) == ["out.jsonl"]  # noqa: PTH208  (only names are needed)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_without_activities_nothing_is_written() -> None:
    assert exported() == []


@pytest.mark.parametrize("wrong", [["--since", "yesterday"], ["--format", "xml"], ["--until", ""]])
def test_a_wrong_argument_is_refused(wrong: list[str]) -> None:
    with pytest.raises(CommandError, match=wrong[0]):
        exported(*wrong)
