"""The guild, its roles and its channels, in the format of the API.

https://discord.com/developers/docs/resources/guild
"""

from collections.abc import Mapping
from typing import Any

from samples.discord.snowflakes import Snowflakes, written

Raw = Mapping[str, Any]
VIEW_CHANNEL, READ_MESSAGE_HISTORY, CONNECT, MANAGE_THREADS = 1 << 10, 1 << 16, 1 << 20, 1 << 34
BITS = {"VIEW_CHANNEL": VIEW_CHANNEL, "READ_MESSAGE_HISTORY": READ_MESSAGE_HISTORY, "CONNECT": CONNECT}
INVITE = VIEW_CHANNEL | READ_MESSAGE_HISTORY | CONNECT | MANAGE_THREADS
CONTENT_INTENT = 1 << 19


class Places:
    """The accounts, roles, emojis, stickers, channels and events of a guild.

    ``key`` maps a kind and a key in ``data/*.toml``, such as ``roles.readers``, to an id, also for tags and threads.
    """

    def __init__(self, data: Raw, ids: Snowflakes) -> None:
        self.key: dict[str, int] = {}
        for kind in ("accounts", "roles", "emojis", "stickers", "channels", "events"):
            for raw in data[kind]:
                self.key[f"{kind}.{raw['key']}"] = ids.at(raw["at"])
        for channel in data["channels"]:
            for tag in channel.get("tags", []):
                self.key[f"tags.{tag['key']}"] = ids.at(channel["at"])
        self.id = ids.at(data["guild"]["at"])
        self.users = {raw["key"]: self._user(raw) for raw in data["accounts"]}
        channels = [self._channel(raw, place) for place, raw in enumerate(data["channels"])]
        self.channels = {int(channel["id"]): channel for channel in channels}
        self.roles = [self._role(self.id, "@everyone", INVITE, 0)]
        self.roles += [self._role(self.key[f"roles.{raw['key']}"], raw["name"], 0, 1) for raw in data["roles"]]
        self.events = [self._event(raw) for raw in data["events"]]
        self._emojis, self._stickers = data["emojis"], data["stickers"]
        self._facts = data["guild"]

    def guild(self) -> dict[str, Any]:
        """Return the guild object."""
        emojis = [{"id": str(self.key[f"emojis.{raw['key']}"]), "name": raw["name"]} for raw in self._emojis]
        stickers = [
            {"id": str(self.key[f"stickers.{raw['key']}"]), "name": raw["name"], "format_type": 1, "type": 2}
            for raw in self._stickers
        ]
        owner = self.users[self._facts["owner"]]["id"]
        return {
            "id": str(self.id), "name": self._facts["name"], "description": self._facts["description"], "icon": None,
            "owner_id": owner, "roles": self.roles, "emojis": emojis, "stickers": stickers, "features": ["COMMUNITY"],
        }  # fmt: skip

    def missing(self, channel_id: int) -> int:
        """Return the permission bits that the bot lacks in a channel."""
        overwrites = self.channels[channel_id]["permission_overwrites"]
        return int(overwrites[0]["deny"]) if overwrites else 0

    def _user(self, raw: Raw) -> dict[str, Any]:
        return {
            "id": str(self.key[f"accounts.{raw['key']}"]), "username": raw["username"], "discriminator": "0",
            "global_name": raw.get("global_name") or None, "avatar": None,
            **({"bot": True} if raw.get("bot") or raw.get("webhook") else {}),
        }  # fmt: skip

    def _channel(self, raw: Raw, position: int) -> dict[str, Any]:
        denied = BITS[raw["without"]] if raw.get("without") else 0
        everyone = {"id": str(self.id), "type": 0, "allow": "0", "deny": str(denied)}
        found = {
            "id": str(self.key[f"channels.{raw['key']}"]), "type": raw["type"], "guild_id": str(self.id),
            "name": raw["name"], "topic": raw.get("topic"), "position": position, "nsfw": False,
            "parent_id": str(self.key[f"channels.{raw['under']}"]) if raw.get("under") else None,
            "permission_overwrites": [everyone] if denied else [], "last_message_id": None,
        }  # fmt: skip
        if raw.get("tags"):
            tags = ((self.key[f"tags.{tag['key']}"], tag["name"]) for tag in raw["tags"])
            found["available_tags"] = [{"id": str(pk), "name": name, "moderated": False} for pk, name in tags]
        return found

    def _role(self, pk: int, name: str, permissions: int, position: int) -> dict[str, Any]:
        return {"id": str(pk), "name": name, "permissions": str(permissions), "position": position, "color": 0}

    def _event(self, raw: Raw) -> dict[str, Any]:
        return {
            "id": str(self.key[f"events.{raw['key']}"]), "guild_id": str(self.id), "name": raw["name"],
            "channel_id": str(self.key[f"channels.{raw['channel']}"]), "description": raw["description"],
            "scheduled_start_time": written(raw["start"]), "scheduled_end_time": None, "privacy_level": 2, "status": 1,
            "entity_type": 2, "user_count": 4, "creator": self.users[raw["by"]],
        }  # fmt: skip
