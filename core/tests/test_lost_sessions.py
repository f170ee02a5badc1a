"""Tests that driver errors count as a lost connection if the database server stopped, crashed or is starting."""

import psycopg
import pytest
from django.db import OperationalError

from core.errors import classify_failure, exit_code_for, in_one_line


def wrapped(driver: Exception) -> OperationalError:
    """Return the OperationalError that Django raises for a driver error."""
    error = OperationalError(str(driver))
    error.__cause__ = driver
    return error


@pytest.mark.parametrize(
    "driver",
    [
        psycopg.errors.AdminShutdown("terminating connection due to unexpected postmaster exit"),
        psycopg.errors.AdminShutdown("terminating connection due to administrator command"),
        psycopg.errors.CrashShutdown("terminating connection because of crash of another server process"),
        psycopg.errors.CannotConnectNow("the database system is starting up"),
        psycopg.errors.ConnectionFailure("the connection was cut"),
    ],
)
def test_a_session_that_the_server_ended_is_a_failure_of_the_network(driver: Exception) -> None:
    error = wrapped(driver)
    assert (classify_failure(error), exit_code_for(error)) == ("network", 1)
    assert in_one_line(error).endswith("; check DATABASE_URL, and that the database server is running")


@pytest.mark.parametrize("driver", [psycopg.errors.DeadlockDetected("deadlock"), psycopg.errors.QueryCanceled("late")])
def test_a_statement_that_failed_on_a_running_server_is_not(driver: Exception) -> None:
    assert classify_failure(wrapped(driver)) == "unknown"
