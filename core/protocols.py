"""Protocols for the objects that trackers pass to core.

A class satisfies a protocol if it has the protocol's attributes. ``isinstance`` checks this at run time.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable


@runtime_checkable
class TrackerResult(Protocol):
    """The result of a collection."""

    @property
    def success(self) -> bool:
        """Whether everything was collected."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """Number of items by name."""
        ...


@runtime_checkable
class ActivityRecord(Protocol):
    """One activity: something that an account did at one moment."""

    @property
    def source_system(self) -> str:
        """Name of the source, such as ``github``."""
        ...

    @property
    def external_id(self) -> str:
        """Unique id in the source, such as ``github:issue_comment:1234``."""
        ...

    @property
    def occurred_at(self) -> str:
        """Time in ISO 8601, in UTC with ``Z``."""
        ...

    @property
    def activity_type(self) -> str:
        """Type, such as ``github.issue_comment``."""
        ...

    @property
    def actor_external_id(self) -> str:
        """Numeric account id as text, or an empty string if the activity has no actor."""
        ...

    @property
    def source_url(self) -> str:
        """URL of the activity at its source."""
        ...

    @property
    def summary(self) -> str:
        """The activity in one short line."""
        ...


@runtime_checkable
class IncrementalState(Protocol):
    """How far a stream has been read."""

    @property
    def checkpoint_token(self) -> str:
        """Position in the stream. Only the fetcher interprets it."""
        ...

    @property
    def human_readable_marker(self) -> str:
        """The position as readable text."""
        ...

    @property
    def extras(self) -> Mapping[str, object]:
        """Other values that the fetcher needs. They must be valid JSON."""
        ...


def require_tracker_result(obj: object) -> TrackerResult:
    """Return the object. Raises TypeError when it is not a ``TrackerResult``."""
    if isinstance(obj, TrackerResult):
        return obj
    raise TypeError(f"{type(obj).__name__} is not a TrackerResult: it needs success and counts")


def require_activity_record(obj: object) -> ActivityRecord:
    """Return the object. Raises TypeError when it is not an ``ActivityRecord``."""
    if isinstance(obj, ActivityRecord):
        return obj
    raise TypeError(f"{type(obj).__name__} is not an ActivityRecord: it lacks attributes of the protocol")
