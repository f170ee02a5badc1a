"""Archived threads: in no list of the guild, only in those of their channel."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from core.errors import UnexpectedAnswer
from core.operations.discord_ops import DiscordClient
from discord_activity_tracker.payloads import Channel

Listing = Literal["public", "private", "joined", "search"]
PATHS: dict[Listing, str] = {
    "public": "/channels/{channel_id}/threads/archived/public",
    "private": "/channels/{channel_id}/threads/archived/private",
    "joined": "/channels/{channel_id}/users/@me/threads/archived/private",
    "search": "/channels/{channel_id}/threads/search",
}
LIMIT = 100
SEARCH_LIMIT = 25
SEARCH_ATTEMPTS = 3
"""Attempts for the thread search, without which everything else still works."""
EMPTY_ATTEMPTS = 3
"""Requests for an empty page while Discord says that more follows; with the last one the list ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ThreadPage:
    """Some archived threads of a channel.

    ``lost``: more of them share one moment than a page can hold, or none of a full page has a moment. ``doubtful``:
    Discord says that more follows but sends nothing. ``total``: number of archived threads that the thread search
    names, ``None`` in other lists.
    """

    threads: list[Channel]
    lost: bool = False
    doubtful: bool = False
    total: int | None = None


async def archived(
    client: DiscordClient, channel_id: int, listing: Listing, down_to: datetime | None
) -> AsyncIterator[ThreadPage]:
    """The archived threads of a channel that were archived at or after ``down_to``, the latest first.

    ``before`` is exclusive: threads that share a moment at the edge of a page would be lost, so each page begins a
    microsecond later and what was seen already is left out. A thread without a moment has the place of its neighbours.
    The joined list goes by id and has no such edge. ``has_more`` may be true on the last page.
    https://discord.com/developers/docs/resources/channel#list-public-archived-threads
    """
    before, seen, empty = "", set[str](), 0
    while True:
        params = {"limit": LIMIT} | ({"before": before} if before else {})
        answer = await client.get(PATHS[listing], dict[str, Any], params, channel_id=channel_id)
        page, has_more = _threads_of(answer, channel_id), bool(answer.get("has_more"))
        new = [thread for thread in page if _id_text(thread) not in seen]
        seen.update(_id_text(thread) for thread in new)
        if not page:
            empty += 1
            if has_more and empty < EMPTY_ATTEMPTS:
                continue
            yield ThreadPage(threads=[], doubtful=has_more and not seen)
            return
        moments = [moment for thread in page if (moment := archived_at(thread))]
        full = len(page) >= LIMIT
        lost = has_more and full and (not moments or (listing != "joined" and not new))
        yield ThreadPage(threads=new, lost=lost)
        empty = 0
        if not has_more or (not moments and listing != "joined"):
            return
        if listing == "joined":
            following = str(min(int(_id_text(thread)) for thread in page if _id_text(thread).isdigit()))
        else:
            last = min(moments)
            if down_to and last < down_to:
                return
            following = (last + timedelta(microseconds=1) if new else last).isoformat()
        if following == before:
            return
        before = following


async def search_archived(client: DiscordClient, channel_id: int, known: int) -> AsyncIterator[ThreadPage]:
    """Archived threads of every type, also of types that the channel's lists leave out, the newest first.

    One page when the search names as many as are ``known``. It is in Discord's OpenAPI description, not in its
    documentation: https://github.com/discord/discord-api-docs/issues/7341
    """
    params: dict[str, object] = {
        "archived": "true", "sort_by": "creation_time", "sort_order": "desc", "limit": SEARCH_LIMIT,
    }  # fmt: skip
    seen: set[str] = set()
    total = 0
    while True:
        answer = await client.get(
            PATHS["search"], dict[str, Any], params, attempts=SEARCH_ATTEMPTS, channel_id=channel_id
        )
        page = [thread for thread in _threads_of(answer, channel_id) if _id_text(thread) not in seen]
        if not seen:
            total = answer["total_results"] if isinstance(answer.get("total_results"), int) else len(page)
        seen.update(_id_text(thread) for thread in page)
        yield ThreadPage(threads=page, total=total)
        ids = [int(text) for thread in page if (text := _id_text(thread)).isdigit()]
        if not ids or total == known or len(seen) >= total:
            return
        params["max_id"] = min(ids)


def archived_at(thread: object) -> datetime | None:
    """When it was archived (UTC); ``None`` where Discord does not say so."""
    metadata = cast("Mapping[str, Any]", thread).get("thread_metadata") if isinstance(thread, Mapping) else None
    text = cast("Mapping[str, Any]", metadata).get("archive_timestamp") if isinstance(metadata, Mapping) else None
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None


def _threads_of(answer: Mapping[str, Any], channel_id: int) -> list[Channel]:
    threads = answer.get("threads")
    if not isinstance(threads, list):
        raise UnexpectedAnswer(f"Discord answers the request for threads of {channel_id} with something else")
    return cast("list[Channel]", threads)


def _id_text(thread: object) -> str:
    """The id of a thread as text; the whole object where it has none."""
    found = cast("Mapping[str, object]", thread).get("id") if isinstance(thread, Mapping) else None
    return str(found) if found is not None else repr(thread)
