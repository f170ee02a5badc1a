"""What every log record of a run carries besides its words: who collects, in which phase, what."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

FIELDS = ("collector", "collector_phase", "failure_category", "run_id", "scope")
_fields: ContextVar[Mapping[str, str]] = ContextVar("log_fields", default={})  # noqa: B039  (replaced, never changed)


@contextmanager
def log_fields(**fields: object) -> Generator[None]:
    """From here to the end of the block, records of this thread carry these fields too."""
    token = _fields.set({**_fields.get(), **{name: str(value) for name, value in fields.items()}})
    try:
        yield
    finally:
        _fields.reset(token)


def current_log_fields() -> Mapping[str, str]:
    """The fields of the blocks that this thread is in."""
    return _fields.get()
