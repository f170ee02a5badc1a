"""Public contracts of collectors: the protocol that commands require, base classes, and the result of a run."""

import logging
from abc import ABC, ABCMeta, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from django.core.management import call_command

from core.collectors.progress import Progress
from core.errors import classify_failure
from core.logs import redact
from core.protocols import TrackerResult, require_tracker_result
from core.search.documents import DocumentSource

logger = logging.getLogger(__name__)
Outcome = Literal["succeeded", "partial", "failed", "busy"]
MOST_SCOPES = 10_000
"""Maximum number of scope reports that the ledger stores for one run.

A report takes a few hundred bytes, so this keeps the run's row at a few megabytes. Incomplete scopes are stored first.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScopeReport:
    """The result of one scope, such as a repository or channel.

    ``reason`` is one line for users: why the collection ended early, or what could not be read.
    """

    scope: str
    outcome: Outcome
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    skipped: int = 0
    reason: str = ""
    category: str = ""
    stops_run: bool = False
    notes: Sequence[str] = ()
    """Messages about data that the source does not provide, although no request failed."""
    waits: bool = False
    """Whether the scope ended with ``RetryLater``. The collector may retry this scope after the other scopes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectorResult:
    """A ``TrackerResult`` with details. ``success`` is true only if the outcome is "succeeded"."""

    outcome: Outcome = "succeeded"
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    requests: int = 0
    skipped: int = 0
    scopes: Sequence[ScopeReport] = ()

    @property
    def success(self) -> bool:
        """Return whether everything was collected."""
        return self.outcome == "succeeded"

    @classmethod
    def of(cls, reports: Sequence[ScopeReport], *, requests: int) -> "CollectorResult":
        """Combine the reports of all scopes into one result.

        The outcome is "partial" if the outcomes of the reports differ. Without reports, it is "succeeded".
        """
        counts: Counter[str] = Counter()
        for report in reports:
            counts.update(report.counts)
        outcomes: set[Outcome] = {report.outcome for report in reports}
        outcome: Outcome = outcomes.pop() if len(outcomes) == 1 else "partial" if outcomes else "succeeded"
        skipped = sum(report.skipped for report in reports)
        return cls(outcome=outcome, counts=dict(counts), requests=requests, skipped=skipped, scopes=tuple(reports))


def stored_reports(reports: Sequence[ScopeReport]) -> list[dict[str, Any]]:
    """Return up to ``MOST_SCOPES`` reports for the ledger. Incomplete scopes come first. Secrets are redacted."""
    ordered = sorted(reports, key=lambda report: (report.outcome == "succeeded", report.scope))
    return [
        {
            "scope": r.scope, "outcome": r.outcome, "counts": dict(r.counts), "reason": redact(r.reason)[:500],
            "category": r.category,
        }
        for r in ordered[:MOST_SCOPES]
    ]  # fmt: skip


@runtime_checkable
class CollectorRunnable(Protocol):
    """A collector that a collecting command can run."""

    def run(self) -> Any:
        """Collect data from the source."""
        ...

    def sync_pinecone(self) -> Any:
        """Update the search index."""
        ...

    def handle_error(self, exc: Exception) -> None:
        """Handle a failure, for example by logging it. Afterwards the command raises the error again."""
        ...


class CollectorBase(ABC):
    """The older contract, which requires only ``run()``.

    Collectors outside this repository may depend on it. New collectors should use ``AbstractCollector``.
    """

    @abstractmethod
    def run(self) -> Any:
        """Collect data from the source."""

    def sync_pinecone(self) -> Any:
        """Do nothing. Subclasses with searchable data override this method."""
        return None

    def handle_error(self, exc: Exception) -> None:
        """Log a failure with the collector, the phase and the failure category."""
        logger.exception(  # noqa: LOG004  (the command calls this method in an exception handler)
            "collector failed: %s",
            exc,
            extra={
                "collector": str(getattr(self, "name", "") or type(self).__name__),
                "collector_phase": str(getattr(self, "_error_phase", "")),
                "failure_category": classify_failure(exc).value,
                "printed": True,  # run_from_argv prints the error as its last line
            },
        )


class NamedWhenCreated(ABCMeta):
    """Metaclass that requires each instance to have a ``name`` after its ``__init__``."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Create an instance. Raises TypeError if its ``name`` is missing, empty or not a string."""
        instance = super().__call__(*args, **kwargs)
        name: object = getattr(instance, "name", None)
        if not isinstance(name, str) or not name.strip():
            raise TypeError(f"{cls.__name__} must have a name, which logs and the run ledger show")
        return instance


class AbstractCollector(CollectorBase, metaclass=NamedWhenCreated):
    """The preferred contract: ``name``, ``validate_config()`` and ``collect()``.

    Creating an instance without a ``name`` raises TypeError.
    """

    name: str
    """Name of the collector in logs and in the run ledger.

    It can be a class attribute, a property, or an attribute that ``__init__`` sets.
    """
    result: TrackerResult | None = None
    """The result of the last completed ``run()``. ``None`` if no run has completed."""

    @abstractmethod
    def validate_config(self) -> None:
        """Check settings and options before anything is requested or stored. Raises ConfigurationError."""

    @abstractmethod
    def collect(self) -> TrackerResult | None:
        """Collect data and return the result. ``None`` means success without counts."""

    def counts_so_far(self) -> Mapping[str, int]:
        """Return the counts of the items stored so far. Runs that end without a result report these counts."""
        return self.result.counts if self.result is not None else {}

    def document_sources(self) -> Sequence[DocumentSource]:
        """Return the document sources that ``sync_pinecone()`` indexes. The default is none."""
        return ()

    def run(self) -> TrackerResult:
        """Validate the configuration, then collect and return the result.

        Raises TypeError if ``collect()`` returns neither a ``TrackerResult`` nor ``None``.
        """
        self.validate_config()
        result: object = self.collect()
        self.result = CollectorResult() if result is None else require_tracker_result(result)
        return self.result

    def sync_pinecone(self) -> Any:
        """Index the changed documents of ``document_sources()``, including those that earlier runs did not index."""
        sources = self.document_sources()
        if sources:
            from core.collectors.progress import Silence, counted
            from core.search.sync import sync

            progress: Progress = getattr(self, "progress", None) or Silence()
            return sync(sources, progress=counted(progress, "search index"))
        return None


class DjangoCommandCollector(CollectorBase):
    """Calls an existing management command in each ``run()``.

    This class is public for projects that schedule older commands as collectors.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self) -> None:
        """Call the command."""
        call_command(self.name)
