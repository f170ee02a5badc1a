"""What trackers hand to core: runtime-checkable protocols, fulfilled by any class with these attributes."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable


@runtime_checkable
class TrackerResult(Protocol):
    """What a collection achieved."""

    @property
    def success(self) -> bool:
        """Whether everything was collected."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """How many of what."""
        ...


@runtime_checkable
class ActivityRecord(Protocol):
    """One thing that somebody did at one moment."""

    @property
    def source_system(self) -> str:
        """github, discord, ..."""
        ...

    @property
    def external_id(self) -> str:
        """Unique in the source, such as ``github:issue_comment:1234``."""
        ...

    @property
    def occurred_at(self) -> str:
        """ISO 8601 in UTC with ``Z``."""
        ...

    @property
    def activity_type(self) -> str:
        """Such as ``github.issue_comment``."""
        ...

    @property
    def actor_external_id(self) -> str:
        """The numeric account id as text; empty for nobody."""
        ...

    @property
    def source_url(self) -> str:
        """Where people can see it."""
        ...

    @property
    def summary(self) -> str:
        """One short line."""
        ...


@runtime_checkable
class IncrementalState(Protocol):
    """How far a stream has been read."""

    @property
    def checkpoint_token(self) -> str:
        """Opaque to all but the fetcher."""
        ...

    @property
    def human_readable_marker(self) -> str:
        """The same for people."""
        ...

    @property
    def extras(self) -> Mapping[str, object]:
        """Anything else that the fetcher keeps, as JSON takes it."""
        ...


def require_tracker_result(obj: object) -> TrackerResult:
    """Return the object; TypeError when it is not a ``TrackerResult``."""
    if isinstance(obj, TrackerResult):
        return obj
    raise TypeError(f"{type(obj).__name__} is not a TrackerResult: it needs success and counts")


def require_activity_record(obj: object) -> ActivityRecord:
    """Return the object; TypeError when it is not an ``ActivityRecord``."""
    if isinstance(obj, ActivityRecord):
        return obj
    raise TypeError(f"{type(obj).__name__} is not an ActivityRecord")
