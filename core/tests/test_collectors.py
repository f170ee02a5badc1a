"""Tests of the two phases of a collecting command: their order, the name of the current phase, and failures."""

import logging
from typing import Any

import pytest
from django.core.management.base import CommandError

from core.models import CollectorRun
from tests.support.fake_collector import FakeCollector, command_error, run

pytestmark = pytest.mark.django_db


def test_the_phases_run_in_order_and_leave_no_attribute_behind() -> None:
    collector = FakeCollector()
    run(collector)
    assert collector.calls == [("validate", "run"), ("collect", "run"), ("sync", "sync_pinecone")]
    assert not hasattr(collector, "_error_phase")


@pytest.mark.parametrize(("phase", "name"), [("run", "run"), ("sync", "sync_pinecone")])
def test_a_failure_is_handled_once_and_raised_unchanged(caplog: Any, phase: str, name: str) -> None:
    failure = TimeoutError("slow")
    collector = FakeCollector(**{phase: failure})  # pyright: ignore[reportArgumentType]  # by name
    assert command_error(collector) is failure
    assert collector.handled == [failure]
    assert collector.calls[-1] == ("handle", name)
    (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert (record.collector, record.collector_phase, record.failure_category) == ("fake", name, "timeout")


def test_a_failed_run_indexes_nothing() -> None:
    collector = FakeCollector(run=KeyError())
    command_error(collector)
    assert "sync" not in dict(collector.calls)


@pytest.mark.parametrize("phase", ["run", "sync"])
def test_a_double_fault_leaves_no_phase_and_no_open_run_behind(phase: str) -> None:
    first, second = ValueError("first"), RuntimeError("second")
    collector = FakeCollector(handler=second, **{phase: first})  # pyright: ignore[reportArgumentType]  # by name
    raised = command_error(collector)
    assert raised is second
    assert raised.__context__ is first
    assert CollectorRun.objects.get().outcome == "failed"


@pytest.mark.parametrize(("phase", "name"), [("run", "run"), ("sync", "sync_pinecone")])
def test_a_command_error_is_not_handled_but_logged_as_command(caplog: Any, phase: str, name: str) -> None:
    failure = CommandError("no")
    collector = FakeCollector(**{phase: failure})  # pyright: ignore[reportArgumentType]  # by name
    assert command_error(collector) is failure
    assert collector.handled == []
    (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert (record.collector, record.collector_phase, record.failure_category) == ("fake", name, "command")
