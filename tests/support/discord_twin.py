"""The stand-in for Discord, as a process of its own, with a small part of its guild."""

import gzip
import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

from django.conf import settings

SHARED = Path(settings.BASE_DIR).parent / "shared" / "twins"
PYTHON = Path(settings.BASE_DIR) / ".twins" / "bin" / "python"
DATA = SHARED / "data" / "discord-guild.jsonl.gz"
IS_THERE = DATA.exists() and PYTHON.exists()
UNKNOWN = 9999
ODD = {"poll", "snap", "pin", "stk", "hook", "comp", "ref", "e", "re"}


def write_small_guild(target: Path, threads: int, messages: int) -> Path:
    """Every ``threads``-th thread, and of most channels the first ``messages`` with some of every odd kind."""
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    kept = {
        row["id"]
        for n, row in enumerate(r for r in rows if r["k"] == "thread")
        if n % threads == 0 or row["type"] == 12
    }
    kept |= {row["c"] for row in rows if row.get("t") == UNKNOWN}
    dropped = {row["id"] for row in rows if row["k"] == "thread"} - kept
    held: dict[object, int] = {}
    long = {row["id"] for row in rows if row["k"] == "channel" and row["name"] in {"general", "wallet"}}
    with gzip.open(target, "wt", encoding="utf-8") as out:
        for row in rows:
            if row["k"] == "thread" and row["id"] not in kept:
                continue
            if row["k"] == "msg":
                seen = held[row["c"]] = held.get(row["c"], 0) + 1
                rare = row.get("t", 0) not in (0, 19) or ODD & row.keys()
                most = 205 if row["c"] in long else messages
                too_many = seen > most and not (rare and seen < 2 * most)
                if row.get("t") != UNKNOWN and (row["c"] in dropped or too_many):
                    continue
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    return target


class Twin:
    """A running stand-in; use as a context manager."""

    def __init__(self, data: Path, *options: str) -> None:
        command = [str(PYTHON), str(SHARED / "discord" / "serve.py"), "--port", "0", "--data", str(data), *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.base = self._process.stdout.readline().split()[-1]

    def __enter__(self) -> "Twin":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=20)

    def call(self, path: str, body: object = None) -> Any:
        """Talk to its control plane."""
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.base.removesuffix('/api/v10')}/_twin/{path}"
        with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=60) as answer:  # noqa: S310  (here)
            return json.loads(answer.read())

    def mutate(self, **order: object) -> Any:
        """Change the guild; returns what was done."""
        return self.call("mutate", [order])["done"]

    def fail(self, *rules: dict[str, object]) -> None:
        """Break requests from now on."""
        self.call("faults", {"rules": list(rules)})

    def forget(self, *what: str) -> None:
        """Forget statistics, faults or limits."""
        self.call("reset", {"what": what})

    def truth(self) -> Any:
        """What there is."""
        return self.call("truth")

    def readable(self) -> dict[int, Any]:
        """The containers that a bot which follows its permissions can hold."""
        boxes = self.truth()["containers"].items()
        return {int(pk): box for pk, box in boxes if box["access"] == "ok" and box.get("found_by") != "none"}

    def request_count(self, match: str = "") -> int:
        """Requests since the last reset."""
        return len([row for row in self.call(f"log?n=100000&match={match}") if row])
