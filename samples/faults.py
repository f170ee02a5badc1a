"""Faults that tests can schedule."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from samples.answers import Answer, Refusal, encode
from samples.limits import secondary_limit

Kind = Literal[
    "401", "403", "404", "409", "410", "422", "429", "451", "500", "502", "503", "504",
    "reset", "truncated", "html", "slow", "secondary", "primary", "revoke", "null",
]  # fmt: skip
KINDS: tuple[str, ...] = get_args(Kind)
MESSAGES = {
    "401": "Bad credentials",
    "403": "Resource not accessible by personal access token",
    "404": "Not Found",
    "409": "Git Repository is empty.",
    "410": "Issues are disabled for this repo",
    "422": "Validation Failed",
    "451": "Repository access blocked",
    "500": "Server Error",
    "502": "Server Error",
    "503": "Service Unavailable",
    "504": "We couldn't respond to your request in time. Sorry about that. Please try resubmitting your request.",
}
HTML = b"<!DOCTYPE html>\n<html><head><title>Unicorn!</title></head><body>This page is taking too long.</body></html>"


@dataclass(kw_only=True, slots=True)
class Fault:
    """A scheduled fault. If ``kind`` is empty, the request does not fail, and only ``action`` is run before it."""

    kind: str
    pattern: re.Pattern[str] | None
    first: int
    """Position of the first request that fails among the matching requests, counted from 1."""
    times: int | None
    """Number of requests that fail. ``None`` means all from ``first`` on."""
    details: dict[str, Any] = field(default_factory=dict[str, Any])
    action: Callable[[], object] | None = None
    seen: int = 0

    def fires(self, target: str, is_git: bool) -> bool:
        """Count a matching request, and return whether the fault applies to it.

        A fault with a pattern matches a request if the pattern occurs in its path and query. Other faults match all
        requests except those of git.
        """
        if is_git if self.pattern is None else not self.pattern.search(target):
            return False
        self.seen += 1
        return self.seen >= self.first and (self.times is None or self.seen < self.first + self.times)

    def detail(self, name: str, default: Any) -> Any:
        return self.details.get(name, default)


def refusal_of(fault: Fault) -> Refusal | None:
    """Return the error response of a fault, or ``None`` if the fault is not an error response."""
    if fault.kind in {"secondary", "429"}:
        status = int(fault.detail("status", 429 if fault.kind == "429" else 403))
        return secondary_limit(fault.detail("retry_after", 60), status)
    if fault.kind == "451":
        block = {"reason": "dmca", "created_at": "2025-01-01T00:00:00Z", "html_url": None}
        return Refusal(451, MESSAGES["451"], block=block)
    return Refusal(int(fault.kind), MESSAGES[fault.kind]) if fault.kind in MESSAGES else None


def spoil(answer: Answer, fault: Fault) -> Answer:
    """Return the response after applying the fault to it."""
    if fault.kind == "reset":
        answer.cut = True
    elif fault.kind == "truncated":
        answer.body = answer.body[: len(answer.body) // 2]
    elif fault.kind == "slow":
        answer.delay = float(fault.detail("seconds", 5.0))
    elif fault.kind == "html":
        headers = {"Content-Type": "text/html; charset=utf-8"}
        answer = Answer(status=int(fault.detail("status", 200)), body=HTML, headers=headers)
    elif fault.kind == "null" and answer.status == 200:
        answer.body = _without(answer.body, str(fault.detail("key", "updated_at")), int(fault.detail("item", 0)))
    return answer


def _without(body: bytes, key: str, item: int) -> bytes:
    data = cast("list[dict[str, Any]] | dict[str, Any]", json.loads(body))
    rows = data if isinstance(data, list) else [data]
    if item < len(rows):
        rows[item][key] = None
    return encode(data)
