"""What the bot may do in a channel, computed as Discord documents it.

https://discord.com/developers/docs/topics/permissions#permission-overwrites
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from discord_activity_tracker.convert.channels import CATEGORY, TEXT, THREADED, VOICE, holds_messages
from discord_activity_tracker.convert.snowflakes import whole_number
from discord_activity_tracker.payloads import Channel, Guild, Member

ADMINISTRATOR = 1 << 3
VIEW_CHANNEL = 1 << 10
READ_MESSAGE_HISTORY = 1 << 16
CONNECT = 1 << 20
MANAGE_THREADS = 1 << 34
EVERYTHING = (1 << 60) - 1
READING = VIEW_CHANNEL | READ_MESSAGE_HISTORY | CONNECT
"""What is assumed where nothing says what the bot may: Discord refuses what it may not."""
WORDS = {
    "no_view": "is hidden from the bot: grant VIEW_CHANNEL",
    "no_history": "hides its history from the bot: grant READ_MESSAGE_HISTORY",
    "no_connect": "is a voice channel whose text the bot may not read: grant CONNECT",
    "no_private_threads": "archived private threads are shown only where the bot joined: grant MANAGE_THREADS",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """A channel that the bot does not see, or not fully; ``reason`` is a word of ``WORDS``."""

    channel_id: int
    name: str
    reason: str

    @property
    def words(self) -> str:
        """What is missing, and what to grant."""
        return WORDS[self.reason]

    @property
    def line(self) -> str:
        """The same with the name of the channel."""
        return f"#{self.name} {self.words}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Overwrite:
    """Bits that a channel takes from and gives to a role or a member."""

    is_role: bool
    allow: int
    deny: int


class Permissions:
    """The bot's permissions in one guild.

    Parts of the guild or of the membership may be missing or malformed. Then ``certain`` is false, and permissions are
    the most that the bot may have: ``base`` (the bits that Discord computes itself, without overwrites) or all that
    reading needs, with every role's grants in a channel. Discord refuses what the bot may not.
    """

    def __init__(self, guild: Guild, member: Member | None, user_id: int, base: int | None = None) -> None:
        self._guild_id, self._user_id = str(guild["id"]), str(user_id)
        held: object = member.get("roles") if isinstance(member, dict) else None  # pyright: ignore[reportUnnecessaryIsInstance]  # as it came
        self._roles = {str(role) for role in cast("list[object]", held)} if isinstance(held, list) else None
        bits = [self._bits_of_role(role) for role in _objects(guild.get("roles"))]
        everyone = any(str(role.get("id")) == self._guild_id for role in _objects(guild.get("roles")))
        self.certain = self._roles is not None and everyone and None not in bits
        self._base = 0
        for number in bits:
            self._base |= number or 0
        if not self.certain:
            self._base |= READING if base is None else base
        if str(guild.get("owner_id")) == self._user_id:
            self._base = EVERYTHING

    def _bits_of_role(self, role: Mapping[str, Any]) -> int | None:
        """The bits that a role gives to the bot; ``None`` when they are not known."""
        pk = str(role.get("id"))
        if pk != self._guild_id and pk not in (self._roles or ()):
            return 0
        return whole_number(role.get("permissions"))

    def of(self, channel: Channel) -> int:
        """The bits of a channel; a thread has those of its parent."""
        if self._base & ADMINISTRATOR:
            return EVERYTHING
        bits = self._base
        by_id = _overwrites(channel)
        if everyone := by_id.pop(self._guild_id, None):
            bits = bits & ~everyone.deny | everyone.allow
        own = by_id.pop(self._user_id, None)
        mine = [one for pk, one in by_id.items() if one.is_role and (self._roles is None or pk in self._roles)]
        if self._roles is not None:
            for one in mine:
                bits &= ~one.deny
        for one in mine:
            bits |= one.allow
        return bits & ~own.deny | own.allow if own else bits

    def access(self, channel: Channel) -> str:
        """A word of ``Channel.Access``, for the channel's own messages."""
        bits = self.of(channel)
        if not bits & VIEW_CHANNEL:
            return "no_view"
        if not holds_messages(channel):
            return "no_messages"
        if channel["type"] in VOICE and not bits & CONNECT:
            return "no_connect"
        return "ok" if bits & READ_MESSAGE_HISTORY else "no_history"

    def lists_threads(self, channel: Channel) -> bool:
        """Whether archived threads are listed."""
        needed = VIEW_CHANNEL | READ_MESSAGE_HISTORY
        return channel["type"] in THREADED and self.of(channel) & needed == needed

    def lists_private_threads(self, channel: Channel) -> bool:
        """Whether all private archived threads are listed, not only those the bot joined."""
        return bool(self.of(channel) & MANAGE_THREADS)

    def gaps(self, channels: Sequence[Channel]) -> list[Gap]:
        """What of these channels the bot cannot read."""
        return [
            Gap(channel_id=int(channel["id"]), name=channel.get("name") or channel["id"], reason=reason)
            for channel in channels
            if (reason := self._gap(channel))
        ]

    def _gap(self, channel: Channel) -> str:
        access = self.access(channel)
        if channel["type"] == CATEGORY:
            return ""  # what stands in it is told by itself
        if access in WORDS:
            return access
        if channel["type"] in THREADED and not self.lists_threads(channel):
            return "no_history"
        return "no_private_threads" if channel["type"] == TEXT and not self.lists_private_threads(channel) else ""


def accesses(permissions: Permissions, channels: Sequence[Channel]) -> Mapping[int, str]:
    """The access of each channel by its id."""
    return {int(channel["id"]): permissions.access(channel) for channel in channels}


def _objects(items: object) -> Iterable[Mapping[str, Any]]:
    """The objects of a list that may hold anything."""
    return [item for item in cast("list[Any]", items) if isinstance(item, dict)] if isinstance(items, list) else []


def _overwrites(channel: Channel) -> dict[str, _Overwrite]:
    """The overwrites of a channel by role or member; one that is malformed is left out."""
    found: dict[str, _Overwrite] = {}
    for item in _objects(channel.get("permission_overwrites")):
        allow, deny = whole_number(item.get("allow") or 0), whole_number(item.get("deny") or 0)
        if allow is not None and deny is not None:
            found[str(item.get("id"))] = _Overwrite(is_role=item.get("type") in {0, "role"}, allow=allow, deny=deny)
    return found
