"""The commands that write, each with its initial state."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.signals.stage import Place, Stage

MESSAGES = 2_500
"""Number of messages in the imported file. Importing this many messages takes several transactions."""
DISCORD_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
"""Discord's ids contain the number of milliseconds since this time.

https://discord.com/developers/docs/reference#snowflakes
"""
FAILED_RUNS = """
    UPDATE core_collectorrun SET outcome = 'failed', failure_category = 'network', error = 'it was down', scopes = '[]',
        alerted = false
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """A command line, its initial state and settings, and the exit code of an undisturbed run."""

    arguments: tuple[str, ...]
    begin: str
    """Name of the initial state: one of the names that ``Beginnings.get`` accepts."""
    prepare: Callable[[Stage, Place], None] | None = None
    settings: Callable[[Stage], Mapping[str, str]] = field(default=lambda _stage: {})
    code: int = 0


class Beginnings:
    """Prepared initial states. Each is created when it is first needed."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._made = stage, dict[str, Place]()

    def get(self, name: str) -> Place:
        """Return the database and the folder with an initial state.

        The names of the states are ``empty``, ``migrated``, ``collected`` and ``indexed``.
        """
        if name not in self._made:
            self._made[name] = getattr(self, f"_{name}")()
        return self._made[name]

    def _empty(self) -> Place:
        return self._stage.place()

    def _migrated(self) -> Place:
        return self._after("empty", ["migrate", "-v0"])

    def _collected(self) -> Place:
        return self._after("migrated", ["collect_github", "--no-sync"], ["collect_discord", "--no-sync"])

    def _indexed(self) -> Place:
        return self._after("collected", ["sync_index"])

    def _after(self, name: str, *commands: list[str]) -> Place:
        place = self._stage.place(self.get(name))
        for command in commands:
            must_run(self._stage, place, *command)
        return place


def must_run(stage: Stage, place: Place, *command: str) -> None:
    """Run a command that prepares an initial state. Raises RuntimeError if the command fails."""
    ended = stage.run(place, *command)
    if ended.code:
        raise RuntimeError(f"{' '.join(command)} ended with {ended.code}: {ended.errors[-2000:]}")


def _execute(statement: str) -> Callable[[Stage, Place], None]:
    def prepare(stage: Stage, place: Place) -> None:
        with stage.connect(place.database) as connection:
            connection.execute(statement)  # pyright: ignore[reportArgumentType, reportCallIssue]  # written below

    return prepare


def _write_export(_stage: Stage, place: Place) -> None:
    """Write an export of a channel in the format of DiscordChatExporter, with one message per minute."""
    author = {
        "id": "4100000000000001001",
        "name": "mirela",
        "discriminator": "0000",
        "nickname": "Mirela",
        "isBot": False,
    }
    messages: list[dict[str, object]] = []
    for minute in range(MESSAGES):
        moment = datetime(2025, 3, 1, 8, tzinfo=UTC) + timedelta(minutes=minute)
        number = int((moment - DISCORD_EPOCH).total_seconds() * 1000) << 22
        messages.append(
            {"id": str(number), "type": "Default", "timestamp": moment.isoformat(), "timestampEdited": None,
             "isPinned": False, "content": f"line {minute}", "author": author, "attachments": [], "embeds": [],
             "stickers": [], "reactions": [], "mentions": []}
        )  # fmt: skip
    whole = {
        "guild": {"id": "4100000000000000001", "name": "Saltmarsh Works"},
        "channel": {"id": "4100000000000000101", "type": "GuildTextChat", "categoryId": "0", "category": None,
                    "name": "old-harbour", "topic": "Boats"},
        "dateRange": {"after": None, "before": None}, "exportedAt": "2025-06-01T10:00:00+00:00",
        "messages": messages, "messageCount": len(messages),
    }  # fmt: skip
    (place.folder / "export.json").write_text(json.dumps(whole))


def _write_backup(stage: Stage, place: Place) -> None:
    """Write a backup that includes the index. Then empty the timeline, so that ``restore`` must bring it back."""
    must_run(stage, place, "backup", str(Path(place.folder) / "before.dump"))
    with stage.connect(place.database) as connection:
        connection.execute("TRUNCATE core_activity CASCADE")


SCENARIOS: Mapping[str, Scenario] = {
    "migrate": Scenario(arguments=("migrate", "-v0"), begin="empty"),
    "collect_github": Scenario(arguments=("collect_github",), begin="migrated"),
    "collect_discord": Scenario(arguments=("collect_discord",), begin="migrated"),
    "collect_all": Scenario(arguments=("collect_all",), begin="migrated"),
    "import_discord_export": Scenario(
        arguments=("import_discord_export", "{folder}/export.json"), begin="migrated", prepare=_write_export
    ),
    "sync_index": Scenario(arguments=("sync_index",), begin="collected"),
    "switch_embedder": Scenario(arguments=("switch_embedder",), begin="indexed", settings=Stage.with_other_model),
    "verify_index": Scenario(
        arguments=("verify_index", "--repair"), begin="indexed", prepare=_execute("DELETE FROM core_vector")
    ),
    "build_hnsw": Scenario(arguments=("build_hnsw",), begin="indexed"),
    "audit_github": Scenario(
        arguments=("audit_github", "--accept"),
        begin="collected",
        prepare=_execute("DELETE FROM github_activity_tracker_issuecomment"),
    ),
    "api_budgets": Scenario(arguments=("api_budgets", "--clear", "--all"), begin="collected"),
    "notify": Scenario(
        arguments=("notify", "--digest"), begin="collected", prepare=_execute(FAILED_RUNS), settings=Stage.with_slack
    ),
    "export_activity": Scenario(
        arguments=("export_activity", "--bodies", "--output", "{folder}/out/activity.jsonl"), begin="collected"
    ),
    "backup": Scenario(arguments=("backup", "{folder}/out/all.dump"), begin="indexed"),
    "restore": Scenario(
        arguments=("restore", "--force", "{folder}/before.dump"), begin="indexed", prepare=_write_backup
    ),
}
