"""Runs the Discord twin (a local imitation of Discord), and writes a small part of its recorded guild."""

import gzip
import json
from pathlib import Path
from typing import Any

from tests.support.twins import FOLDER, TwinProcess

DATA = FOLDER / "data" / "discord-guild.jsonl.gz"
PRIVATE_THREAD = 12
UNKNOWN_TYPE = 9999
"""A message type that Discord does not define."""
RARE_KEYS = {"poll", "snap", "pin", "stk", "hook", "comp", "ref", "e", "re"}
"""Keys of the recording that only a few messages have, for example for polls, forwards, pins, stickers and webhooks."""


def write_small_guild(target: Path, threads: int, messages: int) -> Path:
    """Write a part of the recorded guild to ``target``, and return ``target``.

    The part contains every ``threads``-th thread and all private threads, with the first ``messages`` messages of each
    channel and thread. For two channels, the limit is 205 messages, which is more than two pages. For messages of rare
    kinds, the limits are doubled. All messages of the unknown type are included.
    """
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    selected = {
        row["id"]
        for n, row in enumerate(r for r in rows if r["k"] == "thread")
        if n % threads == 0 or row["type"] == PRIVATE_THREAD
    }
    selected |= {row["c"] for row in rows if row.get("t") == UNKNOWN_TYPE}
    dropped = {row["id"] for row in rows if row["k"] == "thread"} - selected
    counts: dict[object, int] = {}
    long = {row["id"] for row in rows if row["k"] == "channel" and row["name"] in {"general", "wallet"}}
    with gzip.open(target, "wt", encoding="utf-8") as out:
        for row in rows:
            if row["k"] == "thread" and row["id"] not in selected:
                continue
            if row["k"] == "msg":
                count = counts[row["c"]] = counts.get(row["c"], 0) + 1
                rare = row.get("t", 0) not in (0, 19) or RARE_KEYS & row.keys()
                limit = 205 if row["c"] in long else messages
                too_many = count > limit and not (rare and count < 2 * limit)
                if row.get("t") != UNKNOWN_TYPE and (row["c"] in dropped or too_many):
                    continue
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    return target


class Twin(TwinProcess):
    """A running Discord twin."""

    def __init__(self, data: Path, *options: str) -> None:
        super().__init__("discord/serve.py", "--data", str(data), *options)
        self.base = f"{self.url}/api/v10"

    def mutate(self, **order: object) -> Any:
        """Change the guild, and return the twin's description of the change."""
        return self.call("mutate", [order])["done"]

    def fail(self, *rules: dict[str, object]) -> None:
        """Make later requests fail according to these rules."""
        self.call("faults", {"rules": list(rules)})

    def forget(self, *what: str) -> None:
        """Reset parts of the twin, such as its statistics, faults or limits."""
        self.call("reset", {"what": what})

    def truth(self) -> Any:
        """Return the current content of the guild."""
        return self.call("truth")

    def readable(self) -> dict[int, Any]:
        """Return the channels and threads that the bot is allowed to read and can find in a list, by id."""
        containers = self.truth()["containers"].items()
        return {int(pk): box for pk, box in containers if box["access"] == "ok" and box.get("found_by") != "none"}

    def request_count(self, match: str = "") -> int:
        """Return the number of requests with a path that matches ``match``, since the last reset."""
        return len([row for row in self.call(f"log?n=100000&match={match}") if row])
