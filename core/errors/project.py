"""The project's own errors, each named for what to do next. Their texts are one line and hold no secret."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar


class CollectorFailureCategory(StrEnum):
    """Why a run failed, in the words of logs and the run ledger."""

    UNKNOWN = "unknown"
    VALIDATION = "validation"
    AUTH = "auth"
    PERMISSION = "permission"
    RATE_LIMIT = "rate_limit"
    NETWORK = "network"
    TIMEOUT = "timeout"
    COMMAND = "command"


class CollectorError(Exception):
    """The base of the project's errors; knows its category."""

    category: ClassVar[CollectorFailureCategory] = CollectorFailureCategory.UNKNOWN
    exit_code: ClassVar[int] = 1
    after_storing: bool = False
    """Set by the command when the run had stored something before: then it failed, whatever the error is."""


class ConfigurationError(CollectorError):
    """A setting or an argument is wrong or missing; nothing was touched."""

    category = CollectorFailureCategory.VALIDATION
    exit_code = 2


class ReplaceToken(CollectorError):
    """The source refuses the token, which is a configuration error.

    The text names the variable that holds the token, never the token.
    """

    category = CollectorFailureCategory.AUTH
    exit_code = 2


class TokensRefused(ReplaceToken):
    """The source refuses every token that is configured: nothing can be done before the setting is changed."""

    exit_code = 2


class AccessDenied(CollectorError):
    """The token is good, but may not do this."""

    category = CollectorFailureCategory.PERMISSION
    reason: ClassVar[str] = "denied"


class NotFound(CollectorError):
    """It is not there: ``reason`` is one of not_found, gone, blocked, empty, moved."""

    def __init__(self, message: str, *, status: int = 404, reason: str = "not_found") -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


class RetryLater(CollectorError):
    """A limit of the source is reached; ``not_before`` is the earliest time of the next request (UTC)."""

    category = CollectorFailureCategory.RATE_LIMIT
    exit_code = 3

    def __init__(self, message: str, *, not_before: datetime | None = None) -> None:
        super().__init__(message)
        self.not_before = not_before


class BudgetExhausted(CollectorError):
    """What the caller allowed this run is spent: a clean stop at a page."""

    category = CollectorFailureCategory.RATE_LIMIT
    exit_code = 3


class SourceUnavailable(CollectorError):
    """The source did not answer properly, however often it was asked."""

    category = CollectorFailureCategory.NETWORK


class SourceTimeout(CollectorError):
    """The source did not answer in time."""

    category = CollectorFailureCategory.TIMEOUT


class UnexpectedAnswer(CollectorError):
    """The answer is not what the vendor documents."""


class SliceRefused(SourceUnavailable):
    """One query asked for too much at once, or failed in passing: ask for less, then again."""


class CursorRefused(UnexpectedAnswer):
    """The source does not know a saved place any more."""


class DocumentRefused(CollectorError):
    """An index, a model or the database cannot take this document; the text holds its words. The others go on."""

    category = CollectorFailureCategory.VALIDATION


class ScopeBusy(CollectorError):
    """Another run holds the lock."""

    category = CollectorFailureCategory.COMMAND
    exit_code = 75
