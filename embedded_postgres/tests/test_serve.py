"""Tests of ``python -m embedded_postgres serve``, which runs the embedded server under a service manager."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def ask(var: Path, order: str, **more: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "VAR_DIR": str(var), "DATABASE_URL": "", **more}
    return subprocess.run(
        [sys.executable, "-m", "embedded_postgres", order],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.slow
def test_the_server_is_reported_ready_and_stops_with_the_service(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(120)
        env = {**os.environ, "VAR_DIR": str(tmp_path), "DATABASE_URL": "", "NOTIFY_SOCKET": str(tmp_path / "notify")}
        with subprocess.Popen([sys.executable, "-m", "embedded_postgres", "serve"], cwd=ROOT, env=env) as serving:
            try:
                assert manager.recv(100) == b"READY=1"
                assert ask(tmp_path, "status").stdout == "running\n"
                serving.send_signal(signal.SIGTERM)
                assert serving.wait(100) == 0
            finally:
                serving.kill()
    assert ask(tmp_path, "status").stdout == "stopped\n"


def test_with_a_server_of_your_own_there_is_nothing_to_serve(tmp_path: Path) -> None:
    assert ask(tmp_path, "serve", DATABASE_URL="postgres://u@127.0.0.1:1/n").returncode == 0
    assert ask(tmp_path, "status").stdout == "stopped\n"
