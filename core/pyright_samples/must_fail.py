"""Each assignment is an error of types."""

from core.protocols import ActivityRecord, IncrementalState, TrackerResult

result: TrackerResult = object()
record: ActivityRecord = "github:issue:1"
state: IncrementalState = {"checkpoint_token": ""}
