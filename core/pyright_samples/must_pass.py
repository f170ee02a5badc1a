"""The type checker must accept classes of a tracker that implement the protocols without inheriting from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from core.collectors import AbstractCollector, CollectorRunnable, DjangoCommandCollector
from core.protocols import ActivityRecord, IncrementalState, TrackerResult, require_activity_record


@dataclass(frozen=True)
class Result:
    """A class that implements ``TrackerResult`` by its attributes."""

    success: bool
    counts: Mapping[str, int]


@dataclass(frozen=True)
class State:
    """A class that implements ``IncrementalState`` by its attributes."""

    checkpoint_token: str = ""
    human_readable_marker: str = ""
    extras: Mapping[str, object] = field(default_factory=dict[str, object])


class Record(NamedTuple):
    """A class that implements ``ActivityRecord`` by its attributes."""

    source_system: str
    external_id: str
    occurred_at: str
    activity_type: str
    actor_external_id: str
    source_url: str
    summary: str


class Collector(AbstractCollector):
    """A collector that defines only what ``AbstractCollector`` requires."""

    name = "sample"

    def validate_config(self) -> None:
        """Check nothing, because this collector has no settings."""

    def collect(self) -> TrackerResult:
        """Collect nothing."""
        return Result(success=True, counts={"things": 0})


class Named(Collector):
    """A collector that has its name as a property."""

    @property
    def name(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]  # a plain attribute in its base
        """Return the name of the collector."""
        return "named"


state: IncrementalState = State()
record: ActivityRecord = Record("github", "github:issue:1:2", "2026-01-01T00:00:00Z", "github.issue", "7", "", "Title")
checked: ActivityRecord = require_activity_record(record)
runnables: list[CollectorRunnable] = [Collector(), Named(), DjangoCommandCollector("check")]
