"""Files that DiscordChatExporter wrote, read message by message.

https://github.com/Tyrrrz/DiscordChatExporter (JSON format): one channel a file, in this order: guild, channel,
dateRange, exportedAt, messages, messageCount.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from core.errors import CollectorError, CollectorFailureCategory
from core.operations.json_stream import BadJson, JsonReader

Payload = Mapping[str, Any]
PAGE = 200
DIRECT = ("DirectTextChat", "DirectGroupTextChat")


class ExportRefused(CollectorError):
    """The file is no export, or does not fit from some line on; what stands before may be stored already."""

    category = CollectorFailureCategory.VALIDATION


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportHeader:
    """What stands before the messages. ``identity`` is that of the file, wherever it lies."""

    guild: Payload
    channel: Payload
    exported_at: str
    identity: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportPage:
    """Some messages with their lines; ``done`` is how many of the file's have been read with them."""

    items: list[tuple[int, Payload]]
    done: int


class ExportFile:
    """One file; ``header`` is read at once, ``pages()`` once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count: int | None = None
        """The number of messages that the file says it has; known at its end."""
        with path.open("rb") as file:
            self.header = self._read_header(JsonReader(file))

    def pages(self, skip: int = 0) -> Iterator[ExportPage]:
        """Pages in the order of the file, without the first ``skip`` messages. ExportRefused where it does not fit."""
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
            raise self.refusal(None, f"it holds {done} messages and says that it has {self.count}")

    def refusal(self, line: int | None, reason: str) -> ExportRefused:
        """An error that names the file, the line and the reason."""
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
                        raise self.refusal(line, "a message was expected")
                    yield line, cast("Payload", message)
        except BadJson as error:
            raise self.refusal(error.line, error.reason) from error

    def _read_header(self, reader: JsonReader) -> ExportHeader:
        found: dict[str, Any] = {}
        try:
            for name in reader.names():
                if name == "messages":
                    return self._checked(found)
                found[name] = reader.value()[1]
        except BadJson as error:
            raise self.refusal(error.line, error.reason) from error
        raise self.refusal(None, "no list of messages: this is not what DiscordChatExporter writes as JSON")

    def _checked(self, found: dict[str, Any]) -> ExportHeader:
        for name, needed in (("guild", ("id", "name")), ("channel", ("id", "type", "name"))):
            part = found.get(name)
            if not isinstance(part, dict) or not all(isinstance(part.get(key), str) for key in needed):
                raise self.refusal(None, f"no {name} with {', '.join(needed)} before the messages")
        if found["channel"]["type"] in DIRECT:
            raise self.refusal(None, "direct messages belong to no guild; only channels of guilds are imported")
        size = self.path.stat().st_size
        identity = hashlib.sha256(json.dumps([found, size], sort_keys=True).encode()).hexdigest()[:16]
        exported_at = str(found.get("exportedAt") or "")
        return ExportHeader(guild=found["guild"], channel=found["channel"], exported_at=exported_at, identity=identity)
