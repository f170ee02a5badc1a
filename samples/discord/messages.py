"""Turn lines of sample conversations into message objects.

https://discord.com/developers/docs/resources/message
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from samples.discord.places import Places
from samples.discord.snowflakes import Snowflakes, written

Raw = Mapping[str, Any]
REFERENCE = re.compile(r"\{([@#&:])([\w-]+):?\}")
KINDS = {"@": "accounts", "#": "channels", "&": "roles", ":": "emojis"}
DEFAULT, REPLY = 0, 19


class Writer:
    """Turn lines into messages. Later lines can reply to or forward a line that has a key."""

    def __init__(self, places: Places, ids: Snowflakes) -> None:
        self._places, self._ids = places, ids
        self._by_key: dict[str, dict[str, Any]] = {}

    def message(self, place: int, at: datetime, raw: Raw, pk: int | None = None) -> dict[str, Any]:
        """Return a message that was posted at a given time. Without ``pk``, the message gets a new id."""
        found: dict[str, Any] = {
            "id": str(pk or self._ids.at(at)), "channel_id": str(place), "type": raw.get("type", DEFAULT),
            "content": self.resolved(raw["say"]), "author": self._places.users[raw["by"]],
            "timestamp": written(at), "edited_timestamp": None, "tts": False, "mention_everyone": False,
            "mentions": self._mentioned(raw["say"]), "mention_roles": [], "pinned": bool(raw.get("pin")), "flags": 0,
            "attachments": [self._file(place, at, name) for name in raw.get("files", [])], "embeds": [],
            "components": [],
        }  # fmt: skip
        if raw.get("edited"):
            found["edited_timestamp"] = written(at + timedelta(minutes=raw["edited"]))
        if raw["by"] == "hook":
            found["webhook_id"] = found["author"]["id"]
        self._answer(found, raw)
        self._dress(found, raw)
        if key := raw.get("key"):
            self._by_key[key] = found
        return found

    def resolved(self, text: str) -> str:
        """Return the text with Discord's markup in place of references such as ``{@key}``."""
        return REFERENCE.sub(lambda m: self._markup(m[1], m[2]), text)

    def _markup(self, sign: str, key: str) -> str:
        pk = self._places.key[f"{KINDS[sign]}.{key}"]
        return {"@": f"<@{pk}>", "#": f"<#{pk}>", "&": f"<@&{pk}>", ":": f"<:{key}:{pk}>"}[sign]

    def _mentioned(self, text: str) -> list[dict[str, Any]]:
        return [self._places.users[key] for sign, key in REFERENCE.findall(text) if sign == "@"]

    def _file(self, place: int, at: datetime, name: str) -> dict[str, Any]:
        pk = self._ids.at(at)
        url = f"https://cdn.discordapp.com/attachments/{place}/{pk}/{name}?ex=0&is=0&hm=0"
        return {"id": str(pk), "filename": name, "size": 4096, "url": url, "proxy_url": url}

    def _answer(self, found: dict[str, Any], raw: Raw) -> None:
        if key := raw.get("re"):
            answered = self._by_key[key]
            found["type"] = raw.get("type", REPLY)
            found["message_reference"] = self._pointer(int(answered["channel_id"]), answered["id"])
        if key := raw.get("forward"):
            forwarded = self._by_key[key]
            found["message_reference"] = self._pointer(int(forwarded["channel_id"]), forwarded["id"]) | {"type": 1}
            names = ("type", "content", "embeds", "attachments", "timestamp", "edited_timestamp", "flags")
            found["message_snapshots"] = [{"message": {name: forwarded[name] for name in names}}]
        if to := raw.get("to"):
            found["message_reference"] = self._pointer(*to)

    def _pointer(self, channel: int, message: object) -> dict[str, Any]:
        target = {"message_id": str(message)} if message else {}
        return {"type": 0, "channel_id": str(channel), "guild_id": str(self._places.id), **target}

    def _dress(self, found: dict[str, Any], raw: Raw) -> None:
        if embed := raw.get("embed"):
            found["embeds"] = [{"type": "rich", **embed}]
        if key := raw.get("sticker"):
            sticker = {"id": str(self._places.key[f"stickers.{key}"]), "name": "Big wave", "format_type": 1}
            found["sticker_items"] = [sticker]
        if reactions := raw.get("reactions"):
            found["reactions"] = [self._reaction(emoji, count) for emoji, count in reactions.items()]
        if poll := raw.get("poll"):
            answers = [{"answer_id": n, "poll_media": {"text": text}} for n, text in enumerate(poll["answers"], 1)]
            counts = [{"id": n, "count": count, "me_voted": False} for n, count in enumerate(poll["votes"], 1)]
            found["poll"] = {
                "question": {"text": poll["question"]}, "answers": answers, "expiry": None, "allow_multiselect": False,
                "layout_type": 1, "results": {"is_finalized": False, "answer_counts": counts},
            }  # fmt: skip

    def _reaction(self, emoji: str, count: int) -> dict[str, Any]:
        custom = REFERENCE.fullmatch(emoji)
        pk = str(self._places.key[f"emojis.{custom[2]}"]) if custom else None
        return {
            "emoji": {"id": pk, "name": custom[2] if custom else emoji}, "count": count, "me": False,
            "count_details": {"normal": count, "burst": 0}, "burst_colors": [], "me_burst": False,
        }  # fmt: skip
