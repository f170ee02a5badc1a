"""Return the responses of Discord's REST API to the requests of a bot.

https://discord.com/developers/docs/reference
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from samples.answers import JSON_TYPE, Answer, Request, encode
from samples.discord.guild import PRIVATE, PUBLIC, SampleGuild
from samples.discord.places import CONTENT_INTENT, READ_MESSAGE_HISTORY, VIEW_CHANNEL, Places

BASE = "/api/v10"
Query = Mapping[str, str]
MISSING_ACCESS, MISSING_PERMISSIONS, UNKNOWN_CHANNEL, UNKNOWN_GUILD, UNKNOWN_MESSAGE = 50001, 50013, 10003, 10004, 10008


class Refused(Exception):
    """An error in Discord's format."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.members = status, {"message": message, "code": code}


class Routes:
    """The routes of the API. The class is not thread-safe. The caller must lock the guild first."""

    def __init__(self, guild: SampleGuild) -> None:
        self.guild = guild
        self._table: list[tuple[re.Pattern[str], Callable[..., Any]]] = [
            (re.compile(pattern), handler)
            for pattern, handler in (
                (r"/users/@me", self._me),
                (r"/(?:oauth2/)?applications/@me", self._application),
                (r"/users/@me/guilds", self._guilds),
                (r"/guilds/(\d+)", self._guild),
                (r"/guilds/(\d+)/channels", self._channels),
                (r"/guilds/(\d+)/threads/active", self._active),
                (r"/guilds/(\d+)/members/(\d+)", self._member),
                (r"/guilds/(\d+)/scheduled-events", self._events),
                (r"/guilds/(\d+)/messages/search", self._search),
                (r"/channels/(\d+)", self._channel),
                (r"/channels/(\d+)/messages", self._messages),
                (r"/channels/(\d+)/messages/pins", self._pins),
                (r"/channels/(\d+)/messages/(\d+)", self._message),
                (r"/channels/(\d+)/messages/(\d+)/reactions/([^/]+)", self._reactors),
                (r"/channels/(\d+)/threads/archived/(public|private)", self._archived),
                (r"/channels/(\d+)/(users/@me)/threads/archived/private", self._archived),
            )
        ]

    def answer(self, request: Request) -> Answer:
        """Return the response to a request. Errors are returned as responses, not raised."""
        try:
            return _json(200, self._found(request))
        except Refused as refusal:
            return _json(refusal.status, refusal.members)

    def _found(self, request: Request) -> Any:
        if not request.header("authorization").startswith("Bot sample"):
            raise Refused(401, 0, "401: Unauthorized")
        if request.method != "GET":
            raise Refused(405, 0, "405: Method Not Allowed")
        for pattern, handler in self._table:
            if found := pattern.fullmatch(request.path.removeprefix(BASE)):
                numbers = (int(part) if part.isdigit() else part for part in found.groups())
                return handler(request.query, *numbers)
        raise Refused(404, 0, "404: Not Found")

    def _of(self, guild_id: int) -> Places:
        if guild_id != self.guild.id:
            raise Refused(404, UNKNOWN_GUILD, "Unknown Guild")
        return self.guild.places

    def _me(self, query: Query) -> Any:
        return self.guild.places.users["tracker"]

    def _guilds(self, query: Query) -> Any:
        return [{"id": str(self.guild.id), "name": self.guild.places.guild()["name"]}]

    def _guild(self, query: Query, guild_id: int) -> Any:
        return self._of(guild_id).guild()

    def _channels(self, query: Query, guild_id: int) -> Any:
        return list(self._of(guild_id).channels.values())

    def _events(self, query: Query, guild_id: int) -> Any:
        return self._of(guild_id).events

    def _channel(self, query: Query, channel_id: int) -> Any:
        return self._container(channel_id)

    def _application(self, query: Query) -> Any:
        bot = self.guild.places.users["tracker"]
        return {
            "id": bot["id"], "name": bot["username"], "description": "", "icon": None, "flags": CONTENT_INTENT,
            "bot_public": False, "bot_require_code_grant": False, "rpc_origins": [], "verify_key": "", "team": None,
            "owner": self.guild.places.users["mirela"],
        }  # fmt: skip

    def _member(self, query: Query, guild_id: int, user_id: int) -> Any:
        self._of(guild_id)
        user = next(user for user in self.guild.places.users.values() if user["id"] == str(user_id))
        return {"user": user, "roles": [], "nick": None}

    def _active(self, query: Query, guild_id: int) -> Any:
        self._of(guild_id)
        threads = [t for t in self.guild.threads.values() if not t["thread_metadata"]["archived"]]
        return {"threads": sorted(threads, key=lambda t: -int(t["id"])), "members": []}

    def _search(self, query: Query, guild_id: int) -> Any:
        self._of(guild_id)
        return {"total_results": len(self.guild.truth()), "messages": []}

    def _container(self, channel_id: int, needed: int = VIEW_CHANNEL) -> dict[str, Any]:
        """Return a channel or thread.

        Raises Refused if it does not exist (404), or if the bot lacks VIEW_CHANNEL or the ``needed`` permissions (403).
        """
        thread = self.guild.threads.get(channel_id)
        channel = self.guild.places.channels.get(int(thread["parent_id"]) if thread else channel_id)
        if channel is None:
            raise Refused(404, UNKNOWN_CHANNEL, "Unknown Channel")
        missing = self.guild.places.missing(int(channel["id"]))
        if missing & VIEW_CHANNEL:
            raise Refused(403, MISSING_ACCESS, "Missing Access")
        if missing & needed:
            raise Refused(403, MISSING_PERMISSIONS, "Missing Permissions")
        return thread or channel

    def _readable(self, channel_id: int) -> dict[int, dict[str, Any]]:
        """Return the messages of a channel or thread.

        If the bot lacks READ_MESSAGE_HISTORY, the result is empty, as on Discord. Raises Refused if the channel or
        thread does not exist (404), or if the bot cannot view it (403).
        """
        found = self._container(channel_id)
        parent = int(found["parent_id"]) if channel_id in self.guild.threads else channel_id
        hidden = self.guild.places.missing(parent) & READ_MESSAGE_HISTORY
        return {} if hidden else self.guild.messages[channel_id]

    def _messages(self, query: Query, channel_id: int) -> Any:
        limit, after, before = int(query.get("limit", 50)), query.get("after"), query.get("before")
        ids = sorted(self._readable(channel_id))
        if after is not None:
            ids = [pk for pk in ids if pk > int(after)][:limit]
        elif before is not None:
            ids = [pk for pk in ids if pk < int(before)][-limit:]
        else:
            ids = ids[-limit:]
        return [self.guild.messages[channel_id][pk] for pk in reversed(ids)]

    def _message(self, query: Query, channel_id: int, message_id: int) -> Any:
        if message_id not in self._readable(channel_id):
            raise Refused(404, UNKNOWN_MESSAGE, "Unknown Message")
        return self.guild.messages[channel_id][message_id]

    def _pins(self, query: Query, channel_id: int) -> Any:
        kept = self._readable(channel_id)
        pinned = sorted(self.guild.pins.get(channel_id, {}).items(), key=lambda pin: pin[1], reverse=True)
        items = [{"pinned_at": at, "message": kept[pk]} for pk, at in pinned if pk in kept]
        return {"items": items, "has_more": False}

    def _reactors(self, query: Query, channel_id: int, message_id: int, emoji: str) -> Any:
        message = self._message(query, channel_id, message_id)
        known = (
            reaction
            for reaction in message.get("reactions", [])
            if emoji in {reaction["emoji"]["name"], f"{reaction['emoji']['name']}:{reaction['emoji']['id']}"}
        )
        reaction = next(known, {"count": 0})
        people = [user for user in self.guild.places.users.values() if not user.get("bot")]
        found = [] if query.get("type") == "1" else sorted(people, key=lambda u: int(u["id"]))[: reaction["count"]]
        return [user for user in found if int(user["id"]) > int(query.get("after", 0))]

    def _archived(self, query: Query, channel_id: int, listing: object) -> Any:
        self._container(channel_id, READ_MESSAGE_HISTORY)
        wanted = PUBLIC if listing == "public" else PRIVATE
        found = [
            thread
            for thread in self.guild.threads.values()
            if thread["parent_id"] == str(channel_id)
            and thread["thread_metadata"]["archived"]
            and thread["type"] == wanted
            and listing != "users/@me"
            and thread["thread_metadata"]["archive_timestamp"] < query.get("before", "9999")
        ]
        found.sort(key=lambda thread: thread["thread_metadata"]["archive_timestamp"], reverse=True)
        limit = int(query.get("limit", 50))
        return {"threads": found[:limit], "members": [], "has_more": len(found) > limit}


def _json(status: int, value: object) -> Answer:
    return Answer(status=status, body=encode(value), headers={"Content-Type": JSON_TYPE.replace("; charset=utf-8", "")})
