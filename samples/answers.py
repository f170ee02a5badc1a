"""HTTP requests and responses of the sample servers, and errors in GitHub's format."""

import json
from dataclasses import dataclass, field
from typing import Any

DOCS = "https://docs.github.com"
JSON_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request. Header names are in lower case. ``body`` is complete and not compressed."""

    method: str
    path: str
    query: dict[str, str]
    target: str
    """Path and query as the client sent them."""
    headers: dict[str, str]
    body: bytes = b""

    def header(self, name: str) -> str:
        return self.headers.get(name, "")


@dataclass(kw_only=True, slots=True)
class Answer:
    """A response.

    If ``cut`` is true, the connection is reset in the middle of the body. The server waits ``delay`` seconds before it
    sends the response.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    cut: bool = False
    delay: float = 0.0


class Refusal(Exception):
    """An error in GitHub's format. Additional keyword arguments become fields of the JSON body."""

    def __init__(
        self, status: int, message: str, doc: str = "/rest", headers: dict[str, str] | None = None, **extra: Any
    ):
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.members = {"message": message, **extra, "documentation_url": DOCS + doc, "status": str(status)}

    def answer(self) -> Answer:
        headers = {"Content-Type": JSON_TYPE, "X-GitHub-Media-Type": "github.v3; format=json", **self.headers}
        return Answer(status=self.status, body=encode(self.members), headers=headers)


def not_found(doc: str = "/rest") -> Refusal:
    return Refusal(404, "Not Found", doc)


def encode(value: object) -> bytes:
    """Return compact JSON in UTF-8. Control characters below U+0020 are escaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
