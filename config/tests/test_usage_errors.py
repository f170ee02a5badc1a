"""Usage errors and Ctrl-C in a terminal change nothing. Under cron, errors are reported until a run starts properly."""

from collections.abc import Iterator
from contextlib import nullcontext
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from core.collectors import CollectorResult, ScopeReport
from core.collectors.command import BaseCollectorCommand
from core.errors import ConfigurationError, ReplaceToken
from core.models import Alert, CollectorRun, Notice, Scope, SkippedItem
from core.monitoring.alerts import refresh
from core.monitoring.status import Level, status
from core.runs import database_now, finish_run, recorded_run
from discord_activity_tracker.models import Guild
from github_activity_tracker.collector.repository import RepositoryRun
from github_activity_tracker.models import Repository
from samples import SAMPLE_REPOSITORY
from samples.discord import SampleDiscord
from samples.server import SampleServer
from tests.support.fake_collector import Command, FakeCollector, run

pytestmark = pytest.mark.django_db(transaction=True)
TERMINAL = SimpleNamespace(closed=False, isatty=lambda: True)
PIPE = SimpleNamespace(closed=False, isatty=lambda: False)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a person at a terminal."""
    monkeypatch.setattr("core.operations.output.sys", SimpleNamespace(stdin=TERMINAL, stderr=PIPE))


@pytest.fixture
def github(sample_server: SampleServer, settings: Any, tmp_path: Path) -> Iterator[SampleServer]:
    """Point the settings to a local imitation of GitHub, and return its server."""
    settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = sample_server.url
    settings.GITHUB_TOKENS, settings.WORKSPACE_DIR = [sample_server.token()], tmp_path
    return sample_server


@pytest.fixture
def discord(sample_discord: SampleDiscord, settings: Any) -> SampleDiscord:
    """Point the settings to a local imitation of Discord, and return its server."""
    settings.DISCORD_API_BASE, settings.DISCORD_BOT_TOKEN = sample_discord.url, sample_discord.token
    return sample_discord


def collect(*arguments: str, command: str = "collect_github") -> str:
    """Collect without indexing, and return the output."""
    out = StringIO()
    call_command(command, *arguments, "--no-sync", stdout=out, stderr=out)
    return out.getvalue()


def level() -> Level:
    """Return the level of ``collector_status``."""
    return status(database_now()).level


GITHUB_TYPOS = [
    ["saltmarsh-works/tidewach"],
    [SAMPLE_REPOSITORY, "saltmarsh-works/tidewach"],
    ["not a name"],
    [SAMPLE_REPOSITORY, "--streams", "isues"],
    ["--org", "saltmarsh-wroks"],
]


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("arguments", GITHUB_TYPOS, ids=" ".join)
def test_a_typo_at_a_terminal_touches_nothing(github: SampleServer, arguments: list[str]) -> None:
    before = level()
    with pytest.raises(ConfigurationError) as raised:
        collect(*arguments)
    assert raised.value.exit_code == 2
    for model in (CollectorRun, Alert, Notice, Scope, SkippedItem, Repository):
        assert not model.objects.exists(), model
    assert level() == before


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("arguments", [["4711"], ["general"], ["--channel", "4711"]], ids=" ".join)
def test_a_wrong_server_or_channel_at_a_terminal_touches_nothing(discord: SampleDiscord, arguments: list[str]) -> None:
    before = level()
    with pytest.raises(ConfigurationError):
        collect(*arguments, command="collect_discord")
    for model in (CollectorRun, Alert, Scope, SkippedItem, Guild):
        assert not model.objects.exists(), model
    assert level() == before


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("error", [ConfigurationError("X is empty"), ReplaceToken("X is refused")])
def test_every_usage_error_of_a_collector_leaves_no_run_at_a_terminal(error: Exception) -> None:
    with pytest.raises(type(error)):
        run(FakeCollector(run=error))
    assert not CollectorRun.objects.exists()
    assert not Alert.objects.exists()


class Storing(FakeCollector):
    """A collector that stores rows before it fails."""

    def counts_so_far(self) -> dict[str, int]:
        return {"notes": 3}


@pytest.mark.usefixtures("terminal")
def test_a_token_that_is_refused_half_way_stays_in_the_ledger() -> None:
    with pytest.raises(ReplaceToken):
        run(Storing(run=ReplaceToken("X is refused")))
    line = CollectorRun.objects.get()
    assert (line.outcome, line.counts) == ("failed", {"notes": 3})


@pytest.mark.parametrize("arguments", [GITHUB_TYPOS[0], GITHUB_TYPOS[3]], ids=" ".join)
def test_under_cron_a_configuration_error_is_shown_until_the_next_good_start(
    github: SampleServer, arguments: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ConfigurationError):
        collect(*arguments)
    assert "tidewach" in caplog.text or "isues" in caplog.text
    assert CollectorRun.objects.get().outcome == "failed"
    assert level() == Level.CRITICAL
    collect(SAMPLE_REPOSITORY)
    assert level() == Level.OK
    refresh()
    assert not Alert.objects.filter(resolved_at=None).exists()


def test_under_cron_a_misspelt_name_stops_no_other_repository(github: SampleServer) -> None:
    collect("saltmarsh-works/tidewach", SAMPLE_REPOSITORY)
    assert CollectorRun.objects.get().outcome == "partial"
    assert Scope.objects.get().last_completed_at is not None


def test_a_run_that_has_begun_its_work_ends_the_complaint_about_the_configuration() -> None:
    with pytest.raises(ConfigurationError):
        run(FakeCollector(run=ConfigurationError("X is empty")))
    with recorded_run("fake", {}) as started:
        assert level() == Level.CRITICAL
        CollectorRun.objects.filter(pk=started.pk).update(progress={"stream": "issues"})
        assert level() == Level.OK


def test_under_cron_a_collector_that_cannot_be_built_is_on_record() -> None:
    class Unbuilt(Command):
        def get_collector(self, **options: Any) -> Any:
            raise ConfigurationError("X is empty")

    assert issubclass(Unbuilt, BaseCollectorCommand)
    with pytest.raises(ConfigurationError):
        call_command(Unbuilt())
    assert CollectorRun.objects.get().error == "X is empty"


class Stopped(FakeCollector):
    """A collector that is interrupted by Ctrl-C."""

    def collect(self) -> Any:
        raise KeyboardInterrupt

    def counts_so_far(self) -> dict[str, int]:
        return {"issues": 1, "issue_comments": 200}


@pytest.mark.parametrize("before", ["succeeded", "failed"])
def test_ctrl_c_leaves_its_counts_and_changes_no_level(before: str) -> None:
    with recorded_run("fake", {}) as line:
        finish_run(line, before, counts={}, error="" if before == "succeeded" else "down")
    refresh()
    alerts, was = Alert.objects.count(), level()
    command = Command()
    with pytest.raises(KeyboardInterrupt):
        run(Stopped(), command=command)
    assert command.interrupted == "stored so far: 1 issue, 200 issue comments"
    stopped = CollectorRun.objects.first()
    assert stopped is not None
    assert (stopped.outcome, stopped.counts) == ("interrupted", {"issues": 1, "issue_comments": 200})
    assert (Alert.objects.count(), level()) == (alerts, was)


class StoppedInAStatement(Stopped):
    """A collector that is interrupted by Ctrl-C between a statement and its result."""

    def collect(self) -> Any:
        with transaction.atomic() if self.answer else nullcontext():
            connection.ensure_connection()
            connection.connection.pgconn.send_query(b"SELECT pg_sleep(0.2)")
            raise KeyboardInterrupt


@pytest.mark.parametrize("in_transaction", [False, True])
def test_ctrl_c_in_a_statement_is_an_interrupt_and_no_error_of_the_database(in_transaction: bool) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(StoppedInAStatement(in_transaction))
    stopped = CollectorRun.objects.get()
    assert (stopped.outcome, stopped.counts) == ("interrupted", {"issues": 1, "issue_comments": 200})
    assert not Alert.objects.exists()


def test_ctrl_c_in_a_collection_keeps_what_each_page_stored(
    github: SampleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Press Ctrl-C in the third stream of the repository."""
    read = RepositoryRun._collect
    streams: list[str] = []

    def until_ctrl_c(self: RepositoryRun, stream: str) -> None:
        streams.append(stream)
        if len(streams) == 3:
            raise KeyboardInterrupt
        read(self, stream)

    monkeypatch.setattr(RepositoryRun, "_collect", until_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        collect(SAMPLE_REPOSITORY)
    stopped = CollectorRun.objects.get()
    assert stopped.outcome == "interrupted"
    assert {name for name in stopped.counts if name in streams[:2]} <= set(streams[:2])
    assert sum(stopped.counts.values()) > 0
    assert not Alert.objects.exists()


def test_a_killed_run_reports_what_it_had_read() -> None:
    progress = {"phase": "run", "stream": "issues", "streams": {"issues": 200, "labels": 0}}
    CollectorRun.objects.create(collector="fake", host="h", pid=1, started_at=timezone.now(), progress=progress)
    refresh()
    assert CollectorRun.objects.get().counts == {"issues": 200}
    assert Alert.objects.get().category == "interrupted"


def failed_here(name: str) -> None:
    """Record a run of two repositories. It failed for ``name`` and succeeded for the other repository."""
    report = ScopeReport(scope=name, outcome="failed", category="network", reason="it was down")
    _reported([report, ScopeReport(scope="o/other", outcome="succeeded")])


def _reported(reports: list[ScopeReport]) -> None:
    collector = FakeCollector(CollectorResult.of(reports, requests=1))
    collector.name = "github"
    run(collector)


def repository(name: str, number: int) -> None:
    """Store a repository that has just been collected."""
    Repository.objects.create(id=number, full_name=name)
    now = timezone.now()
    Scope.objects.create(source_system="github", external_id=str(number), name=name, last_completed_at=now)


def test_an_alert_about_a_repository_that_is_switched_off_closes() -> None:
    repository("o/Down", 1)
    failed_here("o/Down")
    refresh()
    assert Alert.objects.filter(resolved_at=None).count() == 1
    Repository.objects.update(enabled=False)
    refresh()
    assert not Alert.objects.filter(resolved_at=None).exists()


def test_an_alert_about_a_misspelt_setting_closes_when_the_setting_is_corrected(settings: Any) -> None:
    settings.GITHUB_REPOS = ["o/tpyo"]
    failed_here("o/tpyo")
    _reported([ScopeReport(scope="o/other", outcome="succeeded")])
    assert Alert.objects.filter(resolved_at=None).count() == 1, "it is still in the settings"
    settings.GITHUB_REPOS = ["o/typo"]
    refresh()
    assert not Alert.objects.filter(resolved_at=None).exists()


def test_an_alert_about_a_server_that_is_switched_off_closes() -> None:
    guild = Guild.objects.create(id=5, name="Saltmarsh Works")
    Scope.objects.create(source_system="discord", external_id="5/6", name="Saltmarsh Works/general")
    report = ScopeReport(scope="Saltmarsh Works", outcome="failed", category="network", reason="it was down")
    collector = FakeCollector(CollectorResult.of([report], requests=1))
    collector.name = "discord"
    run(collector)
    Guild.objects.filter(pk=guild.pk).update(enabled=False)
    refresh()
    assert not Alert.objects.filter(kind="run", resolved_at=None).exists()
