"""Tests of the locks of scopes and runs, which belong to a database session, and of lost connections."""

import threading
from typing import Any

import psycopg
import pytest
from django.db import Error, OperationalError, connection

from core.errors import ScopeBusy, classify_failure, exit_code_for
from core.models import CollectorRun
from core.runs import recorded_run, scope_lock

pytestmark = pytest.mark.django_db(transaction=True)


def in_another_session(work: Any) -> Any:
    """Run a function on a separate database connection. Return its result, or the database error that it raised."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        except (Error, psycopg.Error) as error:
            found.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


def is_free(scope: str, collector: str = "github") -> bool:
    """Return whether another session can take the lock of the scope."""

    def attempt() -> bool:
        with scope_lock(collector, scope, patience=0) as held:
            return held

    return in_another_session(attempt)


def test_a_scope_is_held_by_one_session() -> None:
    with scope_lock("github", "1") as held:
        assert held
        assert not is_free("1")
        assert is_free("2")
        assert is_free("1", collector="discord")
    assert is_free("1")


def test_a_scope_is_free_after_a_failure() -> None:
    with pytest.raises(KeyError), scope_lock("github", "1"):
        raise KeyError
    assert is_free("1")


def test_a_scope_whose_session_was_killed_is_free() -> None:
    def die() -> object:
        with scope_lock("github", "1") as held, connection.cursor() as cursor:
            assert held
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return None

    assert isinstance(in_another_session(die), OperationalError)
    assert is_free("1")


def test_a_lost_connection_is_a_failure_of_the_network_and_not_of_the_configuration() -> None:
    def use_after_its_end() -> object:
        with connection.cursor() as cursor:
            with pytest.raises(OperationalError):
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            return cursor.execute("SELECT 1")

    error = in_another_session(use_after_its_end)
    assert (classify_failure(error), exit_code_for(error)) == ("network", 1)


def test_a_busy_scope_has_its_own_exit_code() -> None:
    assert exit_code_for(ScopeBusy("x")) == 75


def test_a_run_of_another_living_process_is_unchanged() -> None:
    def begin_another() -> str:
        with recorded_run("github", {}):
            return CollectorRun.objects.earliest("pk").outcome

    with recorded_run("github", {}):
        assert in_another_session(begin_another) == "running"
