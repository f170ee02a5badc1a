"""Tests that SIGTERM and Ctrl-C end a command at any time, with one line and the exit code of the signal."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from core.collectors import ReportingCommand
from core.models import Alert, CollectorRun
from core.monitoring.alerts import refresh
from core.operations import interrupts
from core.operations.bounds import bounded_process
from core.operations.interrupts import Terminated, interruption_in
from tests.support.fake_collector import Command, FakeCollector, run

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys, time, threading
sys.path.insert(0, {root!r})
from core.operations import interrupts
interrupts.REPEAT_AFTER, interrupts.END_AFTER = 0.3, 0.6
interrupts.catch_signals()
{definitions}
try:
    print("ready", flush=True)
    {work}
except KeyboardInterrupt as error:
    sys.exit(interrupts.report(error))
"""
UNRESPONSIVE = """
class Finalized:
    def __del__(self):
        print("ready", flush=True)
        time.sleep(60)

def swallow():
    try:
        time.sleep(60)
    except BaseException:
        pass

def work_on():
    while True:
        swallow()

def wait_for_another_thread():
    thread = threading.Thread(target=time.sleep, args=(60,))
    thread.start()
    thread.join()

def report_slowly():
    interrupts.END_AFTER = 20
    try:
        time.sleep(60)
    except KeyboardInterrupt as error:
        interrupts.begin_to_end()
        time.sleep(1)
        sys.exit(interrupts.report(error, "interrupted: stored so far: 3 issues"))

def write_output():
    while True:
        print("x" * 100)
"""


def _heed_ctrl_c() -> None:
    """Restore the default handling of SIGINT in the child process.

    A shell script starts background commands (``&``) with SIGINT ignored, and child processes inherit this setting.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def stop(work: str, number: signal.Signals) -> tuple[int, str, float]:
    """Start a program that runs ``work``, and send it a signal.

    Return the program's exit code, its standard error, and the seconds from the signal to the end of the program.
    """
    program = PROGRAM.format(root=str(ROOT), definitions=UNRESPONSIVE, work=work)
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_heed_ctrl_c
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)
        sent = time.monotonic()
        process.send_signal(number)
        try:
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
        return process.returncode, errors, time.monotonic() - sent


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "stopped by SIGTERM")]
)
@pytest.mark.parametrize(
    "work",
    ["time.sleep(60)", "swallow()\n    time.sleep(60)", "work_on()", "wait_for_another_thread()", "write_output()"],
)
def test_a_signal_ends_any_program_with_one_line(work: str, number: signal.Signals, code: int, word: str) -> None:
    ended, errors, seconds = stop(work, number)
    assert (ended, errors) == (code, f"{word}: stored data is safe; run again to continue\n")
    assert seconds < 10


def test_a_signal_that_is_lost_in_a_finalizer_is_repeated() -> None:
    ended, errors, _ = stop("finalized = Finalized(); del finalized\n    time.sleep(60)", signal.SIGTERM)
    assert (ended, errors.count("\n")) == (143, 1)
    assert "Exception ignored" not in errors


def test_a_signal_is_not_repeated_while_the_command_reports_what_it_stored() -> None:
    ended, errors, _ = stop("report_slowly()", signal.SIGINT)
    assert (ended, errors) == (130, "interrupted: stored so far: 3 issues\n")


def test_a_signal_that_was_ignored_at_the_start_stays_ignored() -> None:
    program = PROGRAM.format(
        root=str(ROOT), definitions="import os, signal", work="os.kill(os.getpid(), signal.SIGINT)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_modules_are_loaded_ends_a_command_with_one_line(number: signal.Signals, tmp_path: Path) -> None:
    env = {**os.environ, "VAR_DIR": str(tmp_path), "SECRET_KEY": "x", "PYTHONVERBOSE": "1"}
    command = [sys.executable, "manage.py", "migrate", "--help"]
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("import 'django"):
                break
        process.send_signal(number)
        written = process.stderr.read()
    lines = [line for line in written.splitlines() if "run again" in line or "Traceback" in line]
    assert (process.returncode, len(lines)) == (128 + number, 1)


def error_after(interruption: KeyboardInterrupt) -> Exception:
    """Return a database error that occurs while an interrupted transaction is rolled back."""
    try:
        try:
            raise interruption
        finally:
            raise OperationalError("the connection is lost")
    except OperationalError as error:
        return error


def test_an_error_after_an_interruption_is_an_interruption() -> None:
    interruption = Terminated()
    assert interruption_in(error_after(interruption)) is interruption
    assert interruption_in(interruption) is interruption
    assert interruption_in(OperationalError("the connection is lost")) is None


@pytest.mark.parametrize(("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)])
def test_an_error_after_a_signal_whose_exception_was_lost_is_an_interruption(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals, kind: type[KeyboardInterrupt]
) -> None:
    monkeypatch.setattr(interrupts, "_first", number)
    assert type(interruption_in(OSError("pg_dump failed: terminated by user"))) is kind


class Replaced(ReportingCommand):
    """A command that fails while it is being stopped."""

    requires_system_checks: Any = ()
    error: Exception

    def handle(self, *args: Any, **options: Any) -> None:
        raise self.error


@pytest.mark.parametrize(("interruption", "code"), [(Terminated(), 143), (KeyboardInterrupt(), 130)])
def test_a_command_that_fails_while_it_is_stopped_reports_the_signal(
    interruption: KeyboardInterrupt, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    command = Replaced()
    command.error = error_after(interruption)
    with pytest.raises(SystemExit) as ended:
        command.run_from_argv(["manage.py", "replaced"])
    assert ended.value.code == code
    assert capsys.readouterr().err.endswith(": stored data is safe; run again to continue\n")


class Stopped(FakeCollector):
    """A collector that receives a signal while it is collecting."""

    error: BaseException

    def collect(self) -> Any:
        raise self.error

    def counts_so_far(self) -> dict[str, int]:
        return {"issues": 3}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("replaced", [False, True])
def test_sigterm_closes_the_run_with_its_counts_and_its_reason(replaced: bool) -> None:
    collector = Stopped()
    collector.error = error_after(Terminated()) if replaced else Terminated()
    with pytest.raises(Terminated):
        run(collector, command=Command())
    stopped = CollectorRun.objects.get()
    assert (stopped.outcome, stopped.counts) == ("interrupted", {"issues": 3})
    assert stopped.error == "stopped by SIGTERM; run again to continue"
    refresh()
    assert Alert.objects.get().detail == "stopped by SIGTERM; run again to continue"
    assert not collector.handled


def test_an_interruption_of_the_block_ends_the_process() -> None:
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    with pytest.raises(Terminated), bounded_process(process, 60):
        raise Terminated
    assert process.returncode == -signal.SIGKILL
