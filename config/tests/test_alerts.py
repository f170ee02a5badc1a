"""Each problem and each recovery is announced exactly once, even if a process is killed in between."""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db.utils import OperationalError
from django.utils import timezone

from core.collectors import CollectorResult, ScopeReport
from core.errors import ReplaceToken
from core.models import Alert, CollectorRun, Notice, Scope
from core.monitoring.alerts import refresh
from core.monitoring.delivery import deliver
from core.operations.slack_ops import open_slack
from core.runs import finish_run, recorded_run, run_finished
from github_activity_tracker.models import Repository
from tests.support.fake_collector import FakeCollector, command_error, run
from tests.support.slack_server import BROKEN, CHANNEL, PAGE, TOKEN, Fault, SlackServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def slack(settings: Any) -> Iterator[SlackServer]:
    """Start a local imitation of Slack, and point the settings to it."""
    with SlackServer() as server:
        settings.SLACK_BOT_TOKEN, settings.SLACK_CHANNEL, settings.SLACK_API_BASE = TOKEN, CHANNEL, server.url
        settings.ADMIN_URL = "https://activity.example"
        yield server


def reported(*scopes: tuple[str, str]) -> CollectorResult:
    """Return the result of a run with these scopes and outcomes."""
    reports = [
        ScopeReport(
            scope=name, outcome=outcome, category="" if outcome == "succeeded" else "network",
            reason="" if outcome == "succeeded" else "it was down",
        )
        for name, outcome in scopes
    ]  # fmt: skip
    return CollectorResult.of(reports, requests=1)


def notify(*arguments: str) -> str:
    """Run ``notify``, and return its output."""
    out = StringIO()
    call_command("notify", *arguments, stdout=out)
    return out.getvalue().strip()


def scope(name: str, *, days: float) -> Scope:
    """Store a monitored repository. Its last complete run was ``days`` days ago."""
    number = 1000 + Scope.objects.count()
    Repository.objects.create(id=number, full_name=name)
    return Scope.objects.create(
        source_system="github", external_id=str(number), name=name,
        last_completed_at=timezone.now() - timedelta(days=days),
    )  # fmt: skip


def test_a_failed_run_and_its_recovery_are_told_once_each(slack: SlackServer) -> None:
    for _ in range(3):
        command_error(FakeCollector(run=ReplaceToken("GITHUB_TOKENS: refused")))
    for _ in range(3):
        run(FakeCollector())
    assert slack.titles() == ["fake: failed: the whole run (auth)", "fake: recovered: the whole run"]
    shown = "\n".join(block["text"]["text"] for block in slack.messages[0]["blocks"])
    first = CollectorRun.objects.earliest("pk")
    assert "GITHUB_TOKENS: refused" in shown
    assert "Replace the token" in shown
    assert f"https://activity.example/admin/core/collectorrun/{first.pk}/change/" in shown


def test_scopes_of_one_reason_share_a_message_and_recover_apart(slack: SlackServer) -> None:
    run(FakeCollector(reported(("o/a", "failed"), ("o/b", "partial"), ("o/c", "succeeded"))))
    run(FakeCollector(reported(("o/a", "succeeded"), ("o/b", "partial"), ("o/c", "succeeded"))))
    run(FakeCollector(reported(("o/B", "succeeded"))))
    assert slack.titles() == [
        "fake: partly collected: 2 scopes (network)",
        "fake: recovered: o/a",
        "fake: recovered: o/b",
    ]
    assert "o/a: it was down\no/b: it was down" in slack.messages[0]["blocks"][1]["text"]["text"]
    assert not Alert.objects.filter(resolved_at=None).exists()


def test_thousands_of_scopes_are_one_message(slack: SlackServer) -> None:
    run(FakeCollector(reported(("o/fine", "succeeded"), *((f"o/{n}", "failed") for n in range(3000)))))
    assert len(slack.messages) == 1
    assert "and 2960 more" in slack.messages[0]["text"]


def test_a_run_that_finds_a_lock_is_no_trouble(slack: SlackServer) -> None:
    run(FakeCollector(reported(("o/a", "busy"))))
    assert slack.messages == []


def test_a_killed_run_is_told_by_whoever_looks_next(slack: SlackServer) -> None:
    CollectorRun.objects.create(collector="fake", host="h", pid=1, started_at=timezone.now())
    assert notify() == "1 message posted"
    assert slack.titles() == ["fake: interrupted: the whole run (interrupted)"]


def test_a_run_that_died_between_ledger_and_message_is_told_later(slack: SlackServer) -> None:
    with recorded_run("fake", {}) as line:
        finish_run(line, "failed", counts={}, category="network", error="down")
    assert slack.messages == []
    notify()
    notify()
    assert slack.titles() == ["fake: failed: the whole run (network)"]


def test_a_stale_scope_and_its_freshness_are_told_once_each(slack: SlackServer) -> None:
    old, _ = scope("o/old", days=3), scope("o/new", days=0.1)
    for _ in range(2):
        notify()
    Scope.objects.filter(pk=old.pk).update(last_completed_at=timezone.now())
    for _ in range(2):
        notify()
    assert slack.titles() == ["github: not collected in time: o/old", "github: fresh again: o/old"]


