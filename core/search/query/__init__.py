"""Hybrid search: full text and meaning, each a list of documents, fused; the same for every index."""

from core.search.filters import Filters
from core.search.query.results import Result
from core.search.query.searching import Mode, alike, search, unknown
from core.search.query.threads import Said, thread

__all__ = ["Filters", "Mode", "Result", "Said", "alike", "search", "thread", "unknown"]
