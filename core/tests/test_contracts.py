"""Tests of the older and the preferred base class of collectors, without a command."""

import logging
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from core.collectors import AbstractCollector, BaseCollectorCommand, CollectorBase, CollectorRunnable
from core.collectors import DjangoCommandCollector as Called
from core.errors import ConfigurationError


class Legacy(CollectorBase):
    """A collector that defines only the required method."""

    def run(self) -> str:
        return "ran"


class Preferred(AbstractCollector):
    """A collector that returns ``answer``, or raises ``wrong``."""

    name = "preferred"

    def __init__(self, answer: Any = None, *, wrong: Exception | None = None) -> None:
        self.answer, self.wrong = answer, wrong
        self.calls: list[str] = []

    def validate_config(self) -> None:
        self.calls.append("validate")
        if self.wrong:
            raise self.wrong

    def collect(self) -> Any:
        self.calls.append("collect")
        return self.answer


@dataclass(frozen=True)
class Found:
    """A result that has the required attributes without inheriting from a class of the project."""

    success: bool = True
    counts: dict[str, int] = field(default_factory=lambda: {"things": 2})


def test_the_legacy_contract_is_run_alone() -> None:
    collector = Legacy()
    assert collector.run() == "ran"
    assert collector.sync_pinecone() is None


@pytest.mark.parametrize("base", [CollectorBase, AbstractCollector, BaseCollectorCommand])
def test_an_incomplete_collector_cannot_be_instantiated(base: type) -> None:
    with pytest.raises(TypeError):
        type("Forgetful", (base,), {})()


@pytest.mark.parametrize("missing", ["validate_config", "collect"])
def test_the_preferred_contract_requires_both_methods(missing: str) -> None:
    methods: dict[str, Any] = {"name": "x", "validate_config": print, "collect": print}
    del methods[missing]
    with pytest.raises(TypeError, match=missing):
        type("Forgetful", (AbstractCollector,), methods)()


def test_run_validates_then_collects() -> None:
    collector = Preferred(Found())
    assert collector.run() is collector.answer
    assert collector.result is collector.answer
    assert collector.calls == ["validate", "collect"]


def test_nothing_is_collected_with_a_wrong_configuration() -> None:
    collector = Preferred(wrong=ConfigurationError("set X"))
    with pytest.raises(ConfigurationError):
        collector.run()
    assert collector.calls == ["validate"]


def test_none_is_a_success_without_counts() -> None:
    found = Preferred(None).run()
    assert (found.success, dict(found.counts)) == (True, {})


@pytest.mark.parametrize(
    "answer", [True, 3, "done", {}, {"success": True, "counts": {}}, SimpleNamespace(success=True)]
)
def test_any_other_result_is_a_type_error(answer: object) -> None:
    with pytest.raises(TypeError, match="TrackerResult"):
        Preferred(answer).run()


def test_every_collector_is_runnable_and_other_objects_are_not() -> None:
    by_shape = SimpleNamespace(run=print, sync_pinecone=print, handle_error=print)
    assert all(isinstance(one, CollectorRunnable) for one in (Legacy(), Preferred(), Called("check"), by_shape))
    assert not isinstance(SimpleNamespace(run=print, sync_pinecone=print), CollectorRunnable)


class Named(Legacy):
    """A collector that has its name as a property."""

    @property
    def name(self) -> str:
        return "by-property"


def logged(caplog: pytest.LogCaptureFixture, collector: CollectorBase, error: Exception) -> Any:
    """Let the collector handle an error, and return the log record."""
    with caplog.at_level(logging.ERROR):
        try:
            raise error
        except type(error) as caught:
            collector.handle_error(caught)
    (record,) = caplog.records
    return record


@pytest.mark.parametrize(
    ("collector", "slug"),
    [(Preferred(), "preferred"), (Named(), "by-property"), (Legacy(), "Legacy"), (Called("migrate"), "migrate")],
)
def test_a_handled_error_is_logged_under_the_collector_s_name(
    caplog: pytest.LogCaptureFixture, collector: CollectorBase, slug: str
) -> None:
    record = logged(caplog, collector, KeyError())
    assert (record.collector, record.collector_phase) == (slug, "")


def test_a_handled_error_is_logged_with_phase_category_and_traceback(caplog: pytest.LogCaptureFixture) -> None:
    collector: Any = Legacy()
    collector._error_phase = "sync_pinecone"
    record = logged(caplog, collector, TimeoutError("slow"))
    fields = (record.collector, record.collector_phase, record.failure_category)
    assert fields == ("Legacy", "sync_pinecone", "timeout")
    assert all(type(word) is str for word in fields)
    assert record.levelname == "ERROR"
    assert record.exc_info or "TimeoutError" in record.exc_text


def test_a_django_command_runs_exactly_once(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[object, ...]] = []
    monkeypatch.setattr("core.collectors.abstract.call_command", lambda *given: called.append(given))
    collector = Called("check")
    collector.run()
    assert called == [("check",)]
    assert collector.sync_pinecone() is None
