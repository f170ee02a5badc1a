"""Read JSON files that DiscordChatExporter wrote, message by message.

Each file contains one channel, in this order: guild, channel, dateRange, exportedAt, messages, messageCount.
https://github.com/Tyrrrz/DiscordChatExporter
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from core.errors import CollectorError, CollectorFailureCategory
from core.operations.json_stream import BadJson, JsonReader
from core.operations.output import number_of

Payload = Mapping[str, Any]
PAGE = 200
"""Number of messages to store in one transaction. After an interruption, at most this number is imported again."""
DIRECT = ("DirectTextChat", "DirectGroupTextChat")
"""Channel types of direct messages."""


class ExportRefused(CollectorError):
    """The file is not an export of a server's channel, or it is malformed.

    Messages before the malformed line may already be stored.
    """

    category = CollectorFailureCategory.VALIDATION


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportHeader:
    """The part of a file before the messages. ``identity`` identifies the file, even after the file was moved."""

    guild: Payload
    channel: Payload
    exported_at: str
    identity: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportPage:
    """Consecutive messages of a file, each with its line number.

    ``done`` is the number of messages from the beginning of the file to the end of this page.
    """

    items: list[tuple[int, Payload]]
    done: int


class ExportFile:
    """One exported file. The header is read when the object is created.

    Raises ExportRefused for a missing or malformed header.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count: int | None = None
        """The number of messages that the file reports. ``None`` until the file has been read to its end."""
        with path.open("rb") as file:
            self.header = self._read_header(JsonReader(file))

    def pages(self, skip: int = 0) -> Iterator[ExportPage]:
        """Yield pages in the order of the file, without the first ``skip`` messages.

        Raises ExportRefused at the first malformed part, or at the end if messages are missing.
        """
        done, items = 0, list[tuple[int, Payload]]()
        with self.path.open("rb") as file:
            for line, message in self._messages(JsonReader(file)):
                done += 1
                if done <= skip:
                    continue
                items.append((line, message))
                if len(items) == PAGE:
                    yield ExportPage(items=items, done=done)
                    items = []
            if items:
                yield ExportPage(items=items, done=done)
        if self.count is not None and self.count != done:
            raise self.refusal(
                None, f"it contains {number_of(done, 'message')} but reports {self.count:,}; export the channel again"
            )

    def refusal(self, line: int | None, reason: str) -> ExportRefused:
        """Return an error that names the file, the line and the reason."""
        return ExportRefused(f"{self.path.name}{f', line {line}' if line else ''}: {reason}")

    def _messages(self, reader: JsonReader) -> Iterator[tuple[int, Payload]]:
        try:
            for name in reader.names():
                if name != "messages":
                    line, value = reader.value()
                    self.count = value if name == "messageCount" and isinstance(value, int) else self.count
                    continue
                for line, message in reader.items():
                    if not isinstance(message, dict):
                        raise self.refusal(line, "a message must be a JSON object")
                    yield line, cast("Payload", message)
        except BadJson as error:
            raise self.refusal(error.line, error.reason) from error

    def _read_header(self, reader: JsonReader) -> ExportHeader:
        header: dict[str, Any] = {}
        try:
            for name in reader.names():
                if name == "messages":
                    return self._checked_header(header)
                header[name] = reader.value()[1]
        except BadJson as error:
            raise self.refusal(error.line, error.reason) from error
        raise self.refusal(
            None, "the list of messages is missing; the file is not a JSON export of DiscordChatExporter"
        )

    def _checked_header(self, header: dict[str, Any]) -> ExportHeader:
        for name, needed in (("guild", ("id", "name")), ("channel", ("id", "type", "name"))):
            part = header.get(name)
            if not isinstance(part, dict) or not all(isinstance(part.get(key), str) for key in needed):
                raise self.refusal(None, f"a {name} with {', '.join(needed)} must come before the messages")
        if header["channel"]["type"] in DIRECT:
            raise self.refusal(None, "this file contains direct messages, but only channels of servers can be imported")
        size = self.path.stat().st_size
        identity = hashlib.sha256(json.dumps([header, size], sort_keys=True).encode()).hexdigest()[:16]
        exported_at = str(header.get("exportedAt") or "")
        return ExportHeader(
            guild=header["guild"], channel=header["channel"], exported_at=exported_at, identity=identity
        )
