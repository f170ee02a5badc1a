"""Kills a process at one of its steps: before a statement, or before or after a commit or a request."""

import os
import signal
import traceback
from collections.abc import Callable
from typing import Any

import httpx
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper


def survives(step: int, act: Callable[[], object]) -> bool:
    """Run ``act`` in a child process that is killed at step number ``step``.

    Returns True if the child ended without an error before this step. Raises AssertionError if ``act`` failed.
    """
    connections.close_all()
    child = os.fork()
    if child == 0:
        _die_at(step)
        try:
            act()
        except BaseException:  # noqa: BLE001  (the child must not return into the test)
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return not os.WIFSIGNALED(status)


def _die_at(step: int) -> None:
    passed = 0

    def tick() -> None:
        nonlocal passed
        passed += 1
        if passed == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def statement(execute: Callable[..., Any], *args: Any) -> Any:
        tick()
        return execute(*args)

    connection.execute_wrappers.append(statement)
    for owner, name in ((BaseDatabaseWrapper, "_commit"), (httpx.Client, "send")):
        setattr(owner, name, _between(getattr(owner, name), tick))


def _between(work: Callable[..., Any], tick: Callable[[], None]) -> Callable[..., Any]:
    def ticking(*args: Any, **options: Any) -> Any:
        tick()
        result = work(*args, **options)
        tick()
        return result

    return ticking
