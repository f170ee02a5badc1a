"""Collected texts are harmless in terminals, logs, messages and exported files."""

import csv
import json
import logging
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import BaseCommand

from config.logs import UTCFormatter
from core.collectors import ReportingCommand
from core.collectors.progress import Position
from core.management.commands.collector_status import in_lines
from core.management.commands.export_activity import without_formula
from core.models import Activity, Scope
from core.monitoring.status import Finding, Level, Status
from core.operations.slack_ops.messages import plain
from core.operations.visible import HIDDEN, json_text, visible, visible_line
from tests.support.activities import make_activity
from tests.support.conversation_fixtures import store_document

pytestmark = pytest.mark.django_db  # commands set limits on the database connection if it is open
HOSTILE = "red\x1b[31m \u202etxt.exe\u202c pay\u200bpal \x9b2J bell\x07 tag\U000e0041 del\x7f"
"""A text with control sequences for colour and clearing the screen, a direction override, and invisible characters."""


class Terminal(StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


class Printing(ReportingCommand):
    """A command that prints a hostile text to both of its streams."""

    requires_system_checks: Any = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the text to standard output and standard error."""
        self.stdout.write(HOSTILE)
        self.stderr.write(HOSTILE)


@pytest.mark.parametrize("stream", [Terminal, StringIO])
def test_no_command_prints_a_hidden_character(stream: type[StringIO]) -> None:
    out, error = stream(), stream()
    call_command(Printing(stdout=StringIO(), no_color=True), stdout=out, stderr=error, no_color=True)
    for text in (out.getvalue(), error.getvalue()):
        assert not HIDDEN.search(text)
        assert "red‹U+001B›[31m ‹U+202E›txt.exe" in text


def test_a_command_that_calls_another_shows_its_text_once() -> None:
    class Calling(ReportingCommand):
        requires_system_checks: Any = ()

        def handle(self, *args: Any, **options: Any) -> None:
            call_command(Printing(), stdout=self.stdout, stderr=self.stderr)

    out = StringIO()
    call_command(Calling(), stdout=out, stderr=StringIO())
    assert out.getvalue() == f"{visible(HOSTILE)}\n"


def test_the_last_line_of_an_error_names_hidden_characters(capsys: pytest.CaptureFixture[str]) -> None:
    class Failing(ReportingCommand):
        requires_system_checks: Any = ()

        def handle(self, *args: Any, **options: Any) -> None:
            raise ValueError(f"no repository {HOSTILE}\nerror: forged (auth)")

    for arguments in ([], ["--traceback"]):
        with pytest.raises(SystemExit):
            Failing().run_from_argv(["manage.py", "failing", *arguments])
        printed = capsys.readouterr().err
        assert not HIDDEN.search(printed)
        assert "‹U+202E›" in printed
    assert printed.splitlines()[-1].startswith("error: no repository red")


def test_colours_of_system_checks_do_not_reach_the_error_line() -> None:
    command: BaseCommand = Printing(force_color=True)
    command.check(tags=["models"])
    assert command.style.ERROR("x") != "x"


@pytest.mark.parametrize("name", [HOSTILE, "owner/\u2067name\u2069", "a\r\nb", "x" * 200 + "\x1b]0;title\x07"])
def test_a_progress_line_stays_one_line(name: str) -> None:
    line = Position(scope=name, stream="issues", total=10, seen=3).line(0.0, 70)
    assert not HIDDEN.search(line)
    assert "\n" not in line


@pytest.mark.parametrize("name", [HOSTILE, "a\nERROR core: forged", "b\u2028c\r2026-01-01T00:00:00Z INFO x: y"])
def test_a_log_line_is_one_line_whatever_a_name_holds(name: str) -> None:
    record = logging.makeLogRecord(
        {"name": "core", "msg": "cannot read scope=%s", "args": (name,), "levelname": "INFO"}
    )
    line = UTCFormatter("%(levelname)s %(name)s: %(message)s").format(record)
    assert line.splitlines() == [f"INFO core: cannot read scope={visible_line(name)}"]
    assert not HIDDEN.search(line)


def test_messages_to_people_hold_nothing_hidden() -> None:
    assert plain("a\u200bb \u2066c\u2069\x1b[1m\nd \ufe0fe", 100) == "ab c[1m d e"


def test_a_status_line_is_one_line() -> None:
    found = Status(
        findings=[Finding(level=Level.WARNING, text=f"{HOSTILE}\nOK - forged")], figures={}, last_runs=[], scopes=[]
    )
    lines = in_lines(found)
    assert len(lines) == len("\n".join(lines).splitlines()) == 2
    assert not any(HIDDEN.search(line) for line in lines)


@pytest.mark.parametrize("text", [HOSTILE, "\U000f0000 \ue000 \u2028", "plain", "\U0001f468\u200d\U0001f469"])
def test_json_shows_nothing_hidden_and_reads_the_same(text: str) -> None:
    for options in ({}, {"ensure_ascii": False}):
        written = json_text({"text": text}, **options)
        assert not HIDDEN.search(written)
        assert json.loads(written) == {"text": text}


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("1\ufe0f\u20e3 ❤\ufe0f 葛\U000e0100", "1\ufe0f\u20e3 ❤\ufe0f 葛\U000e0100"),
        ("❤\ufe0f\ufe01a\ufe0f", "❤\ufe0f‹U+FE01›a‹U+FE0F›"),
        ("é\u200d\u200d", "é\u200d‹U+200D›"),
        ("\x9b31m", "‹U+009B›31m"),
        ("علی\u200cرضا", "علی\u200cرضا"),
    ],
)
def test_variants_and_joiners_stay_only_where_they_have_an_effect(text: str, seen: str) -> None:
    assert visible(text) == seen


@pytest.mark.parametrize("stream", [Terminal, StringIO])
def test_search_around_shows_hidden_characters_of_neighbours(stream: type[StringIO]) -> None:
    store_document(
        "harbour", "Harbour", f"the ferry leaves at noon {HOSTILE}", f"neighbour {HOSTILE}", author=f"ada{HOSTILE}"
    )
    out = stream()
    call_command("search", "ferry", "noon", "--mode", "text", "--around", "2", stdout=out, no_color=True)
    assert "neighbour red‹U+001B›[31m" in " ".join(out.getvalue().split())  # a terminal gets wrapped lines
    assert not HIDDEN.search(out.getvalue())


@pytest.fixture
def hostile_activity(db: Any) -> Activity:
    """Store an activity with a hostile name and a formula as its summary."""
    scope = Scope.objects.create(source_system="github", external_id="1", name=f"o/{HOSTILE}")
    return make_activity(
        source_system="github", external_id="github:issue:1", activity_type="github.issue", scope=scope,
        occurred_at=datetime(2026, 3, 1, tzinfo=UTC), actor_name=HOSTILE, summary='=HYPERLINK("https://x.example";1)',
    )  # fmt: skip


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_is_harmless_on_a_terminal_and_exact_in_a_pipe(hostile_activity: Activity, form: str) -> None:
    terminal, pipe = Terminal(), StringIO()
    for out in (terminal, pipe):
        call_command("export_activity", "--format", form, stdout=out, no_color=True)
    assert not HIDDEN.search(terminal.getvalue())
    assert hostile_activity.actor_name in (
        json.loads(pipe.getvalue())["actor_name"] if form == "jsonl" else pipe.getvalue()
    )
    if form == "jsonl":
        assert json.loads(terminal.getvalue()) == json.loads(pipe.getvalue())


def test_csv_has_no_formulas_unless_asked_for(hostile_activity: Activity, tmp_path: Path) -> None:
    def summary(*options: str) -> str:
        target = tmp_path / "out.csv"
        call_command("export_activity", "--format", "csv", "--output", str(target), *options, stdout=StringIO())
        with target.open(newline="") as file:
            return next(csv.DictReader(file))["summary"]

    assert summary() == f"'{hostile_activity.summary}"
    assert summary("--keep-formulas") == hostile_activity.summary


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_each_beginning_of_a_formula_is_guarded(start: str) -> None:
    assert without_formula(f"{start}1+1") == f"'{start}1+1"
    assert without_formula(f"a{start}1") == f"a{start}1"
    assert without_formula(None) is None
