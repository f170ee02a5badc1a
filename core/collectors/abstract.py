"""What a collector is."""

import logging
from abc import ABC, ABCMeta, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from django.core.management import call_command

from core.collectors.progress import Progress
from core.collectors.result import CollectorResult
from core.errors import classify_failure
from core.protocols import TrackerResult, require_tracker_result
from core.search.documents import DocumentSource

logger = logging.getLogger(__name__)


@runtime_checkable
class CollectorRunnable(Protocol):
    """Anything that a collecting command can run."""

    def run(self) -> Any:
        """Collect."""
        ...

    def sync_pinecone(self) -> Any:
        """Bring the search index up to date."""
        ...

    def handle_error(self, exc: Exception) -> None:
        """Take note of a failure; the command raises it again."""
        ...


class CollectorBase(ABC):
    """The legacy contract: only ``run()`` must be written."""

    @abstractmethod
    def run(self) -> Any:
        """Collect."""

    def sync_pinecone(self) -> Any:
        """Nothing, unless a subclass has something to search."""
        return None

    def handle_error(self, exc: Exception) -> None:
        """Log the failure with collector, phase and category."""
        logger.exception(  # noqa: LOG004  (the command calls it inside its handler)
            "collector failed: %s",
            exc,
            extra={
                "collector": str(getattr(self, "name", "") or type(self).__name__),
                "collector_phase": str(getattr(self, "_error_phase", "")),
                "failure_category": classify_failure(exc).value,
                "printed": True,  # by run_from_argv, as its last line
            },
        )


class NamedWhenCreated(ABCMeta):
    """Refuse an instance that has no ``name`` once its ``__init__`` has run."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Create the instance. Raises TypeError when its ``name`` is missing, empty or not a text."""
        created = super().__call__(*args, **kwargs)
        name: object = getattr(created, "name", None)
        if not isinstance(name, str) or not name.strip():
            raise TypeError(f"{cls.__name__} must have a name: a text that logs and the run ledger call it by")
        return created


class AbstractCollector(CollectorBase, metaclass=NamedWhenCreated):
    """The preferred contract: ``name``, ``validate_config()`` and ``collect()``.

    Creating an instance without a ``name`` raises TypeError.
    """

    name: str
    """What logs and the run ledger call it: a class attribute, one that ``__init__`` sets, or a property."""
    result: TrackerResult | None = None
    """What the last ``collect()`` returned."""

    @abstractmethod
    def validate_config(self) -> None:
        """Raise ``ConfigurationError`` for what cannot be done, before anything is touched."""

    @abstractmethod
    def collect(self) -> TrackerResult | None:
        """Collect; ``None`` is a success without counts."""

    def counts_so_far(self) -> Mapping[str, int]:
        """Return what this run has stored until now, by name, for a run that ends before its result is known."""
        return self.result.counts if self.result is not None else {}

    def document_sources(self) -> Sequence[DocumentSource]:
        """What ``sync_pinecone()`` brings into the search index; nothing by default."""
        return ()

    def run(self) -> TrackerResult:
        """Validate, then collect. TypeError when ``collect()`` returns anything but a ``TrackerResult`` or None."""
        self.validate_config()
        found: object = self.collect()
        self.result = CollectorResult() if found is None else require_tracker_result(found)
        return self.result

    def sync_pinecone(self) -> Any:
        """Bring every changed document into the index, also those that an earlier failed run left."""
        sources = self.document_sources()
        if sources:
            from core.collectors.progress import Silence, counted
            from core.search.sync import sync

            progress: Progress = getattr(self, "progress", None) or Silence()
            return sync(sources, progress=counted(progress, "search index"))
        return None


class DjangoCommandCollector(CollectorBase):
    """Runs an existing command, once for each ``run()``."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self) -> None:
        """Call the command."""
        call_command(self.name)
