"""Archived threads: in no list of the guild, only in those of their channel."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from core.operations.discord_ops import DiscordClient
from discord_activity_tracker.payloads import Channel

Listing = Literal["public", "private", "joined"]
PATHS: dict[Listing, str] = {
    "public": "/channels/{channel_id}/threads/archived/public",
    "private": "/channels/{channel_id}/threads/archived/private",
    "joined": "/channels/{channel_id}/users/@me/threads/archived/private",
}
LIMIT = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class ThreadPage:
    """Some archived threads of a channel; ``lost`` when more of them share one moment than a page can hold."""

    threads: list[Channel]
    lost: bool = False


async def archived(
    client: DiscordClient, channel_id: int, listing: Listing, down_to: datetime | None
) -> AsyncIterator[ThreadPage]:
    """The archived threads of a channel that were archived at or after ``down_to``, the latest first.

    ``before`` is exclusive: threads that share a moment at the edge of a page would be lost, so each page begins a
    microsecond later and what was seen already is left out. The joined list goes by id and has no such edge.
    https://discord.com/developers/docs/resources/channel#list-public-archived-threads
    """
    before, seen = "", set[str]()
    while True:
        params = {"limit": LIMIT} | ({"before": before} if before else {})
        answer = await client.get(PATHS[listing], dict[str, Any], params, channel_id=channel_id)
        page: list[Channel] = list(answer.get("threads") or [])
        new = [thread for thread in page if thread["id"] not in seen]
        seen.update(thread["id"] for thread in new)
        last = archived_at(page[-1]) if page else None
        stuck = bool(answer.get("has_more")) and not new
        yield ThreadPage(threads=new, lost=stuck)
        if last is None or not answer.get("has_more"):
            return
        if listing == "joined":
            before = str(min(int(thread["id"]) for thread in page))
            continue
        if down_to and last < down_to:
            return
        before = (last if stuck else last + timedelta(microseconds=1)).isoformat()


def archived_at(thread: Channel) -> datetime:
    """When it was archived (UTC)."""
    return datetime.fromisoformat(thread.get("thread_metadata", {})["archive_timestamp"])  # pyright: ignore[reportTypedDictNotRequiredAccess]  # archived threads have it
