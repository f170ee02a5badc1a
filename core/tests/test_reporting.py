"""Whatever goes wrong in a command is one line and an exit code."""

import errno
from typing import Any

import pytest
from django.db import OperationalError

from core.collectors import ReportingCommand
from core.errors import AccessDenied, BudgetExhausted, ConfigurationError, ScopeBusy

SECRET = "ghp_" + "a" * 36


class Failing(ReportingCommand):
    """Raises what it is given."""

    requires_system_checks: Any = ()
    error: BaseException | None = None

    def handle(self, *args: Any, **options: Any) -> None:
        if self.error:
            raise self.error


def end(error: BaseException | None, *more: str, code: int = 0) -> int:
    """Run as from a terminal; the exit code."""
    command = Failing()
    command.error, command.exit_code = error, code
    try:
        command.run_from_argv(["manage.py", "failing", *more])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, 0),
        (RuntimeError("x"), 1),
        (AccessDenied("x"), 1),
        (ConfigurationError("x"), 2),
        (BudgetExhausted("x"), 3),
        (ScopeBusy("x"), 75),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_end_has_its_exit_code(error: BaseException | None, code: int) -> None:
    assert end(error) == code


def test_an_end_that_is_neither_clean_nor_an_error_has_its_own_code() -> None:
    assert end(None, code=3) == 3


def test_an_error_is_one_line_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    end(RuntimeError("two\nlines"))
    assert capsys.readouterr().err == "error: two lines (unknown)\n"


def test_a_traceback_is_shown_on_request_and_holds_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    end(RuntimeError(f"refused {SECRET}"), "--traceback")
    told = capsys.readouterr().err
    assert "Traceback (most recent call last)" in told
    assert SECRET not in told


def test_a_full_disk_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert end(OSError(errno.ENOSPC, "No space left on device")) == 1
    assert "free space" in capsys.readouterr().err


def test_a_database_that_is_not_there_names_its_variable(capsys: pytest.CaptureFixture[str]) -> None:
    assert end(OperationalError("connection refused")) == 2
    assert "check DATABASE_URL" in capsys.readouterr().err


def test_an_error_without_words_is_told_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    end(RuntimeError())
    assert capsys.readouterr().err.startswith("error: RuntimeError")