def test_a_scope_that_nobody_collects_any_more_is_closed_without_a_word(slack: SlackServer) -> None:
    scope("o/old", days=3)
    notify()
    Repository.objects.update(enabled=False)
    notify()
    assert len(slack.messages) == 1
    assert not Alert.objects.filter(resolved_at=None).exists()


def test_a_scope_may_be_as_old_as_its_limit(slack: SlackServer, settings: Any) -> None:
    settings.FRESHNESS_LIMITS = {"": 1.0, "github": 100.0}
    scope("o/old", days=3)
    assert notify() == "0 messages posted"


@pytest.mark.parametrize("fault", [BROKEN, PAGE, Fault(429, "", {"Retry-After": "3600"}), Fault(200, "{}", delay=30)])
def test_an_error_of_slack_fails_no_run_and_the_message_comes_later(
    slack: SlackServer, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.monitoring.alerts.AFTER_RUN_SECONDS", 2.0)
    slack.faults = [fault]
    began = timezone.now()
    run(FakeCollector(reported(("o/a", "partial"))))
    assert timezone.now() - began < timedelta(seconds=8)
    assert CollectorRun.objects.get().outcome == "partial"
    assert Notice.objects.get().state == "waiting"
    assert notify() == "1 message posted"
    assert len(slack.messages) == 1


def test_a_message_whose_answer_was_lost_is_not_sent_twice(slack: SlackServer) -> None:
    slack.faults = [Fault(lost=True)]
    run(FakeCollector(reported(("o/a", "partial"))))
    assert (len(slack.messages), Notice.objects.get().state) == (1, "waiting")
    notify()
    assert (len(slack.messages), Notice.objects.get().state) == (1, "posted")


def test_without_the_right_to_read_it_comes_at_most_twice(slack: SlackServer) -> None:
    slack.refuse["conversations.history"] = "missing_scope"
    slack.faults = [Fault(lost=True)]
    run(FakeCollector(reported(("o/a", "partial"))))
    for _ in range(3):
        notify()
    assert len(slack.messages) == 2


def test_a_process_that_dies_between_sending_and_noting_sends_nothing_twice(
    slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """An exception that ends the process like SIGKILL, because no code handles it."""

    def dies(*args: Any, **kwargs: Any) -> str:
        open_post(*args, **kwargs)
        raise Killed

    from core.operations.slack_ops import SlackClient

    open_post = SlackClient.post
    monkeypatch.setattr(SlackClient, "post", dies)
    with pytest.raises(Killed):
        run(FakeCollector(reported(("o/a", "partial"))))
    monkeypatch.setattr(SlackClient, "post", open_post)
    notify()
    assert (len(slack.messages), Notice.objects.get().state) == (1, "posted")


def test_a_refused_message_does_not_hold_up_the_next(slack: SlackServer) -> None:
    slack.faults = [Fault(200, '{"ok": false, "error": "invalid_blocks"}')]
    command_error(FakeCollector(run=ValueError("a")))
    run(FakeCollector())
    assert slack.titles() == ["fake: recovered: the whole run"]
    assert set(Notice.objects.values_list("state", flat=True)) == {"refused", "posted"}


def test_what_waited_for_days_is_not_sent(slack: SlackServer) -> None:
    Notice.objects.create(title="old", created_at=timezone.now() - timedelta(days=4))
    notify()
    assert slack.messages == []
    assert Notice.objects.get().state == "refused"


def test_without_slack_alerts_are_kept_and_nothing_waits(settings: Any) -> None:
    settings.SLACK_BOT_TOKEN = ""
    command_error(FakeCollector(run=ValueError("x")))
    assert Alert.objects.get().category == "validation"
    assert not Notice.objects.exists()
    assert "SLACK_BOT_TOKEN" in notify()


def test_the_digest_comes_once_a_day(slack: SlackServer) -> None:
    scope("o/old", days=3)
    for _ in range(3):
        notify("--digest")
    assert len(slack.messages) == 2
    assert "Open alerts: 1" in slack.messages[1]["text"]


def test_an_alert_that_breaks_breaks_no_run(
    slack: SlackServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: Any) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr("core.monitoring.alerts.refresh", broken)
    assert run(FakeCollector()).exit_code == 0
    assert "gone" in caplog.text


def test_two_processes_tell_a_thing_once(slack: SlackServer) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    scope("o/old", days=3)

    def look() -> None:
        refresh()
        deliver(open_slack(), seconds=5)
        connection.close()

    with ThreadPoolExecutor(6) as threads:
        for done in [threads.submit(look) for _ in range(6)]:
            done.result()
    assert slack.titles() == ["github: not collected in time: o/old"]
    assert Alert.objects.count() == 1


def test_an_unknown_receiver_hears_of_every_end() -> None:
    heard: list[CollectorRun] = []

    def receiver(**kwargs: Any) -> None:
        heard.append(kwargs["run"])

    run_finished.connect(receiver)
    run(FakeCollector())
    command_error(FakeCollector(run=ValueError("x")))
    run_finished.disconnect(receiver)
    assert [line.outcome for line in heard] == ["succeeded", "failed"]
