"""A tracker's classes fulfil the protocols without inheriting from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.collectors import AbstractCollector
from core.protocols import IncrementalState, TrackerResult


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


class Collector(AbstractCollector):
    """The smallest collector."""

    name = "sample"

    def validate_config(self) -> None:
        """Nothing is needed."""

    def collect(self) -> TrackerResult:
        """Collect nothing."""
        return Result(success=True, counts={"things": 0})


state: IncrementalState = State()
