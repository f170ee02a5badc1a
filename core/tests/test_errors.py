"""Tests of the category and the exit code of each exception."""

import errno
import socket

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management.base import CommandError
from django.db import DatabaseError, IntegrityError, OperationalError

from core import errors
from core.errors import CollectorError, CollectorFailureCategory, classify_failure, exit_code_for, in_one_line

REFUSED = "connection failed: connection to server at 127.0.0.1 failed: Connection refused"


def caused(error: Exception, cause: BaseException) -> Exception:
    """Return the error with a cause, as after ``raise error from cause``."""
    error.__cause__ = cause
    return error


def on_windows(code: int) -> OSError:
    """Return an error with a Winsock error number, as Python raises it on Windows."""
    error = OSError("message")
    error.winerror = code  # pyright: ignore[reportAttributeAccessIssue]  # exists on Windows only
    return error


CASES = [
    (CommandError("x"), "command"),
    (ValidationError("x"), "validation"),
    (PermissionError(errno.EACCES, "x"), "permission"),
    (TimeoutError(), "timeout"),
    (OSError(errno.ETIMEDOUT, "x"), "timeout"),
    (ConnectionResetError(), "network"),
    (ConnectionRefusedError(), "network"),
    (BrokenPipeError(), "network"),
    (socket.gaierror(socket.EAI_NONAME, "x"), "network"),
    *((OSError(number, "x"), "network") for number in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN)),
    *((on_windows(number), "network") for number in (10051, 10060, 10061, 11001)),
    (OSError(0, "x", None, 10061), "network"),
    (on_windows(5), "unknown"),
    (FileNotFoundError(), "unknown"),
    (IsADirectoryError(), "unknown"),
    (OSError(errno.ENOSPC, "x"), "unknown"),
    (OSError("x"), "unknown"),
    (ValueError(), "validation"),
    (UnicodeDecodeError("utf-8", b"", 0, 1, "x"), "validation"),
    (DatabaseError(), "unknown"),
    (caused(IntegrityError("x"), psycopg.errors.UniqueViolation()), "unknown"),
    (caused(OperationalError("x"), psycopg.errors.DiskFull()), "unknown"),
    (caused(OperationalError(REFUSED), psycopg.OperationalError(REFUSED)), "network"),
    (caused(OperationalError("x"), psycopg.OperationalError("the connection is lost")), "network"),
    (RuntimeError(), "unknown"),
    (KeyboardInterrupt(), "unknown"),
    (caused(RuntimeError("x"), TimeoutError()), "timeout"),
    (caused(RuntimeError("x"), caused(KeyError("y"), PermissionError())), "permission"),
    (caused(ValueError("x"), TimeoutError()), "validation"),
    (ExceptionGroup("x", [RuntimeError(), TimeoutError(), ValueError()]), "timeout"),
    (ExceptionGroup("x", [FileNotFoundError(), ConnectionResetError()]), "network"),
    (ExceptionGroup("x", [RuntimeError(), ExceptionGroup("y", [KeyError(), PermissionError()])]), "permission"),
    (ExceptionGroup("x", [caused(RuntimeError("y"), TimeoutError())]), "timeout"),
    (caused(ExceptionGroup("x", [RuntimeError()]), TimeoutError()), "timeout"),
    (ExceptionGroup("x", [RuntimeError()]), "unknown"),
]


@pytest.mark.parametrize(("error", "category"), CASES, ids=lambda value: repr(value)[:60])
def test_an_exception_has_its_category(error: BaseException, category: str) -> None:
    assert classify_failure(error) == category


def test_a_context_is_not_a_cause() -> None:
    error = RuntimeError("x")
    error.__context__ = TimeoutError()
    assert classify_failure(error) == "unknown"


def test_circular_causes_end() -> None:
    first, second = RuntimeError(), RuntimeError()
    first.__cause__, second.__cause__ = second, first
    assert classify_failure(first) == "unknown"
    assert classify_failure(caused(first, ExceptionGroup("x", [first]))) == "unknown"


def test_categories_are_plain_words() -> None:
    words = "unknown validation auth permission rate_limit network timeout command"
    assert list(CollectorFailureCategory) == words.split()
    assert all(type(category.value) is str for category in CollectorFailureCategory)


OWN = {
    "CollectorError": ("unknown", 1), "ConfigurationError": ("validation", 2), "ReplaceToken": ("auth", 2),
    "TokensRefused": ("auth", 2),
    "AccessDenied": ("permission", 1), "NotFound": ("unknown", 1), "RetryLater": ("rate_limit", 3),
    "BudgetExhausted": ("rate_limit", 3), "SourceUnavailable": ("network", 1), "SourceTimeout": ("timeout", 1),
    "UnexpectedAnswer": ("unknown", 1), "SliceRefused": ("network", 1), "CursorRefused": ("unknown", 1),
    "ScopeBusy": ("command", 75), "DocumentRefused": ("validation", 1),
}  # fmt: skip


def test_every_error_of_the_project_has_a_category_and_an_exit_code() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, CollectorError)]
    found = {kind.__name__: (classify_failure(kind("x")), exit_code_for(kind("x"))) for kind in kinds}
    assert found == OWN


def test_an_error_of_the_project_keeps_its_category_whatever_caused_it() -> None:
    assert classify_failure(caused(errors.ReplaceToken("x"), TimeoutError())) == "auth"


def test_exit_codes_of_other_exceptions_are_as_documented() -> None:
    assert exit_code_for(CommandError("x", returncode=4)) == 4
    assert exit_code_for(CommandError("x")) == 1
    assert exit_code_for(ImproperlyConfigured("x")) == 2
    assert exit_code_for(RuntimeError()) == 1


def test_only_a_database_that_was_never_reached_is_a_wrong_configuration() -> None:
    lost = "consuming input failed: server closed the connection unexpectedly"
    assert exit_code_for(caused(OperationalError(REFUSED), psycopg.OperationalError(REFUSED))) == 2
    assert exit_code_for(OperationalError("the embedded database cannot start: no room")) == 2
    assert exit_code_for(caused(OperationalError(lost), psycopg.OperationalError(lost))) == 1
    assert exit_code_for(caused(OperationalError("deadlock"), psycopg.errors.DeadlockDetected())) == 1


def test_one_line_says_what_to_do() -> None:
    assert "check DATABASE_URL" in in_one_line(OperationalError(REFUSED))
    assert "free space" in in_one_line(OSError(errno.ENOSPC, "No space left on device"))
    assert in_one_line(ValueError("two\r\n\tlines")) == "two lines"
    assert in_one_line(KeyError()) == "KeyError"
