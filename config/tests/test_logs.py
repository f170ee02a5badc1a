"""With ``--log-format json``, the log lines of a run are JSON objects with the fields of the run, without secrets."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from embedded_postgres.client import stop_server
from samples.server import SampleServer

ROOT = Path(__file__).parents[2]
FIELDS = {"collector", "collector_phase", "failure_category", "run_id", "scope"}


def lines(text: str) -> list[dict[str, Any]]:
    """Parse the log lines in a text. The line ``error: ...`` of a failed command is not JSON and is left out."""
    return [json.loads(line) for line in text.splitlines() if not line.startswith("error: ")]


@pytest.mark.slow
def test_every_record_of_a_run_carries_its_fields(tmp_path: Path) -> None:
    with SampleServer() as server:
        name, token = server.truth()["full_name"], server.token()
        env = {**os.environ, "VAR_DIR": str(tmp_path), "SECRET_KEY": "x", "GITHUB_TOKENS": token}
        env |= {"GITHUB_API_URL": server.url, "GITHUB_GIT_URL": server.url}
        env.pop("DATABASE_URL", None)

        def manage(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, str(ROOT / "manage.py"), *arguments]
            return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

        try:
            assert manage("migrate", "-v0").returncode == 0
            good = manage("collect_github", name, "--no-sync", "--streams", "issues,commits", "--log-format", "json")
            bad = manage("collect_github", name, "--streams", "nonsense", "--log-format", "json")
            plain = manage("collect_github", name, "--no-sync", "--streams", "issues")
        finally:
            stop_server(tmp_path)
    assert (good.returncode, bad.returncode, plain.returncode) == (0, 2, 0), good.stderr + bad.stderr
    found = lines(good.stderr)
    assert found
    assert all(record.keys() >= FIELDS for record in found), found
    assert {record["collector"] for record in found} == {"github"}
    assert {record["run_id"] for record in found} == {"1"}
    assert name in {record["scope"] for record in found}
    assert "run" in {record["collector_phase"] for record in found}
    failed = [record for record in lines(bad.stderr) if record["level"] == "ERROR"]
    assert [(r["failure_category"], r["run_id"], r["collector_phase"]) for r in failed] == [("validation", "2", "run")]
    assert plain.stderr == ""
    assert token not in good.stderr + bad.stderr
