"""Takes secrets out of any text before it is shown, logged or kept."""

import re

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
"""In JSON and in what Python prints of a dictionary."""
_known: set[str] = set()


def register_secret(value: str) -> None:
    """From now on hide this very value wherever it stands; short values are too common to be hidden."""
    if len(value) >= 8:
        _known.add(value)


def redact(text: str) -> str:
    """The text without tokens, passwords and registered secrets."""
    for value in sorted(_known, key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    for pattern in PATTERNS:
        text = pattern.sub(HIDDEN, text)
    return QUOTED.sub(rf"\g<1>{HIDDEN}", text)
