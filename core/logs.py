"""Removes secrets from logs and other texts, and adds fields such as the scope to log records."""

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

HIDDEN = "***"
PATTERNS = [
    re.compile(r"\b(?:gh[pousr]_\w+|github_pat_\w+|xox[a-z](?:\.xox[a-z])?-[\w-]+|xapp-[\w-]+|pcsk_\w+|sk-[\w-]{16,})"),
    re.compile(r"\b[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}"),  # a Discord bot token
    re.compile(r"(?i)(?<=\bbearer )[^\s'\",]+|(?<=\btoken )(?=[^\s'\",]*\d)[^\s'\",]{16,}|(?<=\bbasic )[\w+/=]{8,}"),
    re.compile(r"(?<=hooks\.slack\.com/services/)[\w/]+|(?<=/api/webhooks/)\d+/[\w-]+"),
    re.compile(r"(?<=://)[^/\s@:]*:[^/\s@]*(?=@)"),
    re.compile(
        r"(?i)(?<=password=)[^\s&'\",]+|(?<=secret=)[^\s&'\",]+|(?<=api_key=)[^\s&'\",]+|(?<=token=)[^\s&'\",]+"
    ),
]
QUOTED = re.compile(r"""(?i)(["'][\w-]*(?:token|secret|password|api[_-]?key|authorization)["']\s*:\s*b?["'])[^"']+""")
"""Pattern of the values of secret keys in JSON and in the ``repr`` of Python dictionaries."""
_known: set[str] = set()


def register_secret(value: str) -> None:
    """Hide this value in all redacted texts. Values of fewer than 8 characters are too common and are ignored."""
    if len(value) >= 8:
        _known.add(value)


def redact(text: str) -> str:
    """Return the text with ``***`` instead of tokens, passwords and registered secrets."""
    for value in sorted(_known, key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    for pattern in PATTERNS:
        text = pattern.sub(HIDDEN, text)
    return QUOTED.sub(rf"\g<1>{HIDDEN}", text)


FIELDS = ("collector", "collector_phase", "failure_category", "run_id", "scope")
"""Names of the fields that ``log_fields`` may add to log records."""
_fields: ContextVar[Mapping[str, str]] = ContextVar("log_fields", default={})  # noqa: B039  (replaced, never changed)


@contextmanager
def log_fields(**fields: object) -> Generator[None]:
    """Add fields to the log records that are written inside the block."""
    token = _fields.set({**_fields.get(), **{name: str(value) for name, value in fields.items()}})
    try:
        yield
    finally:
        _fields.reset(token)


def current_log_fields() -> Mapping[str, str]:
    """Return the fields of the surrounding ``log_fields`` blocks."""
    return _fields.get()
