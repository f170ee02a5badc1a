"""The sample guild with its messages, read from ``data/*.toml``. Tests may change the guild while it is served."""

import threading
import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from samples.discord.messages import Writer
from samples.discord.places import Places
from samples.discord.snowflakes import Snowflakes, time_of, written

DATA = Path(__file__).parent / "data"
Raw = Mapping[str, Any]
FORUM, PUBLIC, PRIVATE = 15, 11, 12


class SampleGuild:
    """The sample guild. Each new ``SampleGuild`` has the same content with the same ids.

    ``messages`` contains messages by channel or thread id, then by message id. Acquire ``lock`` before reading them.
    """

    def __init__(self) -> None:
        data, self.ids = _read(), Snowflakes()
        self.lock = threading.RLock()
        self.places = Places(data, self.ids)
        self.threads: dict[int, dict[str, Any]] = {}
        self.messages: dict[int, dict[int, dict[str, Any]]] = {pk: {} for pk in self.places.channels}
        self.pins: dict[int, dict[int, str]] = {}
        self._writer = Writer(self.places, self.ids)
        for raw in sorted([*data["talks"], *data["threads"]], key=lambda raw: raw["at"]):
            if "parent" in raw:
                place, first = self._thread(raw)
            else:
                place, first = self.places.key[f"channels.{raw['place']}"], None
            self._lines(place, raw["at"], raw["lines"], first)

    @property
    def id(self) -> int:
        """The id of the guild."""
        return self.places.id

    def container(self, key: str) -> int:
        """Return the id of a channel or thread. ``key`` is its key in ``data/*.toml``."""
        return self.places.key.get(f"channels.{key}") or self.places.key[f"threads.{key}"]

    def truth(self) -> dict[int, str]:
        """Return the text of each message that the bot may read, by message id."""
        hidden = {pk for pk in self.places.channels if self.places.missing(pk)}
        with self.lock:
            return {
                pk: message["content"]
                for place, messages in self.messages.items()
                if place not in hidden
                for pk, message in messages.items()
            }

    def say(self, key: str, by: str, text: str, at: datetime | None = None, **more: Any) -> int:
        """Post a message in a channel or thread, and return its id.

        ``by`` is an account key. The default time is two minutes after the last message of the channel or thread.
        """
        with self.lock:
            place = self.container(key)
            last = max(self.messages[place], default=self.places.id)
            return self._line(place, at or time_of(last) + timedelta(minutes=2), {"by": by, "say": text, **more})

    def edit(self, message_id: int, text: str) -> None:
        """Edit a message. The time of the edit is one minute after the message was posted."""
        with self.lock:
            message = self._message(message_id)
            message["content"] = self._writer.resolved(text)
            message["edited_timestamp"] = written(time_of(message_id) + timedelta(minutes=1))

    def delete(self, message_id: int) -> None:
        """Delete a message."""
        with self.lock:
            place = int(self._message(message_id)["channel_id"])
            del self.messages[place][message_id]
            self.pins.get(place, {}).pop(message_id, None)

    def _message(self, message_id: int) -> dict[str, Any]:
        return next(messages[message_id] for messages in self.messages.values() if message_id in messages)

    def _lines(self, place: int, at: datetime, lines: list[Raw], first: int | None) -> None:
        for n, raw in enumerate(lines):
            at += timedelta(minutes=raw.get("after", 2 if n else 0))
            self._line(place, at, raw, None if n else first)

    def _line(self, place: int, at: datetime, raw: Raw, pk: int | None = None) -> int:
        message = self._writer.message(place, at, raw, pk)
        found = int(message["id"])
        self.messages[place][found] = message
        container = self.places.channels.get(place) or self.threads[place]
        container["last_message_id"] = str(found)
        if message["pinned"]:
            self.pins.setdefault(place, {})[found] = written(at + timedelta(minutes=1))
        return found

    def _thread(self, raw: Raw) -> tuple[int, int | None]:
        """Start a thread: from a message of its channel, as a post in a forum, or without a message.

        Return the id of the thread, and the id that its first message must have. The second id is None if any id is
        allowed. Only a forum post has the same id as its first message.
        """
        parent = self.places.channels[self.places.key[f"channels.{raw['parent']}"]]
        parent_id, starter = int(parent["id"]), raw.get("from")
        pk = self._line(parent_id, starter["at"], starter) if starter else self.ids.at(raw["at"])
        self.places.key[f"threads.{raw['key']}"] = pk
        archived = raw.get("archived")
        self.threads[pk] = {
            "id": str(pk), "type": PRIVATE if raw.get("private") else PUBLIC, "guild_id": str(self.id),
            "parent_id": str(parent_id), "name": raw["name"], "owner_id": self.places.users[self._opener(raw)]["id"],
            "applied_tags": [str(self.places.key[f"tags.{tag}"]) for tag in raw.get("tags", [])],
            "message_count": len(raw["lines"]), "member_count": 2, "last_message_id": None,
            "thread_metadata": {
                "archived": bool(archived), "archive_timestamp": written(archived or raw["at"]), "locked": False,
                "auto_archive_duration": 4320, "create_timestamp": written(raw["at"]),
            },
        }  # fmt: skip
        self.messages[pk] = {}
        if starter:
            self._line(pk, raw["at"], {"by": starter["by"], "say": "", "type": 21, "to": (parent_id, pk)})
        elif parent["type"] == FORUM:
            parent["last_message_id"] = str(pk)
            return pk, pk
        else:
            begun = {"by": self._opener(raw), "say": raw["name"], "type": 18, "to": (pk, None)}
            self._line(parent_id, raw["at"], begun)
        return pk, None

    @staticmethod
    def _opener(raw: Raw) -> str:
        return str((raw.get("from") or raw["lines"][0])["by"])


@lru_cache(maxsize=1)
def _texts() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(DATA.glob("*.toml")))


def _read() -> dict[str, Any]:
    """Return the content of all files. Each call parses the files again, because the caller modifies the result."""
    return tomllib.loads(_texts())
