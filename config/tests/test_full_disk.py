"""A full disk is reported in one line, and everything works again when the disk has free space."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db.utils import OperationalError

from core.errors import classify_failure, in_one_line
from embedded_postgres.backend.base import DatabaseWrapper
from embedded_postgres.client import stop_server
from embedded_postgres.cluster_paths import NEEDED, ClusterPaths, is_disk_full
from tests.support.doc_examples import ROOT, run

MANAGE = f"{sys.executable} {ROOT}/manage.py"
LOG_ONLY = "SELECT count(pg_logical_emit_message(true, 'test', repeat('x', 1000000))) FROM generate_series(1, {})"
"""A statement that writes the given number of MB to the write-ahead log, and nothing to tables."""
TABLE_ONLY = "CREATE TABLE filler AS SELECT repeat(md5(i::text), 60) FROM generate_series(1, {}) i"
READY = "LOG:  database system is ready to accept connections\n"
PANIC = 'PANIC:  could not write to file "pg_wal/xlogtemp.1": No space left on device\n'


class SmallDisk:
    """A small file system in memory that is mounted on a folder and contains a VAR_DIR."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.var = folder, folder / "var"

    def resize(self, megabytes: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={megabytes}m", self.folder], check=True)

    def fill(self, left: int) -> None:
        """Fill the file system except for ``left`` bytes."""
        free = os.statvfs(self.folder)
        with (self.folder / "filler").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_bsize - left)

    def empty(self) -> None:
        (self.folder / "filler").unlink()

    def manage(self, order: str) -> "subprocess.CompletedProcess[str]":
        return run(f"{MANAGE} {order}", ROOT, VAR_DIR=str(self.var), SECRET_KEY="x", DATABASE_URL="")

    def execute(self, statement: str) -> "subprocess.CompletedProcess[str]":
        code = f"from django.db import connection; connection.cursor().execute({statement!r})"
        return self.manage(f"shell -v0 -c {shlex.quote(code)}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Yield a file system of 20 MB. Skip the test if this user cannot mount file systems."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=20m", "none", folder]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this user or kernel cannot mount a small file system")
    small = SmallDisk(folder)
    yield small
    stop_server(small.var)
    subprocess.run(["umount", "--lazy", folder], check=True)


def reported(done: "subprocess.CompletedProcess[str]") -> int:
    """Check that a command reports the full disk in one line, and return its exit code."""
    assert "the disk is full: free space" in done.stderr
    assert done.stderr.count("\n") == 1
    return done.returncode


@pytest.mark.slow
def test_a_disk_too_small_for_the_first_start_is_reported_and_a_larger_one_is_used(disk: SmallDisk) -> None:
    assert reported(disk.manage("migrate -v0")) == 2
    assert reported(disk.manage("export_activity")) == 2
    disk.resize(300)
    assert disk.manage("migrate -v0").returncode == 0
    assert not list((disk.var / "postgres").glob("data.new-*"))


@pytest.mark.slow
def test_a_server_that_met_a_full_disk_recovers_when_there_is_room(disk: SmallDisk) -> None:
    disk.resize(300)
    assert disk.manage("migrate -v0").returncode == 0
    disk.fill(left=4_000_000)
    assert reported(disk.execute(TABLE_ONLY.format(100_000))) == 1  # only this session fails
    assert reported(disk.execute(LOG_ONLY.format(64))) == 1  # the whole server ends
    assert reported(disk.manage("export_activity")) in {1, 2}  # the server cannot start again
    disk.empty()
    assert disk.manage("export_activity").returncode == 0
    assert disk.execute(LOG_ONLY.format(64)).returncode == 0


def caused(words: str, cause: Exception) -> Exception:
    error = OperationalError(words)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        OSError(122, "Disk quota exceeded"),
        caused("could not extend file", psycopg.errors.DiskFull("could not extend file")),
        caused("konnte Datei nicht erweitern", psycopg.errors.DiskFull("in another language")),
        OSError("pg_dump failed: pg_dump: error: could not write to output file: No space left on device"),
        ExceptionGroup("two", [ValueError("x"), OSError(28, "No space left on device")]),
    ],
)
def test_a_full_disk_is_recognized_wherever_it_is_met(error: Exception) -> None:
    assert in_one_line(error).startswith("the disk is full")


def test_a_full_disk_is_no_trouble_of_the_network() -> None:
    lost = caused("No space left on device: the embedded database has stopped", psycopg.OperationalError("closed"))
    assert classify_failure(lost) == "unknown"
    assert classify_failure(caused("the connection is lost", psycopg.OperationalError("closed"))) == "network"


def home_with(tmp_path: Path, log: str) -> ClusterPaths:
    (tmp_path / "server.log").write_text(log)
    return ClusterPaths(tmp_path)


def test_the_server_log_names_the_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedded_postgres.cluster_paths.NEEDED", 0)
    assert is_disk_full(home_with(tmp_path, READY + PANIC), since=10_000)
    assert is_disk_full(home_with(tmp_path, PANIC + READY), since=0)
    assert not is_disk_full(home_with(tmp_path, PANIC + READY), since=len(PANIC))  # the line is before ``since``
    assert not is_disk_full(home_with(tmp_path, READY + PANIC.replace("PANIC", "ERROR")), since=0)  # one statement
    assert not is_disk_full(home_with(tmp_path, ""), since=0)
    assert not is_disk_full(ClusterPaths(tmp_path / "nothing"), since=0)


def test_a_server_without_room_for_its_log_has_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), {"free": NEEDED - 1}))
    assert is_disk_full(home_with(tmp_path, ""), since=0)


def refused(words: str) -> psycopg.OperationalError:
    return psycopg.OperationalError(f"connection failed: the database system or server {words}")


@pytest.mark.parametrize("words", ["is in recovery mode", "is starting up", "closed the connection unexpectedly"])
def test_a_server_that_recovers_is_waited_for(words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[object] = [refused(words), refused(words), "a connection"]
    assert connect(answers, tmp_path, monkeypatch) == "a connection"


def test_a_server_that_recovers_in_vain_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home_with(tmp_path, PANIC)
    with pytest.raises(psycopg.OperationalError, match="recovery"):
        connect([refused("is in recovery mode")], tmp_path, monkeypatch)


def connect(answers: list[object], home: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Connect to a fake server. Each attempt raises or returns the next item of ``answers``."""

    def answer(_self: object, _parameters: object) -> object:
        first = answers.pop(0)
        if isinstance(first, Exception):
            raise first
        return first

    monkeypatch.setattr(DatabaseWrapper, "_connect", answer)
    return DatabaseWrapper({"EMBEDDED_HOME": str(home)}).get_new_connection({})
