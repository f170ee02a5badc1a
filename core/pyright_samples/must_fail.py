"""The type checker must report an error in every line from line 9 on."""

from core.collectors import AbstractCollector, CollectorRunnable
from core.protocols import ActivityRecord, IncrementalState, TrackerResult


def wrong(result: TrackerResult, record: ActivityRecord, state: IncrementalState) -> None:
    """Assign objects that break a protocol, write to read-only attributes, and instantiate an abstract class."""
    result = object()
    record = "github:issue:1"
    state = {"checkpoint_token": ""}
    result.success = True
    record.summary = "another"
    state.extras = {}
    _: CollectorRunnable = object()
    AbstractCollector()
