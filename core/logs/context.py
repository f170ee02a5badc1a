"""Fields that every log record of a run contains: collector, phase, run and scope."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

FIELDS = ("collector", "collector_phase", "failure_category", "run_id", "scope")
_fields: ContextVar[Mapping[str, str]] = ContextVar("log_fields", default={})  # noqa: B039  (replaced, never changed)


@contextmanager
def log_fields(**fields: object) -> Generator[None]:
    """Add these fields to all log records of this context inside the block."""
    token = _fields.set({**_fields.get(), **{name: str(value) for name, value in fields.items()}})
    try:
        yield
    finally:
        _fields.reset(token)


def current_log_fields() -> Mapping[str, str]:
    """Return the fields of the surrounding ``log_fields`` blocks."""
    return _fields.get()
