"""What the bot may do in a channel, computed as Discord documents it.

https://discord.com/developers/docs/topics/permissions#permission-overwrites
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from discord_activity_tracker.convert.channels import CATEGORY, TEXT, THREADED, VOICE, holds_messages
from discord_activity_tracker.payloads import Channel, Guild, Member

ADMINISTRATOR = 1 << 3
VIEW_CHANNEL = 1 << 10
READ_MESSAGE_HISTORY = 1 << 16
CONNECT = 1 << 20
MANAGE_THREADS = 1 << 34
EVERYTHING = (1 << 60) - 1
WORDS = {
    "no_view": "is hidden from the bot: grant VIEW_CHANNEL",
    "no_history": "cannot be read back: grant READ_MESSAGE_HISTORY",
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


class Permissions:
    """The bot's permissions in one guild."""

    def __init__(self, guild: Guild, member: Member, user_id: int) -> None:
        self._guild_id, self._user_id = guild["id"], str(user_id)
        self._roles = {*member["roles"], guild["id"]}
        self._base = 0
        for role in guild["roles"]:
            if role["id"] in self._roles:
                self._base |= int(role["permissions"])
        if guild["owner_id"] == self._user_id:
            self._base = EVERYTHING

    def of(self, channel: Channel) -> int:
        """The bits of a channel; a thread has those of its parent."""
        if self._base & ADMINISTRATOR:
            return EVERYTHING
        bits = self._base
        by_id = {overwrite["id"]: overwrite for overwrite in channel.get("permission_overwrites") or []}
        if everyone := by_id.get(self._guild_id):
            bits = bits & ~int(everyone["deny"]) | int(everyone["allow"])
        mine = [by_id[role] for role in self._roles - {self._guild_id} if role in by_id]
        for overwrite in mine:
            bits &= ~int(overwrite["deny"])
        for overwrite in mine:
            bits |= int(overwrite["allow"])
        if own := by_id.get(self._user_id):
            bits = bits & ~int(own["deny"]) | int(own["allow"])
        return bits

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
