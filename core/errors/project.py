"""The project's error classes. Their names suggest the next action. Their messages are one line without secrets."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar


class CollectorFailureCategory(StrEnum):
    """The reason for a failed run, as it appears in logs and in the run ledger."""

    UNKNOWN = "unknown"
    VALIDATION = "validation"
    AUTH = "auth"
    PERMISSION = "permission"
    RATE_LIMIT = "rate_limit"
    NETWORK = "network"
    TIMEOUT = "timeout"
    COMMAND = "command"


class CollectorError(Exception):
    """Base class of the project's errors. Each class has a category and an exit code."""

    category: ClassVar[CollectorFailureCategory] = CollectorFailureCategory.UNKNOWN
    exit_code: ClassVar[int] = 1
    after_storing: bool = False
    """Whether the run had stored data before the error. The command sets this. The exit code is then 1 instead of 2."""


class ConfigurationError(CollectorError):
    """A setting or an argument is wrong or missing. Usually the command has stored nothing."""

    category = CollectorFailureCategory.VALIDATION
    exit_code = 2


class ReplaceToken(CollectorError):
    """The source refuses the token. This counts as a configuration error.

    The message names the setting that contains the token, never the token itself.
    """

    category = CollectorFailureCategory.AUTH
    exit_code = 2


class TokensRefused(ReplaceToken):
    """The source refuses all configured tokens."""

    exit_code = 2


class AccessDenied(CollectorError):
    """The token is valid but lacks a permission."""

    category = CollectorFailureCategory.PERMISSION
    reason: ClassVar[str] = "denied"


class NotFound(CollectorError):
    """The source does not provide the item. ``reason`` is not_found, gone, blocked, empty, moved or not_supported."""

    def __init__(self, message: str, *, status: int = 404, reason: str = "not_found") -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


class RetryLater(CollectorError):
    """A rate limit of the source is reached. ``not_before`` is the earliest time for the next request (UTC)."""

    category = CollectorFailureCategory.RATE_LIMIT
    exit_code = 3

    def __init__(self, message: str, *, not_before: datetime | None = None) -> None:
        super().__init__(message)
        self.not_before = not_before


class BudgetExhausted(CollectorError):
    """The maximum number of requests or seconds of this run is used up. The run stops after the current page."""

    category = CollectorFailureCategory.RATE_LIMIT
    exit_code = 3


class SourceUnavailable(CollectorError):
    """The source returned no usable answer in any attempt."""

    category = CollectorFailureCategory.NETWORK


class SourceTimeout(CollectorError):
    """The source did not answer in time."""

    category = CollectorFailureCategory.TIMEOUT


class UnexpectedAnswer(CollectorError):
    """The answer differs from the source's documentation."""


class SliceRefused(SourceUnavailable):
    """A query requested too much at once or failed temporarily. A smaller query may succeed."""


class CursorRefused(UnexpectedAnswer):
    """The source no longer accepts a stored cursor."""


class DocumentRefused(CollectorError):
    """An index, an embedder or the database does not accept this document. The message contains the reason."""

    category = CollectorFailureCategory.VALIDATION


class ScopeBusy(CollectorError):
    """Another run holds the lock of the scope."""

    category = CollectorFailureCategory.COMMAND
    exit_code = 75
