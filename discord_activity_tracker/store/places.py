"""Where messages stand."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where messages stand. ``scope_id`` is the key of the channel's scope; a thread has that of its parent."""

    guild_id: int
    channel_id: int
    scope_id: int
    is_thread: bool

    def document(self, conversation: int) -> str:
        """The external id of a conversation."""
        return f"discord:conversation:{self.guild_id}:{self.channel_id}:{conversation}"
