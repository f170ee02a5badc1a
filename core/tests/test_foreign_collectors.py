"""Tests of collectors and commands from outside this repository, which may lack optional parts."""

from argparse import ArgumentParser
from types import SimpleNamespace
from typing import Any

import pytest

from core.collectors import AbstractCollector, BaseCollectorCommand, CollectorRunnable
from core.models import CollectorRun

pytestmark = pytest.mark.django_db


class Slotted:
    """A collector with slots and without a name."""

    __slots__ = ("calls",)

    def __init__(self) -> None:
        self.calls: list[str] = []

    def run(self) -> None:
        self.calls.append("run")

    def sync_pinecone(self) -> None:
        self.calls.append("sync")

    def handle_error(self, exc: Exception) -> None:
        self.calls.append(f"error {exc}")


class Failing(Slotted):
    """A collector with slots that fails."""

    __slots__ = ()

    def run(self) -> None:
        raise ValueError("broken")


class Silent(BaseCollectorCommand):
    """A command that does not define the options that collecting commands share."""

    def __init__(self, collector: CollectorRunnable) -> None:
        super().__init__()
        self.collector = collector

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--depth", type=int, default=3)

    def get_collector(self, **options: Any) -> CollectorRunnable:
        self.options = options
        return self.collector


def test_handle_without_options_runs_both_phases() -> None:
    collector = Slotted()
    Silent(collector).handle()
    assert collector.calls == ["run", "sync"]
    assert CollectorRun.objects.get().collector == "Slotted"


def test_handle_without_options_supplies_the_defaults_of_the_command() -> None:
    command = Silent(Slotted())
    command.handle()
    assert (command.options["depth"], command.options["max_requests"]) == (3, None)


def test_an_option_overrides_its_default() -> None:
    command = Silent(Slotted())
    command.handle(depth=7, no_sync=True)
    assert command.options["depth"] == 7
    assert command.collector.calls == ["run"]  # type: ignore[attr-defined]


def test_a_failure_of_a_collector_with_slots_is_handled_once_and_raised_unchanged() -> None:
    collector = Failing()
    with pytest.raises(ValueError, match="broken"):
        Silent(collector).handle()
    assert collector.calls == ["error broken"]


class Incomplete(Slotted):
    """A collector with a foreign ``TrackerResult`` that reports missing data."""

    __slots__ = ("result",)

    def run(self) -> None:
        self.result = SimpleNamespace(success=False, counts={"pages": 3})


def test_a_result_without_success_makes_the_run_partial() -> None:
    command = Silent(Incomplete())
    command.handle()
    run = CollectorRun.objects.get()
    assert (run.outcome, run.counts, command.exit_code) == ("partial", {"pages": 3}, 3)


class Unnamed(AbstractCollector):
    """A collector without a name."""

    def validate_config(self) -> None: ...

    def collect(self) -> None: ...


class NamedLate(Unnamed):
    """A collector that sets its name in ``__init__``."""

    def __init__(self, name: Any) -> None:
        self.name = name


class NamedByProperty(Unnamed):
    """A collector that has its name as a property."""

    @property
    def name(self) -> str:  # type: ignore[override]
        return "by-property"


def test_a_collector_without_a_name_cannot_be_created() -> None:
    with pytest.raises(TypeError, match="Unnamed must have a name"):
        Unnamed()


@pytest.mark.parametrize("name", ["", "  ", None, 7])
def test_a_name_must_be_a_text(name: object) -> None:
    with pytest.raises(TypeError, match="must have a name"):
        NamedLate(name)


def test_a_name_may_come_from_init_or_from_a_property() -> None:
    assert NamedLate("late").name == "late"
    assert NamedByProperty().name == "by-property"
