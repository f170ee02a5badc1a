"""The database server goes away in the middle of a run: one line, and the next run reaches the same end state."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.database import stop_server
from config.database.client import ensure_running
from config.database.home import Home
from samples.discord import SampleDiscord
from samples.server import SampleServer

ROOT = Path(__file__).parents[2]
BOUND = 60
"""Seconds from the loss of the server to the end of the run, on a loaded machine."""
pytestmark = pytest.mark.slow
Lose = Callable[[Path], None]


class Project:
    """A VAR_DIR with the embedded server, and the sample services."""

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
        """Run a command to its end; its exit code and standard error."""
        with self.start(*arguments) as process:
            _, errors = process.communicate(timeout=300)
        return process.returncode, errors

    def requests(self) -> int:
        return len(self.github.requests) + len(self.discord.requests)

    def rows(self) -> list[dict[str, Any]]:
        """The timeline, in the order of its ids."""
        target = self.var / "export.jsonl"
        assert self.manage("export_activity", "--bodies", "--output", str(target))[0] == 0
        lines = target.read_text().rstrip("\n").split("\n")
        return sorted(map(json.loads, lines), key=lambda row: row["external_id"])


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Callable[[str], Project]]:
    """A function that makes projects, each with a server of its own."""
    made: list[Path] = []
    with SampleServer() as github, SampleDiscord() as discord:

        def make(name: str) -> Project:
            made.append(tmp_path / name)
            return Project(made[-1], github, discord)

        yield make
        for var in made:
            stop_server(var)


def kill_postmaster(var: Path) -> None:
    postmaster = Home(var / "postgres").postmaster()
    assert postmaster is not None
    os.kill(postmaster[0], signal.SIGKILL)


def kill_supervisor(var: Path) -> None:
    """Kill the process that started the server."""
    postmaster = Home(var / "postgres").postmaster()
    assert postmaster is not None
    parent = Path(f"/proc/{postmaster[0]}/stat").read_text().rpartition(")")[2].split()[1]
    os.kill(int(parent), signal.SIGKILL)


def restart(var: Path) -> None:
    stop_server(var)
    ensure_running(Home(var / "postgres"))


def lose_in_the_middle(project: Project, lose: Lose, command: list[str], whole: int) -> tuple[int, str, float]:
    """Run a command, lose the server after a third of its requests; exit code, standard error, and seconds."""
    before = project.requests()
    with project.start(*command) as process:
        while project.requests() < before + whole // 3:
            assert process.poll() is None
            time.sleep(0.002)
        lost = time.monotonic()
        lose(project.var)
        _, errors = process.communicate(timeout=300)
        return process.returncode, errors, time.monotonic() - lost


@pytest.mark.parametrize("lose", [kill_postmaster, kill_supervisor, restart])
@pytest.mark.parametrize("command", ["collect_github", "collect_discord"])
def test_a_run_without_a_server_ends_with_one_line_and_the_next_run_completes_it(
    project: Callable[[str], Project], lose: Lose, command: str
) -> None:
    clean, disturbed = project("clean"), project("disturbed")
    before = clean.requests()
    assert clean.manage(command)[0] == 0
    code, errors, seconds = lose_in_the_middle(disturbed, lose, [command], clean.requests() - before)
    assert code == 1, errors
    assert "Traceback" not in errors
    assert [line for line in errors.splitlines() if line.startswith("error: ")] == errors.splitlines()[-1:]
    assert errors.endswith("(network)\n"), errors
    assert seconds < BOUND
    again = disturbed.manage(command)
    assert again[0] == 0, again[1]
    assert disturbed.rows() == clean.rows()
    assert disturbed.manage("verify_index")[0] == 0


@pytest.mark.parametrize("lose", [kill_postmaster, kill_supervisor, restart])
def test_an_index_without_a_server_is_completed_by_the_next_sync(project: Callable[[str], Project], lose: Lose) -> None:
    disturbed = project("disturbed")
    assert disturbed.manage("collect_github", "--no-sync")[0] == 0
    with disturbed.start("sync_index") as process:
        time.sleep(1.0)  # it starts, reads or writes: each is a moment at which a server can go
        lose(disturbed.var)
        _, errors = process.communicate(timeout=BOUND)
    assert process.returncode in {0, 1, 2}
    assert process.returncode == 0 or errors.splitlines()[-1].startswith("error: "), errors
    assert "Traceback" not in errors
    assert disturbed.manage("sync_index")[0] == 0
    assert disturbed.manage("verify_index")[0] == 0
