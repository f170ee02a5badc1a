"""The public contracts of collectors and their commands; see docs/Core_public_API.md."""

from core.collectors.abstract import (
    AbstractCollector,
    CollectorBase,
    CollectorResult,
    CollectorRunnable,
    DjangoCommandCollector,
    ScopeReport,
)
from core.collectors.command import BaseCollectorCommand
from core.collectors.reporting import ReportingCommand

__all__ = [
    "AbstractCollector",
    "BaseCollectorCommand",
    "CollectorBase",
    "CollectorResult",
    "CollectorRunnable",
    "DjangoCommandCollector",
    "ReportingCommand",
    "ScopeReport",
]
