"""Tests of the progress of collecting and indexing: values, frequency of updates, and width of the lines."""

import io
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection

from core.collectors.progress import (
    Line,
    PlainLines,
    Position,
    Progress,
    RecordedProgress,
    Silence,
    clock,
    counted,
    moved,
    shortened,
)
from core.models import CollectorRun
from core.pages.runs import progress_in_words
from core.runs import recorded_run
from core.search.queue import MAX_NAME_BYTES, name_session
from core.search.sync import sync
from tests.support.fake_source import FakeSource, model

WIDTHS = [20, 40, 79, 119]


def position(**fields: Any) -> Position:
    """Return a ``Position`` with these fields. It began at time 0."""
    return Position(**({"scope": "bitcoin-core/gui", "stream": "issue_comments", "began": 0.0} | fields))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scope", ["o/r", "a-rather-long-organisation/with-a-repository-of-a-very-long-name" * 2, ""])
@pytest.mark.parametrize(("seen", "total"), [(0, None), (1, 2), (10_155, 537), (999_999, 12_345_678)])
def test_every_line_fits_into_its_width(width: int, scope: str, seen: int, total: int | None) -> None:
    line = position(scope=scope, seen=seen, total=total).line(100.0, width)
    assert len(line) <= width
    assert line.isprintable()


def test_a_line_has_scope_count_rate_and_remaining_time() -> None:
    line = position(seen=1_200, total=5_197).line(100.0, 79)
    assert line == "bitcoin-core/gui  issue comments  1,200 of 5,197  12/s  5:33 left"


def test_more_items_than_expected_hide_the_total_and_the_remaining_time() -> None:
    line = position(seen=10_155, total=537).line(100.0, 79)
    assert line == "bitcoin-core/gui  issue comments  10,155  102/s  1:40 so far"


def test_the_remaining_time_counts_down_between_two_reports() -> None:
    place = position(seen=100, total=200, advanced=100.0)
    assert [place.seconds_left(now) for now in (100.0, 110.0, 199.0)] == [100.0, 90.0, 1.0]
    assert place.line(110.0, 79) == "bitcoin-core/gui  issue comments  100 of 200  1.0/s  1:30 left"
    assert place.seconds_left(300.0) == 300.0, "the report is overdue, so the rate has dropped"


def test_elapsed_time_is_not_called_left() -> None:
    assert "left" not in position(seen=50).line(100.0, 79)
    assert position(seen=50).line(100.0, 79).endswith("1:40 so far")


def test_a_long_name_is_shortened_in_its_middle_and_cannot_move_the_cursor() -> None:
    assert shortened("organisation/repository", 11) == "organ…itory"
    assert shortened("a\x1b[2Jb\r\n", 20) == "a [2Jb  "


@pytest.mark.parametrize(("seconds", "words"), [(0, "0:00"), (67.4, "1:07"), (3_723, "1:02:03")])
def test_a_duration_is_shown_as_minutes_and_seconds(seconds: float, words: str) -> None:
    assert clock(seconds) == words


def test_a_new_total_of_the_same_stream_preserves_the_count() -> None:
    before = position(seen=5, total=10)
    assert moved(before, "bitcoin-core/gui", "issue_comments", 20).seen == 5
    assert moved(before, "bitcoin-core/gui", "issues", 20).seen == 0


def test_the_line_is_removed_while_other_text_is_written() -> None:
    out = io.StringIO()
    line = Line(out)
    line.start()
    line.expect("o/r", "issues", 3)
    with line.hidden():
        out.write("a warning\n")
    line.advance(1)
    line.stop()
    assert "\r\x1b[2Ka warning\n" in out.getvalue()
    assert out.getvalue().endswith("\r\x1b[2K")


def test_a_file_gets_whole_lines() -> None:
    out = io.StringIO()
    plain = PlainLines(out)
    plain.expect("o/r", "issues", 300)
    for _ in range(100):
        plain.advance(3)
    plain.expect("o/r", "labels", None)
    assert "\x1b" not in out.getvalue()
    assert [line.split("  ")[1] for line in out.getvalue().splitlines()] == ["issues", "issues", "labels"][
        -len(out.getvalue().splitlines()) :
    ]


@pytest.mark.django_db(transaction=True)
def test_the_index_reports_every_64_chunks_and_ends_at_its_total() -> None:
    reports: list[tuple[int, int | None]] = []
    with model("steps"):
        notes = FakeSource(**{f"n{n}": "|".join(f"text {n} {part}" for part in range(5)) for n in range(300)})
        result = sync([notes], progress=lambda done, total: reports.append((done, total)))
    assert result.chunks_embedded == 1500
    steps = [after - before for (before, _), (after, _) in pairwise(reports)]
    assert max(steps) <= 64
    assert min(steps) >= 0
    assert all(total is not None and done <= total for done, total in reports)
    assert reports[-1] == (1500, 1500)
    assert reports[0][1] == 1500, "estimated from the first batch"


@pytest.mark.django_db(transaction=True)
def test_an_index_without_new_vectors_reports_progress_too() -> None:
    with model("twice"):
        notes = FakeSource(a="one|two", b="three")
        sync([notes])
        notes.enqueue("a")
        reports: list[int] = []
        sync([notes], progress=lambda done, _: reports.append(done))
    assert reports[-1] == 2


@pytest.mark.django_db(transaction=True)
def test_the_run_page_shows_chunks_rate_and_remaining_time_of_the_index() -> None:
    with recorded_run("github", {}) as run:
        progress = RecordedProgress(run, Silence())
        progress.begin("run")
        progress.expect("o/r", "issues", 3)
        progress.advance(3)
        progress.begin("sync_pinecone")
        report = counted(progress, "search index")
        report(640, 3_100)
        progress._position.began -= 20.0
        progress._next = 0.0
        report(704, 3_100)
        run.refresh_from_db()
        assert progress_in_words(run) == "search index: 704 of 3,100 chunks, 35 a second, 1 min 08 s left"
        assert run.progress["streams"] == {"issues": 3}, "chunks are not items of the source"
    CollectorRun.objects.update(outcome="succeeded")
    run.refresh_from_db()
    assert progress_in_words(run) == ""


@pytest.mark.django_db(transaction=True)
def test_an_indexing_session_names_its_command() -> None:
    name_session()
    with connection.cursor() as cursor:
        cursor.execute("SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()")
        name = cursor.fetchone()[0]
    assert "(process " in name
    assert len(name) <= MAX_NAME_BYTES


def test_every_progress_accepts_the_same_reports() -> None:
    shows: list[Progress] = [Silence(), Line(io.StringIO()), PlainLines(io.StringIO())]
    for progress in shows:
        progress.expect("o/r", "issues", 1)
        progress.advance(1)
