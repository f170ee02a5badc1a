"""The channels and threads that hold messages, and how far each has been read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from discord_activity_tracker import store
from discord_activity_tracker.protocol_impl import DiscordState

DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """A channel or thread that the bot may read. ``last_message_id`` is what Discord says, 0 for nothing."""

    place: store.Place
    name: str
    last_message_id: int
    archived: bool
    states: Mapping[str, DiscordState]
    parent_id: int = 0
    """The channel of a thread; 0 for channels."""

    def state(self, stream: str) -> DiscordState:
        """A saved position; an empty one when there is none."""
        return self.states.get(stream) or DiscordState()

    @property
    def cursor(self) -> int:
        """Everything up to this id has been read once."""
        return int(self.state("messages").checkpoint_token or 0)

    @property
    def seen(self) -> int:
        """The newest id that was known when it was last read to its end; -1 for never."""
        found = self.state("messages").extras.get("seen", -1)
        return found if isinstance(found, int) else -1

    @property
    def done(self) -> str:
        """When it was last read to its end; empty for never."""
        return str(self.state("messages").extras.get("done", ""))

    @property
    def began(self) -> str:
        """When it was begun to be read from its first message."""
        return str(self.state("messages").extras.get("began", ""))

    @property
    def swept(self) -> str:
        """When it was last read again from end to end; the first reading counts."""
        return max(str(self.state("sweep").extras.get("done", "")), self.began if self.done else "")

    def has_news(self, now: datetime) -> bool:
        """Whether there may be messages above the cursor.

        ``last_message_id`` is not always right, so once a day it is not believed. An archived thread cannot get
        messages without being opened, which its channel's lists tell.
        """
        if not self.done or self.last_message_id > self.seen:
            return True
        return not self.archived and now - datetime.fromisoformat(self.done) > DAY


def containers(guild_id: int, only: int | None) -> list[Container]:
    """All of a guild, or one channel with its threads; the stalest first, and channels before threads."""
    found = store.alive(guild_id).filter(access="ok")
    if only is not None:
        found = found.filter(Q(pk=only) | Q(parent_id=only, is_thread=True))
    rows = list(found.values_list("pk", "name", "parent_id", "is_thread", "archived", "last_message_id"))
    scopes, states = store.scopes_of(guild_id), store.all_states([row[0] for row in rows])
    return sorted(
        (
            Container(
                place=store.Place(
                    guild_id=guild_id,
                    channel_id=pk,
                    scope_id=scopes[parent if is_thread else pk],
                    is_thread=is_thread,
                ),
                name=name or str(pk),
                last_message_id=last or 0,
                archived=archived,
                states=states.get(pk, {}),
                parent_id=(parent or 0) if is_thread else 0,
            )
            for pk, name, parent, is_thread, archived, last in rows
            if (parent if is_thread else pk) in scopes
        ),
        key=lambda container: (container.done, container.place.is_thread),
    )
