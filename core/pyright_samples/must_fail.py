"""Every line from 9 on is an error of types."""

from core.collectors import AbstractCollector, CollectorRunnable
from core.protocols import ActivityRecord, IncrementalState, TrackerResult


def wrong(result: TrackerResult, record: ActivityRecord, state: IncrementalState) -> None:
    """Nothing here fulfils its contract, and nothing of a protocol can be written."""
    result = object()
    record = "github:issue:1"
    state = {"checkpoint_token": ""}
    result.success = True
    record.summary = "another"
    state.extras = {}
    _: CollectorRunnable = object()
    AbstractCollector()
