"""A tracker's classes fulfil the protocols without inheriting from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from core.collectors import AbstractCollector, CollectorRunnable, DjangoCommandCollector
from core.protocols import ActivityRecord, IncrementalState, TrackerResult, require_activity_record


@dataclass(frozen=True)
class Result:
    """A ``TrackerResult`` by its shape."""

    success: bool
    counts: Mapping[str, int]


@dataclass(frozen=True)
class State:
    """An ``IncrementalState`` by its shape."""

    checkpoint_token: str = ""
    human_readable_marker: str = ""
    extras: Mapping[str, object] = field(default_factory=dict[str, object])


class Record(NamedTuple):
    """An ``ActivityRecord`` by its shape."""

    source_system: str
    external_id: str
    occurred_at: str
    activity_type: str
    actor_external_id: str
    source_url: str
    summary: str


class Collector(AbstractCollector):
    """The smallest collector."""

    name = "sample"

    def validate_config(self) -> None:
        """Nothing is needed."""

    def collect(self) -> TrackerResult:
        """Collect nothing."""
        return Result(success=True, counts={"things": 0})


class Named(Collector):
    """Its name is a property."""

    @property
    def name(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]  # a plain attribute in its base
        """As it was asked for."""
        return "named"


state: IncrementalState = State()
record: ActivityRecord = Record("github", "github:issue:1:2", "2026-01-01T00:00:00Z", "github.issue", "7", "", "Title")
checked: ActivityRecord = require_activity_record(record)
runnables: list[CollectorRunnable] = [Collector(), Named(), DjangoCommandCollector("check")]
