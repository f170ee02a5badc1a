"""Tests that every error of a command leads to one line and an exit code."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management.base import CommandError
from django.db import OperationalError

from core.collectors import ReportingCommand
from core.errors import AccessDenied, BudgetExhausted, ConfigurationError, ReplaceToken, RetryLater, ScopeBusy

ROOT = Path(__file__).parents[2]
SECRET = "ghp_" + "a" * 36
REFUSED = "connection failed: connection to server at 127.0.0.1, port 1 failed: Connection refused\n\tIs it running?"


class Failing(ReportingCommand):
    """A command that raises the error in ``error``."""

    requires_system_checks: Any = ()
    error: BaseException | None = None

    def handle(self, *args: Any, **options: Any) -> None:
        if self.error:
            raise self.error


def end(error: BaseException | None, *more: str, code: int = 0) -> int:
    """Run ``Failing`` with this error as if from the command line, and return the exit code."""
    command = Failing()
    command.error, command.exit_code = error, code
    try:
        command.run_from_argv(["manage.py", "failing", *more])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def caused(error: Exception, cause: Exception) -> Exception:
    """Return the error with a cause, as after ``raise error from cause``."""
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, 0),
        (RuntimeError("x"), 1),
        (AccessDenied("x"), 1),
        (ReplaceToken("x"), 2),
        (CommandError("x"), 1),
        (ConfigurationError("x"), 2),
        (BudgetExhausted("x"), 3),
        (RetryLater("x"), 3),
        (CommandError("x", returncode=5), 5),
        (ScopeBusy("x"), 75),
        (KeyboardInterrupt(), 130),
    ],
)
@pytest.mark.parametrize("more", [(), ("--traceback",)])
def test_every_end_has_its_exit_code(error: BaseException | None, code: int, more: tuple[str, ...]) -> None:
    assert end(error, *more) == code


@pytest.mark.parametrize("code", [3, 75])
def test_an_incomplete_end_has_its_own_exit_code(code: int) -> None:
    assert end(None, code=code) == code


def test_a_wrong_option_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert end(None, "--nonsense") == 2
    assert "--nonsense" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RuntimeError("two\nlines"), "error: two lines (unknown)"),
        (RuntimeError(), "error: RuntimeError (unknown)"),
        (CommandError("no"), "error: no (command)"),
        (TimeoutError("slow"), "error: slow (timeout)"),
        (ExceptionGroup("both", [PermissionError("no")]), "error: both (1 sub-exception) (permission)"),
        (PermissionError(f"no: {SECRET}"), "error: no: *** (permission)"),
        (KeyboardInterrupt(), "interrupted: stored data is safe; run again to continue"),
    ],
)
def test_an_error_is_one_line_on_standard_error(
    error: BaseException, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    end(error)
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", f"{line}\n")


def test_a_traceback_is_shown_on_request_with_its_causes_and_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    end(caused(RuntimeError(f"refused {SECRET}"), ValueError(f"Authorization: Bearer {SECRET}")), "--traceback")
    output = capsys.readouterr().err
    assert output.count("Traceback (most recent call last)") == 1
    assert "direct cause" in output
    assert SECRET not in output
    assert output.splitlines()[-1] == "error: refused *** (validation)"


def test_a_full_disk_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert end(OSError(errno.ENOSPC, "No space left on device")) == 1
    assert "free space" in capsys.readouterr().err


def test_an_unreachable_database_names_its_variable(capsys: pytest.CaptureFixture[str]) -> None:
    assert end(caused(OperationalError(REFUSED), psycopg.OperationalError(REFUSED))) == 2
    output = capsys.readouterr().err
    assert output.endswith("; check DATABASE_URL, and that the database server is running (network)\n")
    assert output.count("\n") == 1


def test_a_lost_database_is_not_a_wrong_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    assert end(caused(OperationalError("the connection is lost"), psycopg.OperationalError("x"))) == 1
    assert capsys.readouterr().err.endswith("(network)\n")


@pytest.mark.parametrize("command", ["export_activity", "migrate"])
def test_a_wrong_database_url_is_one_line_without_its_password(command: str) -> None:
    env = {**os.environ, "SECRET_KEY": "x", "DATABASE_URL": "postgres://user:hidden-word@127.0.0.1:1/name"}
    done = subprocess.run(
        [sys.executable, "manage.py", command], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: connection failed")
    assert done.stderr.count("\n") == 1
    assert "check DATABASE_URL" in done.stderr
    assert "hidden-word" not in done.stderr
