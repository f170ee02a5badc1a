"""Stores in the database how far each stream of each scope has been read (``IncrementalState``)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from django.utils import timezone

from core.db.upsert import upsert
from core.models import Checkpoint
from core.protocols import IncrementalState

LONGEST_MARKER = 200
"""Maximum number of characters of ``human_readable_marker``: the width of its column."""
State = TypeVar("State", bound=IncrementalState, covariant=True)


class StateClass(Protocol[State]):
    """A tracker's class for states. Its instances are created from the fields of a stored checkpoint.

    Without arguments, it creates the empty state of a stream that was never read.
    """

    def __call__(
        self, *, checkpoint_token: str = "", human_readable_marker: str = "", extras: Mapping[str, object] = ...
    ) -> State:
        """Return a state with these values."""
        ...


@dataclass(frozen=True, slots=True)
class Checkpoints(Generic[State]):
    """The checkpoints of one collector. They are loaded as instances of the tracker's own class for states.

    Save a checkpoint in the transaction that writes the page, so that rows and position are committed together.
    """

    collector: str
    state_class: StateClass[State]

    def load(self, scope: int | str, stream: str) -> State:
        """Return the state that was saved with the last page, or an empty state if the stream was never read."""
        row = Checkpoint.objects.filter(collector=self.collector, scope=str(scope), stream=stream).first()
        return self._state(row) if row else self.state_class()

    def load_many(self, scopes: Iterable[int | str]) -> Mapping[str, Mapping[str, State]]:
        """Return the states of these scopes, by scope and stream.

        In each scope, the least recently saved state is first.
        """
        states = defaultdict[str, dict[str, State]](dict)
        names = [str(scope) for scope in scopes]
        for row in Checkpoint.objects.filter(collector=self.collector, scope__in=names).order_by("updated_at"):
            states[row.scope][row.stream] = self._state(row)
        return states

    def save(self, scope: int | str, stream: str, state: IncrementalState) -> None:
        """Save one state in the caller's transaction."""
        self.save_many({(scope, stream): state})

    def save_many(self, states: Mapping[tuple[int | str, str], IncrementalState | None]) -> None:
        """Save states, by scope and stream, in the caller's transaction. ``None`` deletes a stored state.

        All states that are not ``None`` are saved with one statement.
        """
        now = timezone.now()
        rows = [
            {
                "collector": self.collector,
                "scope": str(scope),
                "stream": stream,
                "checkpoint_token": state.checkpoint_token,
                "human_readable_marker": state.human_readable_marker[:LONGEST_MARKER],
                "extras": dict(state.extras),
                "updated_at": now,
            }
            for (scope, stream), state in states.items()
            if state is not None
        ]
        upsert(Checkpoint, rows, key=["collector", "scope", "stream"])
        for (scope, stream), state in states.items():
            if state is None:
                self.drop(scope, stream)

    def drop(self, scope: int | str, *streams: str) -> None:
        """Delete the states of these streams, so that the next run reads the streams from the beginning."""
        Checkpoint.objects.filter(collector=self.collector, scope=str(scope), stream__in=streams).delete()

    def _state(self, row: Checkpoint) -> State:
        return self.state_class(
            checkpoint_token=row.checkpoint_token, human_readable_marker=row.human_readable_marker, extras=row.extras
        )
