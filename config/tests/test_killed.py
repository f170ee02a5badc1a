"""A collection that was killed several times ends with the same rows as an undisturbed collection."""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from embedded_postgres.client import stop_server
from samples.server import SampleServer

ROOT = Path(__file__).parents[2]
KILLS = 10


def manage(var: Path, server: SampleServer, *arguments: str, seconds: float | None = None) -> int | None:
    """Run a command, and kill it after ``seconds``. Returns the exit code, or None if the command was killed."""
    env = {**os.environ, "VAR_DIR": str(var), "SECRET_KEY": "test", "GITHUB_TOKENS": server.token()}
    env |= {"GITHUB_API_URL": server.url, "GITHUB_GIT_URL": server.url}
    env.pop("DATABASE_URL", None)
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None


def export(var: Path, server: SampleServer) -> list[dict[str, Any]]:
    """Return all stored activities in the order of external ids."""
    target = var / "export.jsonl"
    assert manage(var, server, "export_activity", "--bodies", "--output", str(target)) == 0
    return sorted(
        (json.loads(line) for line in target.read_text().rstrip("\n").split("\n")), key=lambda row: row["external_id"]
    )


@pytest.mark.slow
def test_ten_kills_and_one_clean_run_give_the_same_rows(tmp_path: Path) -> None:
    dice = random.Random(11)
    rows: list[list[dict[str, Any]]] = []
    with SampleServer() as server:
        for name, kills in (("clean", 0), ("killed", KILLS)):
            var = tmp_path / name
            assert manage(var, server, "migrate", "-v0") == 0
            repository = server.truth()["full_name"]
            for _ in range(kills):
                manage(var, server, "collect_github", repository, "--no-sync", seconds=dice.uniform(0.3, 0.9))
            assert manage(var, server, "collect_github", repository, "--no-sync") == 0
            rows.append(export(var, server))
            stop_server(var)
    assert rows[0] == rows[1]
    assert len(rows[0]) > 300
