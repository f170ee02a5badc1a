"""If the database server ends during a run, the run prints a one-line error, and the next run completes the work."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from embedded_postgres.client import ensure_running, stop_server
from embedded_postgres.cluster_paths import ClusterPaths
from samples.discord import SampleDiscord
from samples.server import SampleServer

ROOT = Path(__file__).parents[2]
BOUND = 60
"""Maximum seconds from the loss of the server to the end of the run. A busy machine could exceed a shorter limit."""
pytestmark = pytest.mark.slow
Lose = Callable[[Path], None]
COLLECTORS = ("collect_github", "collect_discord")


class Project:
    """A VAR_DIR with the embedded server, and the local imitations of GitHub and Discord."""

    def __init__(self, var: Path, github: SampleServer, discord: SampleDiscord) -> None:
        self.var, self.github, self.discord = var, github, discord
        assert self.manage("migrate", "-v0")[0] == 0

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        env = {**os.environ, "VAR_DIR": str(self.var), "SECRET_KEY": "test", "DATABASE_URL": ""}
        env |= {"GITHUB_API_URL": self.github.url, "GITHUB_GIT_URL": self.github.url}
        env |= {"GITHUB_TOKENS": self.github.token(), "GITHUB_REPOS": self.github.truth()["full_name"]}
        env |= {"DISCORD_API_BASE": self.discord.url, "DISCORD_BOT_TOKEN": self.discord.token}
        env |= {"DISCORD_GUILDS": str(self.discord.guild.id)}
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def manage(self, *arguments: str) -> tuple[int, str]:
        """Run a command to its end, and return the exit code and standard error."""
        with self.start(*arguments) as process:
            _, errors = process.communicate(timeout=300)
        return process.returncode, errors

    def requests(self) -> int:
        return len(self.github.requests) + len(self.discord.requests)

    def rows_in(self, table: str) -> int:
        """Return the number of committed rows in a table."""
        host = ensure_running(ClusterPaths(self.var / "postgres"))
        with psycopg.connect(host=host, user="postgres", dbname="activity_trackers") as connection:
            found = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
            return found[0] if found else 0

    def rows(self) -> list[dict[str, Any]]:
        """Return the timeline in the order of external ids."""
        target = self.var / "export.jsonl"
        assert self.manage("export_activity", "--bodies", "--output", str(target))[0] == 0
        lines = target.read_text().rstrip("\n").split("\n")
        return sorted(map(json.loads, lines), key=lambda row: row["external_id"])


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """The result of undisturbed runs: the stored rows, and the number of requests of each command."""

    rows: list[dict[str, Any]]
    requests: dict[str, int]


@pytest.fixture(scope="module")
def services() -> Iterator[tuple[SampleServer, SampleDiscord]]:
    """Start the local servers of the sample community. The tests share them, because no test changes them."""
    with SampleServer() as github, SampleDiscord() as discord:
        yield github, discord


@pytest.fixture(scope="module")
def undisturbed(
    services: tuple[SampleServer, SampleDiscord], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Undisturbed]:
    """Run both collectors with a separate database, and yield their results."""
    clean, requests = Project(tmp_path_factory.mktemp("clean"), *services), dict[str, int]()
    for command in COLLECTORS:
        before = clean.requests()
        assert clean.manage(command)[0] == 0
        requests[command] = clean.requests() - before
    yield Undisturbed(clean.rows(), requests)
    stop_server(clean.var)


@pytest.fixture
def project(services: tuple[SampleServer, SampleDiscord], tmp_path: Path) -> Iterator[Project]:
    """Yield a project with its own database server, which the test kills or restarts."""
    yield Project(tmp_path, *services)
    stop_server(tmp_path)


def kill_postmaster(var: Path) -> None:
    postmaster = ClusterPaths(var / "postgres").postmaster()
    assert postmaster is not None
    os.kill(postmaster[0], signal.SIGKILL)


def kill_supervisor(var: Path) -> None:
    """Kill the supervisor, the parent process of the server."""
    postmaster = ClusterPaths(var / "postgres").postmaster()
    assert postmaster is not None
    parent = Path(f"/proc/{postmaster[0]}/stat").read_text().rpartition(")")[2].split()[1]
    os.kill(int(parent), signal.SIGKILL)


def restart(var: Path) -> None:
    stop_server(var)
    ensure_running(ClusterPaths(var / "postgres"))


def lose_in_the_middle(project: Project, lose: Lose, command: str, whole: int) -> tuple[int, str, float]:
    """Run a command, and end the server after a third of the command's requests.

    Returns the exit code, standard error, and the seconds from the end of the server to the end of the command.
    """
    before = project.requests()
    with project.start(command) as process:
        while project.requests() < before + whole // 3:
            assert process.poll() is None
            time.sleep(0.002)
        lost = time.monotonic()
        lose(project.var)
        _, errors = process.communicate(timeout=300)
        return process.returncode, errors, time.monotonic() - lost


def assert_one_line(errors: str) -> None:
    assert "Traceback" not in errors
    assert [line for line in errors.splitlines() if line.startswith("error: ")] == errors.splitlines()[-1:]
    assert errors.endswith("(network)\n"), errors


@pytest.mark.parametrize("lose", [kill_postmaster, kill_supervisor, restart])
def test_a_run_without_a_server_ends_with_one_line_and_the_next_run_completes_it(
    project: Project, undisturbed: Undisturbed, lose: Lose
) -> None:
    for command in COLLECTORS:
        code, errors, seconds = lose_in_the_middle(project, lose, command, undisturbed.requests[command])
        assert code == 1, errors
        assert_one_line(errors)
        assert seconds < BOUND
        following = project.manage(command)
        assert following[0] == 0, following[1]
    assert project.rows() == undisturbed.rows
    assert project.manage("verify_index")[0] == 0


def test_an_index_without_a_server_is_completed_by_the_next_sync(project: Project) -> None:
    assert project.manage("collect_github", "--no-sync")[0] == 0
    with project.start("sync_index") as process:
        while not project.rows_in("core_chunk"):
            assert process.poll() is None
        kill_postmaster(project.var)
        _, errors = process.communicate(timeout=BOUND)
    assert process.returncode == 1, errors
    assert_one_line(errors)
    assert project.manage("sync_index")[0] == 0
    assert project.manage("verify_index")[0] == 0
