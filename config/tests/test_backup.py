"""A backup contains all data, and ``restore`` restores it completely or not at all."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.client_programs import run_program
from core.errors import in_one_line
from embedded_postgres.client import stop_server
from samples.server import SampleServer
from tests.support.doc_examples import ROOT, run

MANAGE = f"{sys.executable} {ROOT}/manage.py"


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[list[Path]]:
    """Yield two folders for databases, and stop the database servers afterwards."""
    found = [tmp_path / "one", tmp_path / "two"]
    yield found
    for home in found:
        stop_server(home)


def rows(home: Path) -> list[dict[str, Any]]:
    """Return all activities with their texts, in the order of external ids."""
    done = manage(home, "export_activity --bodies")
    return sorted(
        (json.loads(line) for line in filter(None, done.stdout.split("\n"))), key=lambda row: row["external_id"]
    )


def manage(home: Path, order: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a management command on the database in a folder."""
    return run(f"{MANAGE} {order}", ROOT, VAR_DIR=str(home), SECRET_KEY="x", **more)


@pytest.mark.slow
def test_a_backup_comes_back_whole_in_another_database(homes: list[Path], tmp_path: Path) -> None:
    one, two = homes
    with SampleServer() as server:
        more = {"GITHUB_TOKENS": server.token(), "GITHUB_API_URL": server.url, "GITHUB_GIT_URL": server.url}
        assert manage(one, "migrate -v0").returncode == 0
        order = f"collect_github {server.truth()['full_name']} --no-sync --streams issues,issue_comments"
        assert manage(one, order, **more).returncode == 0
    kept = rows(one)
    assert len(kept) > 30
    for _ in range(3):
        assert manage(one, "backup --keep 2").returncode == 0
    assert len(list((one / "backups").iterdir())) in {1, 2}
    file = tmp_path / "a file.dump"
    done = manage(one, f"backup '{file}'")
    assert done.returncode == 0, done.stderr
    assert file.stat().st_mode & 0o77 == 0
    assert manage(two, f"restore '{file}'").returncode == 0
    assert rows(two) == kept
    refused = manage(two, f"restore '{file}'")
    assert (refused.returncode, "--force" in refused.stderr) == (2, True)
    spoiled = tmp_path / "half.dump"
    spoiled.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    half = manage(two, f"restore --force {spoiled}")
    assert (half.returncode, half.stderr.count("\n")) == (1, 1)
    assert rows(two) == kept
    assert manage(two, f"restore --force '{file}'").returncode == 0
    assert manage(two, "migrate --check").returncode == 0
    assert rows(two) == kept


def test_a_backup_removes_what_an_interrupted_one_left(tmp_path: Path) -> None:
    left = tmp_path / "x" / ".activity-trackers-abcdefgh.tmp"
    left.parent.mkdir()
    left.write_text("half")
    done = manage(tmp_path, f"backup {tmp_path}/x/y.dump", DATABASE_URL="postgres://u@127.0.0.1:1/none")
    assert done.returncode in {1, 2}
    assert not left.exists()


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("echo 'a first line' >&2; echo 'pg_dump: error: broken' >&2; exit 1", "pg_dump: error: broken"),
        ("echo 'pg_dump: error: x' >&2; echo 'No space left on device' >&2; exit 1", "the disk is full"),
        ("kill -9 $$", "ended by signal 9"),
        ("exit 3", "it printed nothing (exit code 3)"),
    ],
)
def test_what_a_program_says_last_is_reported(
    program: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "pg_dump"
    fake.write_text(f"#!/bin/sh\n{program}\n")
    fake.chmod(0o755)
    monkeypatch.setattr("config.client_programs._path_of", lambda name: str(tmp_path / name))
    monkeypatch.setattr("config.client_programs.connection", FakeConnection())
    with pytest.raises(OSError, match="pg_dump failed") as failed:
        run_program("pg_dump")
    assert words in in_one_line(failed.value)


class FakeConnection:
    """Replaces the database connection. The test uses only the settings and never connects."""

    settings_dict = {"NAME": "x", "USER": "", "PASSWORD": "", "PORT": "", "OPTIONS": {}}

    def get_connection_params(self) -> dict[str, str]:
        return {"host": ""}


@pytest.mark.slow
def test_a_backup_that_fails_leaves_nothing(tmp_path: Path) -> None:
    url = "postgres://u:hidden-word@127.0.0.1:1/none"
    done = manage(tmp_path, f"backup {tmp_path}/x/y.dump", DATABASE_URL=url)
    assert done.returncode in {1, 2}
    assert done.stderr.count("\n") == 1
    assert "hidden-word" not in done.stderr
    assert not list((tmp_path / "x").iterdir())
