"""``--help`` of every command explains options, examples and exit codes. Errors about dates name the format."""

import re
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class

from core.collectors import ReportingCommand
from core.models import Scope
from tests.support.activities import make_activities

OURS = ("core", "config", "github_activity_tracker", "discord_activity_tracker")
NAMES = sorted(name for name, app in get_commands().items() if app in OURS and name != "migrate")


def command(name: str) -> Any:
    """Load the management command ``name``, and return an instance of it."""
    return load_command_class(get_commands()[name], name)


@pytest.mark.parametrize("name", NAMES)
def test_help_has_examples_that_parse_and_exit_codes(name: str) -> None:
    this = command(name)
    assert isinstance(this, ReportingCommand)
    text = this.create_parser("manage.py", name).format_help()
    examples = re.findall(rf"^  manage\.py ({name}.*)$", text, re.MULTILINE)
    assert examples
    for example in examples:
        words = example.replace('"', "").split()[1:]
        this.create_parser("manage.py", name).parse_args(words)
    assert re.search(r"^exit codes:\n  0 +\w", text, re.MULTILINE)
    assert re.search(r"^  130 +\w", text, re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_explained(name: str) -> None:
    parser = command(name).create_parser("manage.py", name)
    unexplained = [action.dest for action in parser._actions if not action.help]
    assert unexplained == []


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("collect_github", "--since"),
        ("collect_discord", "--since"),
        ("export_activity", "--until"),
        ("search", "--since"),
    ],
)
@pytest.mark.parametrize("value", ["soon", "2024-13-01", "01.02.2024"])
def test_a_wrong_date_says_how_dates_are_written(name: str, option: str, value: str) -> None:
    parser = command(name).create_parser("manage.py", name)
    parser.called_from_command_line = False
    with pytest.raises(CommandError) as raised:
        parser.parse_args([option, value])
    assert "YYYY-MM-DD" in str(raised.value)
    assert "aware_date" not in str(raised.value)


@pytest.mark.django_db
@pytest.mark.parametrize(("number", "words"), [(1, "1 activity"), (3, "3 activities"), (0, "0 activities")])
@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_into_a_file_says_what_it_wrote(tmp_path: Path, number: int, words: str, form: str) -> None:
    scope = Scope.objects.create(source_system="github", external_id="1", name="o/r")
    make_activities(
        {
            "source_system": "github", "external_id": f"github:issue:1:{n}", "scope": scope,
            "activity_type": "github.issue", "occurred_at": datetime(2026, 1, 1, tzinfo=UTC),
        }
        for n in range(number)
    )  # fmt: skip
    out, target = StringIO(), tmp_path / f"all.{form}"
    call_command("export_activity", "--output", str(target), "--format", form, stdout=out)
    assert out.getvalue().startswith(f"{target}: {words}, ")
    assert len(target.read_text().splitlines()) == number + (form == "csv")
