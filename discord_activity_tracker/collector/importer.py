"""Import files of DiscordChatExporter, for history that a bot cannot read. See ``docs/discord_setup.md``.

Each page of messages is stored in one transaction with the position in the file. An interrupted run resumes at this
position. A malformed file is refused with the line number, and the pages before that line stay stored.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from core.collectors import AbstractCollector, CollectorResult, ScopeReport
from core.collectors.progress import Progress, Silence
from core.errors import BudgetExhausted, CollectorError, ConfigurationError, ScopeBusy
from core.ingest.records import CONVERSION_ERRORS, describe_error
from core.ingest.values import Row
from core.runs import scope_lock
from core.search.documents import DocumentSource
from discord_activity_tracker.convert.exports import channel_rows, export_time, message_of, reactor_rows
from discord_activity_tracker.convert.messages import MessagePage, convert_messages, snowflake
from discord_activity_tracker.documents.source import DiscordDocuments
from discord_activity_tracker.fetch.exports import ExportFile, ExportPage, ExportRefused
from discord_activity_tracker.payloads import Message
from discord_activity_tracker.store.conversations import Location
from discord_activity_tracker.store.exports import (
    Position,
    count_unknown,
    finish_file,
    open_channel,
    position_of,
    store_export,
)

Reactors = dict[int, list[tuple[str, Row]]]


class ExportImporter(AbstractCollector):
    """Imports files in the given order. A malformed file does not stop the import of the other files.

    Files that are not exports of a server's channel, such as direct messages, are reported as failed.
    """

    name = "discord_import"

    def __init__(self, paths: Sequence[Path], *, dry_run: bool = False, max_seconds: float | None = None) -> None:
        self.paths, self.dry_run = paths, dry_run
        self.progress: Progress = Silence()
        self.files: list[ExportFile] = []
        self.tallies: list[Counter[str]] = []
        self.refused: dict[Path, str] = {}
        self.stop_at = time.monotonic() + max_seconds if max_seconds is not None else None

    def validate_config(self) -> None:
        """Open the files. Files that are not exports of a server's channel are refused.

        Raises ConfigurationError with all reasons if no file can be imported. Nothing is written before this check.
        """
        self.files, self.refused = [], {}
        for path in self.paths:
            try:
                self.files.append(_opened(path))
            except ExportRefused as error:
                self.refused[path] = str(error)
        if not self.files:
            raise ConfigurationError("; ".join(self.refused.values()) or "no files were named; name at least one file")

    def document_sources(self) -> list[DocumentSource]:
        """Return the document sources to index after the import. Empty in a dry run."""
        return [] if self.dry_run else [DiscordDocuments()]

    def counts_so_far(self) -> Mapping[str, int]:
        """Return the counts of this run so far, summed over all files. Empty in a dry run."""
        return {} if self.dry_run else sum(self.tallies, Counter[str]())

    def collect(self) -> CollectorResult:
        """Import every file. The report of a file contains its error."""
        refused = [
            ScopeReport(scope=path.name, outcome="failed", reason=reason, category=ExportRefused.category.value)
            for path, reason in self.refused.items()
        ]
        return CollectorResult.of([*refused, *(self._import_file(file) for file in self.files)], requests=0)

    def _import_file(self, file: ExportFile) -> ScopeReport:
        counts: Counter[str] = Counter()
        self.tallies.append(counts)
        self.progress.expect(file.path.name, "messages", None)
        try:
            guild = file.header.guild
            with scope_lock("discord", str(snowflake(guild["id"])), name=guild["name"]) as held:
                if not held:
                    raise ScopeBusy("another run is collecting this server; run again later")
                self._import_pages(file, counts)
        except CollectorError as error:
            outcome = "busy" if isinstance(error, ScopeBusy) else "failed"
            return ScopeReport(
                scope=file.path.name, counts=dict(counts), reason=str(error), category=error.category.value,
                outcome="partial" if isinstance(error, BudgetExhausted) else outcome,
            )  # fmt: skip
        return ScopeReport(scope=file.path.name, outcome="succeeded", counts=dict(counts))

    def _import_pages(self, file: ExportFile, counts: Counter[str]) -> None:
        channel_id = snowflake(file.header.channel["id"])
        location = None if self.dry_run else self._open(file)
        skip = 0 if self.dry_run else position_of(channel_id, file.header.identity)
        for page in file.pages(skip):
            if self.stop_at is not None and time.monotonic() >= self.stop_at:
                raise BudgetExhausted("the time limit is reached; run again to continue")
            converted, reactors = _converted(file, page)
            if location is None:
                new = count_unknown(row["id"] for row in converted.rows)
                counts.update(messages=len(converted.rows), messages_inserted=new)
            else:
                position = Position(channel_id=channel_id, identity=file.header.identity, done=page.done)
                stored = store_export(converted, reactors, location, datetime.now(UTC), position)
                counts.update(messages=stored.seen, messages_inserted=stored.inserted, messages_updated=stored.updated)
            self.progress.advance(len(page.items))
        if location:
            finish_file(channel_id, file.header.identity)

    def _open(self, file: ExportFile) -> Location:
        header = file.header
        try:
            guild, channels = channel_rows(header.guild, header.channel, header.exported_at)
            return open_channel(guild, channels, datetime.now(UTC))
        except ValueError as error:
            raise file.refusal(None, str(error)) from error


def _opened(path: Path) -> ExportFile:
    """Open a file and read its header. Raises ExportRefused for a file that cannot be opened or imported."""
    try:
        file = ExportFile(path)
        channel_rows(file.header.guild, file.header.channel, file.header.exported_at)
        export_time(file.header.exported_at)
    except OSError as error:
        raise ExportRefused(f"{path}: {error.strerror or error}") from error
    except CONVERSION_ERRORS as error:
        raise ExportRefused(f"{path.name}: invalid guild, channel or exportedAt: {describe_error(error)}") from error
    return file


def _converted(file: ExportFile, page: ExportPage) -> tuple[MessagePage, Reactors]:
    """Return the messages of a page, and the accounts that reacted to each message.

    Raises ExportRefused with the line of the first malformed message.
    """
    header = file.header
    guild_id, channel_id = snowflake(header.guild["id"]), snowflake(header.channel["id"])
    messages, lines, reactors = list[Message](), dict[str, int](), Reactors()
    for line, item in page.items:
        try:
            message = message_of(item, channel_id, header.exported_at)
            reactors[snowflake(message["id"])] = list(reactor_rows(item, header.exported_at))
        except CONVERSION_ERRORS as error:
            raise file.refusal(line, f"this is not a valid message: {describe_error(error)}") from error
        messages.append(message)
        lines[str(message["id"])] = line
    converted = convert_messages(messages, guild_id, channel_id, export_time(header.exported_at))
    for item in converted.malformed:
        raise file.refusal(lines.get(item.external_id), f"this is not a valid message: {item.reason}")
    return converted, reactors
