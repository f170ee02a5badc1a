"""The contracts of collectors and of their commands."""

import logging
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from core.collectors import (
    AbstractCollector,
    BaseCollectorCommand,
    CollectorBase,
    CollectorRunnable,
    DjangoCommandCollector,
)
from core.collectors.result import CollectorResult
from core.models import CollectorRun


class Told(AbstractCollector):
    """Does what it is told, and remembers in which order."""

    name = "told"

    def __init__(self, answer: Any = None, *, run: Exception | None = None, handler: Exception | None = None) -> None:
        self.answer, self.failure, self.handler_failure = answer, run, handler
        self.calls: list[str] = []
        self.phases: list[str] = []

    def validate_config(self) -> None:
        self.calls.append("validate")

    def collect(self) -> Any:
        self.calls.append("collect")
        self.phases.append(self._error_phase)  # type: ignore[attr-defined]
        if self.failure:
            raise self.failure
        return self.answer

    def sync_pinecone(self) -> None:
        self.calls.append("sync")
        self.phases.append(self._error_phase)  # type: ignore[attr-defined]

    def handle_error(self, exc: Exception) -> None:
        self.calls.append("handle")
        super().handle_error(exc)
        if self.handler_failure:
            raise self.handler_failure


class Command(BaseCollectorCommand):
    """Runs a given collector."""

    collector: Told

    def get_collector(self, **options: Any) -> CollectorRunnable:
        return self.collector


def run(collector: Told, *arguments: str) -> Command:
    command = Command()
    command.collector = collector
    call_command(command, *arguments)
    return command


def test_a_command_without_get_collector_cannot_be_made() -> None:
    class Forgetful(BaseCollectorCommand):
        pass

    with pytest.raises(TypeError):
        Forgetful()  # type: ignore[abstract]


def test_none_counts_as_success_without_counts() -> None:
    collector = Told(None)
    collector._error_phase = "run"  # type: ignore[attr-defined]
    assert (collector.run().success, dict(collector.run().counts)) == (True, {})


def test_anything_else_than_a_result_is_a_type_error() -> None:
    collector = Told("done")
    collector._error_phase = "run"  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="TrackerResult"):
        collector.run()


@pytest.mark.django_db
def test_the_phases_run_in_their_order_and_leave_nothing_behind() -> None:
    collector = Told()
    run(collector)
    assert collector.calls == ["validate", "collect", "sync"]
    assert collector.phases == ["run", "sync_pinecone"]
    assert not hasattr(collector, "_error_phase")


@pytest.mark.django_db
def test_a_failure_is_handled_once_and_raised_unchanged(caplog: pytest.LogCaptureFixture) -> None:
    failure = TimeoutError("slow")
    collector = Told(run=failure)
    with caplog.at_level(logging.ERROR), pytest.raises(TimeoutError) as raised:
        run(collector)
    assert raised.value is failure
    assert collector.calls == ["validate", "collect", "handle"]
    record: Any = caplog.records[-1]
    assert (record.collector, record.collector_phase, record.failure_category) == ("told", "run", "timeout")
    assert CollectorRun.objects.get().failure_category == "timeout"


@pytest.mark.django_db
def test_a_double_fault_leaves_no_phase_behind() -> None:
    collector = Told(run=ValueError("first"), handler=RuntimeError("second"))
    with pytest.raises(RuntimeError, match="second"):
        run(collector)
    assert not hasattr(collector, "_error_phase")


@pytest.mark.django_db
def test_a_command_error_is_not_handled_but_logged_as_command(caplog: pytest.LogCaptureFixture) -> None:
    collector = Told(run=CommandError("no"))
    with caplog.at_level(logging.ERROR), pytest.raises(CommandError):
        run(collector)
    assert "handle" not in collector.calls
    assert caplog.records[-1].failure_category == "command"  # type: ignore[attr-defined]


@pytest.mark.django_db
@pytest.mark.parametrize(("outcome", "code"), [("succeeded", 0), ("partial", 3), ("failed", 1), ("busy", 75)])
def test_the_exit_code_follows_the_outcome(outcome: Any, code: int) -> None:
    assert run(Told(CollectorResult(outcome=outcome))).exit_code == code


@pytest.mark.django_db
def test_no_sync_leaves_the_second_phase_out() -> None:
    collector = Told()
    run(collector, "--no-sync")
    assert "sync" not in collector.calls


def test_a_django_command_is_called_exactly_once(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr("core.collectors.django_command.call_command", called.append)
    DjangoCommandCollector("check").run()
    assert called == ["check"]


def test_every_collector_is_runnable() -> None:
    assert isinstance(Told(), CollectorRunnable)
    assert isinstance(DjangoCommandCollector("check"), CollectorBase)
