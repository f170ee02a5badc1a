"""Tests of the effects of a collecting command: ledger, exit code, JSON output, and data for the next run."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction

from core.collectors import AbstractCollector, CollectorResult
from core.collectors.abstract import ScopeReport
from core.errors import RetryLater, ScopeBusy
from core.models import Chunk, CollectorRun, Document, Scope
from core.runs import current_run
from core.search.documents import DocumentMark, Passage, RenderedDocument, mark_changed
from tests.support.fake_collector import Command, FakeCollector, command_error, run

pytestmark = pytest.mark.django_db
SECRET = "ghp_" + "a" * 36
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_failed_run_is_in_the_ledger_without_secrets() -> None:
    command_error(FakeCollector(run=PermissionError(f"no\nwith {SECRET}")))
    kept = CollectorRun.objects.get()
    assert (kept.collector, kept.outcome, kept.failure_category) == ("fake", "failed", "permission")
    assert kept.error == "no with ***"
    assert kept.finished_at is not None
    assert current_run() is None


class Storing(FakeCollector):
    """A collector that queues the document of a note, and then fails if the test requests it.

    The collector also renders the document.
    """

    source_system = "fake"
    renderer_version = 1

    def collect(self) -> Any:
        with transaction.atomic():
            scope, _ = Scope.objects.get_or_create(source_system="fake", external_id="1", defaults={"name": "kept"})
            mark_changed([DocumentMark(source_system="fake", external_id="note", kind="note", scope_id=scope.pk)])
        return super().collect()

    def render(self, external_ids: Sequence[str]) -> Iterable[RenderedDocument]:
        for name in external_ids:
            yield RenderedDocument(
                external_id=name, kind="note", title=name, url="", author="", occurred_at=NOW,
                passages=[Passage(text="The lock of the canal is closed.")],
            )  # fmt: skip

    def document_sources(self) -> Any:
        return [self]

    def sync_pinecone(self) -> None:
        AbstractCollector.sync_pinecone(self)


@pytest.mark.django_db(transaction=True)
def test_data_of_a_failed_run_stays_and_is_indexed_by_the_next_run() -> None:
    command_error(Storing(run=RetryLater("later")))
    assert Document.objects.get().external_id == "note"
    assert not Chunk.objects.exists()
    run(Storing())
    assert "canal" in Chunk.objects.get().text


@pytest.mark.parametrize(("outcome", "code"), [("succeeded", 0), ("partial", 3), ("failed", 1), ("busy", 75)])
def test_the_exit_code_follows_the_outcome(outcome: Any, code: int) -> None:
    assert run(FakeCollector(CollectorResult(outcome=outcome))).exit_code == code


def test_no_sync_skips_the_second_phase() -> None:
    collector = FakeCollector()
    run(collector, "--no-sync")
    assert [call for call, _ in collector.calls] == ["validate", "collect"]


def test_json_prints_a_result_as_one_object() -> None:
    report = ScopeReport(scope="a/b", outcome="partial", counts={"issues": 2}, skipped=1, reason=f"saw {SECRET}")
    report = json.loads(run(FakeCollector(CollectorResult.of([report], requests=7)), "--json").printed.getvalue())
    assert report.pop("duration_seconds") >= 0
    scope = {"scope": "a/b", "outcome": "partial", "counts": {"issues": 2}, "reason": "saw ***"}
    assert report == {
        "collector": "fake", "success": False, "outcome": "partial", "counts": {"issues": 2}, "requests": 7,
        "skipped": 1, "scopes": [scope],
    }  # fmt: skip


def test_json_prints_a_failure_too() -> None:
    command = Command()
    command_error(FakeCollector(run=ScopeBusy(f"locked by {SECRET}")), "--json", command=command)
    report = json.loads(command.printed.getvalue())
    assert (report["success"], report["outcome"], report["failure_category"]) == (False, "busy", "command")
    assert CollectorRun.objects.get().outcome == "busy"
    assert SECRET not in report["error"]
