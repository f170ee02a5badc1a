"""Models of the tables that all trackers share."""

from core.models.alerts import Alert, Notice
from core.models.runs import ApiBudget, CollectorRun, SkippedItem
from core.models.scopes import Checkpoint, Scope
from core.models.search import Chunk, CommonWord, Document, Embedding, EmbeddingModel, IndexEntry, Namespace, Vector
from core.models.timeline import Activity, ActivityType, ActivityWeek, ExternalIdPrefix, PersonWeek

__all__ = [
    "Activity",
    "ActivityType",
    "ActivityWeek",
    "Alert",
    "ApiBudget",
    "Checkpoint",
    "Chunk",
    "CollectorRun",
    "CommonWord",
    "Document",
    "Embedding",
    "EmbeddingModel",
    "ExternalIdPrefix",
    "IndexEntry",
    "Namespace",
    "Notice",
    "PersonWeek",
    "Scope",
    "SkippedItem",
    "Vector",
]
