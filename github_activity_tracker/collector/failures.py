"""What an error means for a run: which ones end it, and what people read about the others."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from django.db import DataError, IntegrityError, ProgrammingError

from core.errors import (
    AccessDenied,
    BudgetExhausted,
    CollectorError,
    CollectorFailureCategory,
    ConfigurationError,
    NotFound,
    ReplaceToken,
    SourceTimeout,
    SourceUnavailable,
    classify_failure,
    in_one_line,
)
from core.logs.redaction import redact
from github_activity_tracker import fetch

logger = logging.getLogger(__name__)
LONGEST = 300
"""Characters of a reason: a report is one line for each repository."""
STORAGE_ERRORS = (DataError, IntegrityError, ProgrammingError)
"""What PostgreSQL refuses about single rows; a lost connection or a full disk is not among them."""
UNFORESEEN = (*fetch.PAYLOAD_ERRORS, *STORAGE_ERRORS)


class Unreachable(CollectorError):
    """GitHub as a whole does not answer: asking for the next stream or repository would only take time."""

    category: ClassVar[CollectorFailureCategory] = CollectorFailureCategory.NETWORK


ENDS_RUN = (ReplaceToken, BudgetExhausted, Unreachable)
"""What no stream and no repository can escape."""
ISOLATED = (CollectorError, *UNFORESEEN)
"""What costs one stream or one repository alone, unless it is one of ``ENDS_RUN``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Why something could not be read. ``reason`` is the typed word of a skip, ``detail`` one line for people."""

    reason: str
    detail: str
    category: str

    @classmethod
    def of(cls, error: Exception, *, where: str) -> "Failure":
        """Describe an error; one that is not foreseen goes to the log with its traceback and shows no Python text."""
        category = classify_failure(error).value
        if isinstance(error, CollectorError):
            return cls(reason=_reason(error), detail=redact(in_one_line(error))[:LONGEST], category=category)
        stored = isinstance(error, STORAGE_ERRORS)
        logger.error(
            "%s failed: %s: %s", where, type(error).__name__, redact(in_one_line(error))[:LONGEST],
            exc_info=error, extra={"failure_category": category},
        )  # fmt: skip
        detail = (
            "the database refused what GitHub answered" if stored else "GitHub answered with something undocumented"
        )
        return cls(
            reason="not_stored" if stored else "unexpected_answer",
            detail=f"{detail}; the next run tries again, and the log has the details",
            category=category,
        )


def _reason(error: CollectorError) -> str:
    """Return the typed word; none of them is one by which single items are retried."""
    if isinstance(error, (NotFound, AccessDenied)):
        return error.reason
    if isinstance(error, SourceTimeout):
        return "timeout"
    if isinstance(error, (SourceUnavailable, Unreachable)):
        return "unavailable"
    return "configuration" if isinstance(error, ConfigurationError) else "unexpected_answer"


def in_words(failures: Iterable[tuple[str, Failure]]) -> str:
    """Return one line about everything that could not be read; what has the same cause stands together."""
    by_detail: dict[str, list[str]] = {}
    for name, failure in failures:
        by_detail.setdefault(failure.detail, []).append(f"{name} ({failure.reason})")
    parts = [f"{', '.join(names)}: {detail}" for detail, names in by_detail.items()]
    return f"could not be read: {'; '.join(parts)}" if parts else ""
