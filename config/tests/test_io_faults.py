"""Tests of ``config.tests.io_faults``: faults happen at the chosen steps, and do not damage the files being written."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from config.tests.io_faults.installation import HOOK, comparable, difference, times_of_reading
from core.operations.files import open_atomic

READS_A_BYTE = """
import socket
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
server.accept()[0].sendall(b"x")
client.recv(1)
"""
_spec = importlib.util.spec_from_file_location("io_fault_hook", HOOK / "sitecustomize.py")
assert _spec is not None
assert _spec.loader is not None
hook = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(hook)


def disturbed(report: Path, act: Callable[[], object], *, at: int, lasting: bool = False) -> tuple[bool, list[str]]:
    """Run a function with a fault in a child process. Returns whether it succeeded, and the lines of the report."""
    report.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        steps = hook.Steps(at=at, lasting=lasting, way=at, report=str(report))
        hook.arm(steps)
        code = 1
        try:
            act()
            code = 0
        finally:  # the child must not return into the test
            steps.note(f"steps {next(steps.numbers) - 1}")
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0, report.read_text().splitlines()


def test_a_file_is_old_or_new_and_alone_whichever_step_of_its_writing_fails(tmp_path: Path) -> None:
    target, report = tmp_path / "folder" / "target", tmp_path / "report"
    target.parent.mkdir()

    def write() -> None:
        with open_atomic(target) as file:
            for _ in range(4):
                file.write("new " * 5000)

    ended, lines = disturbed(report, write, at=0)
    new, steps = target.read_text(), int(lines[-1].split()[1])
    assert (ended, len(new)) == (True, 80_000)
    kinds: set[str] = set()
    for at in range(1, steps + 1):
        for lasting in (False, True):
            target.write_text("old")
            ended, lines = disturbed(report, write, at=at, lasting=lasting)
            kinds.add(lines[0].split()[2])
            assert not ended
            assert target.read_text() in {"old", new}
            assert [path.name for path in target.parent.iterdir()] == ["target"]
    assert kinds == {"create", "write", "fsync", "rename"}


def test_the_start_of_a_program_is_a_step(tmp_path: Path) -> None:
    ended, lines = disturbed(tmp_path / "report", lambda: subprocess.run(["true"], check=True), at=3)
    assert (ended, lines) == (True, ["steps 1"])
    ended, lines = disturbed(tmp_path / "report", lambda: subprocess.run(["true"], check=True), at=1)
    assert lines[0] == "step 1 program true"


def test_python_loads_the_faults_by_itself(tmp_path: Path) -> None:
    report = tmp_path / "report"
    spec = {"at": 1, "lasting": False, "way": 0, "report": str(report)}
    done = subprocess.run(
        [sys.executable, "-c", READS_A_BYTE], capture_output=True, text=True, check=False,
        env=os.environ | {"IO_FAULT": json.dumps(spec), "PYTHONPATH": str(HOOK)},
    )  # fmt: skip
    assert (done.returncode, report.read_text()) == (1, "step 1 read recv\nsteps 1\n")
    assert "ConnectionResetError" in done.stderr


def test_a_row_that_is_missing_or_other_is_noticed() -> None:
    first = {"t": [{"id": 1, "body": "x", "read_at": "1"}, {"id": 2, "body": "y", "read_at": "1"}]}
    second = {"t": [{"id": 1, "body": "x", "read_at": "2"}, {"id": 2, "body": "y", "read_at": "2"}]}
    times = times_of_reading(first, second)
    assert times == {("t", "read_at")}
    expected = comparable(first, times)
    assert difference(expected, comparable(second, times)) == ""
    assert "1 missing" in difference(expected, comparable({"t": second["t"][:1]}, times))
    never = [{"id": 1, "body": "x", "read_at": None}, second["t"][1]]
    assert "1 missing, 1 more" in difference(expected, comparable({"t": never}, times))
    with pytest.raises(ValueError, match=r"t\.body"):
        times_of_reading(first, {"t": [{"id": 1, "body": "z", "read_at": "1"}, second["t"][1]]})
