"""The public contracts of collectors and their commands; see docs/Core_public_API.md."""

from core.collectors.abstract import AbstractCollector, CollectorBase, CollectorRunnable, DjangoCommandCollector
from core.collectors.command import BaseCollectorCommand
from core.collectors.reporting import ReportingCommand
from core.collectors.result import CollectorResult, ScopeReport

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
