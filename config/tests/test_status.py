"""Status, health probes and metrics, as monitoring systems see them."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command, load_command_class
from django.db import connection, transaction
from django.db.utils import OperationalError
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from core.models import ApiBudget, CollectorRun, IndexEntry, Namespace, Scope, SkippedItem
from core.search.documents import DocumentMark, mark_changed
from github_activity_tracker.models import Repository

pytestmark = pytest.mark.django_db(transaction=True)


def look(*arguments: str) -> tuple[int, list[str]]:
    """Run ``collector_status``, and return its exit code and its lines of output."""
    command, out = load_command_class("core", "collector_status"), StringIO()
    call_command(command, *arguments, stdout=out)
    return command.exit_code, out.getvalue().splitlines()


def ran(outcome: str, collector: str = "github", **more: Any) -> CollectorRun:
    """Store a run in the ledger. By default, it has just ended."""
    now = timezone.now()
    more = {"started_at": now, "finished_at": now} | more
    return CollectorRun.objects.create(collector=collector, host="h", pid=1, outcome=outcome, **more)


def scope(name: str, *, hours: float | None, number: int = 7) -> Scope:
    """Store a monitored repository. Its last complete run was ``hours`` ago; ``None`` means that it had none."""
    Repository.objects.create(id=number, full_name=name)
    done = None if hours is None else timezone.now() - timedelta(hours=hours)
    return Scope.objects.create(source_system="github", external_id=str(number), name=name, last_completed_at=done)


def test_all_is_well() -> None:
    ran("succeeded")
    scope("o/r", hours=1)
    code, lines = look()
    assert code == 0
    assert lines[0] == (
        "OK - 1 scope fresh, 0 documents waiting"
        " | scopes=1 stale=0 running=0 documents_waiting=0 documents_failed=0 skipped=0"
    )


@pytest.mark.parametrize(("outcome", "code"), [("succeeded", 0), ("partial", 1), ("failed", 2), ("interrupted", 2)])
def test_the_last_run_counts(outcome: str, code: int) -> None:
    ran("failed", started_at=timezone.now() - timedelta(hours=1))
    ran(outcome, failure_category="network", error="down | out\nnow")
    found, lines = look()
    assert found == code
    assert lines[0].startswith(("OK", "WARNING", "CRITICAL")[code])
    assert lines[0].count("|") == 1


def test_after_a_clock_jump_the_newest_run_is_still_the_one_that_counts() -> None:
    ran("succeeded", started_at=timezone.now() + timedelta(days=3), finished_at=timezone.now() + timedelta(days=3))
    ran("failed", failure_category="network")
    code, lines = look()
    assert (code, "network" in lines[0]) == (2, True)


def test_a_run_in_the_future_is_reported() -> None:
    ran("succeeded", started_at=timezone.now() + timedelta(hours=5))
    code, lines = look()
    assert (code, "in the future" in lines[0]) == (1, True)


def test_a_repository_that_was_complete_in_the_future_is_reported() -> None:
    ran("succeeded")
    scope("o/r", hours=-30)
    code, lines = look()
    assert (code, "o/r was last completed in the future" in lines[0]) == (1, True)


def test_a_small_difference_between_clocks_is_no_trouble() -> None:
    ran("succeeded", started_at=timezone.now() + timedelta(seconds=90))
    assert look()[0] == 0


def test_a_busy_run_is_no_trouble_and_hides_none() -> None:
    ran("failed")
    ran("busy")
    assert look()[0] == 2
    ran("succeeded")
    ran("busy")
    assert look()[0] == 0


def test_an_index_that_stays_behind_is_a_warning() -> None:
    done = timezone.now() - timedelta(hours=2)
    ran("succeeded", started_at=done, finished_at=done)
    tracked = scope("o/r", hours=1)
    Namespace.objects.create(index="pgvector", name="n", embedder="e", dimension=3, state="serving")
    with transaction.atomic():
        mark_changed([DocumentMark(source_system="github", external_id="d", kind="issue", scope_id=tracked.pk)])
    code, lines = look()
    assert (code, "the search index is behind: 1 document to index" in lines[0]) == (1, True)


def test_a_run_in_the_night_is_judged_by_the_one_before() -> None:
    ran("failed", started_at=timezone.now() - timedelta(hours=1))
    from core.runs import recorded_run

    with recorded_run("github", {}):
        code, lines = look()
    assert (code, "running=1" in lines[0]) == (2, True)


def test_a_run_that_found_a_lock_is_no_trouble() -> None:
    ran("failed", scopes=[{"scope": "o/r", "outcome": "busy"}])
    assert look()[0] == 0


def test_a_killed_run_is_found() -> None:
    ran("running", finished_at=None)
    assert look()[0] == 2
    assert CollectorRun.objects.get().outcome == "interrupted"


@pytest.mark.parametrize(("hours", "code"), [(35, 0), (37, 1), (71, 1), (73, 2), (None, 0)])
def test_age_counts(hours: float | None, code: int) -> None:
    ran("succeeded")
    scope("o/r", hours=hours)
    assert look()[0] == code


def test_what_was_never_complete_has_the_age_of_the_first_run() -> None:
    ran("succeeded", started_at=timezone.now() - timedelta(days=1.7))
    scope("o/r", hours=None)
    code, lines = look()
    assert code == 1
    assert "o/r: never completed (limit 36 h)" in lines[0]


def test_what_is_not_collected_has_no_age() -> None:
    ran("succeeded")
    scope("o/r", hours=1000)
    Repository.objects.update(enabled=False)
    assert look()[0] == 0


def test_documents_that_fail_are_a_warning() -> None:
    ran("succeeded")
    kept = scope("o/r", hours=1)
    Namespace.objects.create(index="pgvector", name="n", embedder="e", dimension=3, state="serving")
    with transaction.atomic():
        mark_changed([DocumentMark(source_system="github", external_id="d", kind="issue", scope_id=kept.pk)])
    assert look()[0] == 0
    IndexEntry.objects.update(state="failed")
    assert look()[0] == 1


def test_before_the_first_run_it_says_what_to_do() -> None:
    code, lines = look()
    assert (code, "collect_all" in lines[0]) == (1, True)


def test_a_database_that_cannot_be_asked_is_critical(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*args: Any) -> None:
        raise OperationalError("password=hidden-word gone")

    monkeypatch.setattr("core.management.commands.collector_status.status", gone)
    code, lines = look()
    assert (code, len(lines)) == (2, 2)
    assert lines[0] == "CRITICAL - the database cannot be reached: password=*** gone"


def test_programs_get_one_object() -> None:
    ran("partial", scopes=[{"scope": "o/r", "outcome": "partial"}])
    scope("o/r", hours=40)
    ApiBudget.objects.create(source_system="github", account="ghp_…1234", resource="core", limit=5000, remaining=9)
    code, lines = look("--json")
    status = json.loads(lines[0])
    assert (code, status["status"], len(lines)) == (1, "WARNING", 1)
    assert status["scopes"][0]["stale"]
    assert status["budgets"][0]["remaining"] == 9


def test_statements_do_not_grow_with_scopes(django_assert_num_queries: Any) -> None:
    ran("succeeded")
    counts: list[int] = []
    for begin in (0, 50):
        for number in range(begin, begin + 50):
            scope(f"o/{number}", hours=1, number=number + 1)
        with CaptureCount() as captured:
            look()
        counts.append(captured.number)
    assert counts[0] == counts[1]


class CaptureCount:
    """Context manager that counts database statements."""

    number = 0

    def __enter__(self) -> "CaptureCount":
        self._wrapped = connection.execute_wrapper(self._count)
        self._wrapped.__enter__()
        return self

    def __exit__(self, *ended: Any) -> None:
        self._wrapped.__exit__(*ended)

    def _count(self, execute: Any, *arguments: Any) -> Any:
        self.number += 1
        return execute(*arguments)


def test_probes_answer_whatever_the_host_is_called(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    for address in ("/healthz", "/readyz"):
        answer = client.get(address, headers={"host": "10.0.0.7:8000"})
        assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert client.post("/healthz").status_code == 405


def test_a_process_without_database_is_healthy_and_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*args: Any) -> None:
        raise OperationalError("no")

    monkeypatch.setattr("core.monitoring.pages.MigrationExecutor", gone)
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503


def test_a_missing_migration_is_not_ready(client: Client) -> None:
    from django.db.migrations.recorder import MigrationRecorder

    recorder = MigrationRecorder(connection)
    newest = recorder.migration_qs.filter(app="core").latest("pk").name
    recorder.migration_qs.filter(app="core", name=newest).delete()
    try:
        answer = client.get("/readyz")
    finally:
        recorder.record_applied("core", newest)
    assert (answer.status_code, b"manage.py migrate" in answer.content) == (503, True)


@pytest.mark.parametrize(
    ("token", "given", "code"),
    [
        ("", None, 404),
        ("", "Bearer ", 404),
        ("s3cret-s3cret", None, 401),
        ("s3cret-s3cret", "Bearer", 401),
        ("s3cret-s3cret", "Bearer wrong", 401),
        ("s3cret-s3cret", "Basic s3cret-s3cret", 401),
        ("s3cret-s3cret", "Bearer \udcff", 401),
        ("s3cret-s3cret", "Bearer s3cret-s3cret", 200),
        ("s3cret-s3cret", "bearer s3cret-s3cret", 200),
    ],
)
def test_metrics_are_for_those_who_bring_the_token(
    client: Client, settings: Any, token: str, given: str | None, code: int
) -> None:
    settings.METRICS_TOKEN = token
    assert client.get("/metrics", headers={"authorization": given} if given else {}).status_code == code


def test_metrics_tell_runs_freshness_index_and_limits(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = "s3cret-s3cret"
    ran("failed", started_at=timezone.now() - timedelta(hours=2))
    ran("succeeded", requests=12)
    scope('o/"r\n', hours=40)
    ApiBudget.objects.create(source_system="github", account="a", resource="core", limit=5000, remaining=9)
    SkippedItem.objects.create(
        collector="github", scope="1", stream="s", external_id="x", reason="malformed",
        first_seen_at=timezone.now(), last_seen_at=timezone.now(),
    )  # fmt: skip
    answer = client.get("/metrics", headers={"authorization": "Bearer s3cret-s3cret"})
    assert answer["Content-Type"].startswith("text/plain")
    found = {
        (sample.name.removeprefix("activity_trackers_"), *dict(sorted(sample.labels.items())).values()): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }
    assert found["runs", "github", "succeeded"] == 1
    assert found["runs", "github", "failed"] == 1
    assert found["scope_stale", 'o/"r\n', "github"] == 1
    assert found["scope_age_seconds", 'o/"r\n', "github"] == pytest.approx(40 * 3600, abs=60)
    assert found["last_success_timestamp_seconds", "github"] == pytest.approx(timezone.now().timestamp(), abs=60)
    assert found["api_budget_remaining", "a", "core", "github"] == 9
    assert found["skipped_items", "github", "malformed"] == 1
    assert found["documents_waiting", "failed"] == 0
    assert found["last_run_requests", "github"] == 12
