"""The project's error classes, categories of failures, and the classification of other exceptions."""

from core.errors.classify import classify_failure, exit_code_for, in_one_line
from core.errors.project import (
    AccessDenied,
    BudgetExhausted,
    CollectorError,
    CollectorFailureCategory,
    ConfigurationError,
    CursorRefused,
    DocumentRefused,
    NotFound,
    ReplaceToken,
    RetryLater,
    ScopeBusy,
    SliceRefused,
    SourceTimeout,
    SourceUnavailable,
    TokensRefused,
    UnexpectedAnswer,
)

__all__ = [
    "AccessDenied",
    "BudgetExhausted",
    "CollectorError",
    "CollectorFailureCategory",
    "ConfigurationError",
    "CursorRefused",
    "DocumentRefused",
    "NotFound",
    "ReplaceToken",
    "RetryLater",
    "ScopeBusy",
    "SliceRefused",
    "SourceTimeout",
    "SourceUnavailable",
    "TokensRefused",
    "UnexpectedAnswer",
    "classify_failure",
    "exit_code_for",
    "in_one_line",
]
