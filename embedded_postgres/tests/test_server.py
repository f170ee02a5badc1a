"""Tests of the embedded server.

The first client starts it, several processes share it, it restarts after SIGKILL, and it leaves no processes behind.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_postgres.client import stop_server
from embedded_postgres.cluster_paths import ClusterPaths

ROOT = Path(__file__).parents[2]


def url(var: Path) -> subprocess.CompletedProcess[str]:
    """Run ``python -m embedded_postgres url``, which starts the server."""
    command = [sys.executable, "-m", "embedded_postgres", "url"]
    env = {**os.environ, "VAR_DIR": str(var)}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    """Yield a VAR_DIR with spaces and Chinese characters in its path, which is too long for a socket."""
    folder = tmp_path / "a folder 文" / ("x" * 90)
    yield folder
    if folder.exists():
        stop_server(folder)


def test_a_server_starts_is_shared_and_recovers_from_kills(var: Path) -> None:
    assert url(var).returncode == 0
    home = ClusterPaths(var / "postgres")
    postmaster = home.postmaster()
    assert postmaster is not None
    assert url(var).stdout == url(var).stdout
    os.kill(postmaster[0], signal.SIGKILL)
    time.sleep(0.5)
    assert url(var).returncode == 0
    again = home.postmaster()
    assert again is not None
    assert again[0] != postmaster[0]


@pytest.mark.slow
def test_a_stale_pid_file_does_not_block_a_start(var: Path) -> None:
    assert url(var).returncode == 0
    stop_server(var)
    pid_file = var / "postgres" / "data" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n/nowhere\n0\n5432\n/nowhere\n\n  1 1\nready   \n")
    assert url(var).returncode == 0


@pytest.mark.slow
def test_another_major_version_is_refused_with_what_to_do(var: Path) -> None:
    assert url(var).returncode == 0
    stop_server(var)
    (var / "postgres" / "data" / "PG_VERSION").write_text("15\n")
    refused = url(var)
    assert refused.returncode == 1
    assert "created by PostgreSQL 15" in refused.stderr
    assert refused.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_deleted_folder_ends_its_server(var: Path) -> None:
    assert url(var).returncode == 0
    postmaster = ClusterPaths(var / "postgres").postmaster()
    assert postmaster is not None
    give_up = time.monotonic() + 60
    while var.exists() or Path(f"/proc/{postmaster[0]}").exists():  # the server may write while the folder is deleted
        shutil.rmtree(var, ignore_errors=True)
        assert time.monotonic() < give_up
        time.sleep(0.1)
