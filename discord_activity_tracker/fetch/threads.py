"""Request archived threads, which only the lists of their channel contain."""

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
"""Threads on one page of a list, Discord's maximum."""
SEARCH_LIMIT = 25
"""Threads on one page of the search, Discord's maximum."""
SEARCH_ATTEMPTS = 3
"""Attempts for the thread search; everything else works without it."""
EMPTY_ATTEMPTS = 3
"""Requests for an empty page while Discord says that more follows; after the last one the list ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ThreadPage:
    """Some archived threads of a channel.

    ``lost`` is true when more threads share one archive time than a page can hold, or when a full page has no archive
    time. ``doubtful`` is true when Discord says that more threads follow but sends none. ``total`` is the number of
    archived threads according to the thread search, ``None`` in other lists.
    """

    threads: list[Channel]
    lost: bool = False
    doubtful: bool = False
    total: int | None = None


async def list_archived_threads(
    client: DiscordClient, channel_id: int, listing: Listing, down_to: datetime | None
) -> AsyncIterator[ThreadPage]:
    """Yield the threads of a channel that were archived at or after ``down_to``, the latest first.

    ``before`` is exclusive, and threads that share an archive time at the edge of a page would be lost. Each page
    therefore begins a microsecond later, and threads that were seen already are left out. A thread without an archive
    time is placed by its neighbours. The joined list is ordered by id and has no such edge. ``has_more`` can be true on
    the last page.
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
        times = [archived_at for thread in page if (archived_at := archive_time(thread))]
        full = len(page) >= LIMIT
        lost = has_more and full and (not times or (listing != "joined" and not new))
        yield ThreadPage(threads=new, lost=lost)
        empty = 0
        if not has_more or (not times and listing != "joined"):
            return
        if listing == "joined":
            following = str(min(int(_id_text(thread)) for thread in page if _id_text(thread).isdigit()))
        else:
            last = min(times)
            if down_to and last < down_to:
                return
            following = (last + timedelta(microseconds=1) if new else last).isoformat()
        if following == before:
            return
        before = following


async def search_archived_threads(client: DiscordClient, channel_id: int, known: int) -> AsyncIterator[ThreadPage]:
    """Yield archived threads of every type, also of types that the channel's lists omit, the newest first.

    One page is enough when the search reports ``known`` threads. The search is in Discord's OpenAPI description, not in
    its documentation: https://github.com/discord/discord-api-docs/issues/7341
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


def archive_time(thread: object) -> datetime | None:
    """Return when a thread was archived (UTC); ``None`` where Discord does not report it."""
    metadata = cast("Mapping[str, Any]", thread).get("thread_metadata") if isinstance(thread, Mapping) else None
    text = cast("Mapping[str, Any]", metadata).get("archive_timestamp") if isinstance(metadata, Mapping) else None
    try:
        archived_at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return archived_at if archived_at and archived_at.tzinfo else None


def _threads_of(answer: Mapping[str, Any], channel_id: int) -> list[Channel]:
    threads = answer.get("threads")
    if not isinstance(threads, list):
        raise UnexpectedAnswer(f"Discord answers the request for threads of {channel_id} with something else")
    return cast("list[Channel]", threads)


def _id_text(thread: object) -> str:
    """Return the id of a thread as text; the text of the whole object if it has no id."""
    thread_id = cast("Mapping[str, object]", thread).get("id") if isinstance(thread, Mapping) else None
    return str(thread_id) if thread_id is not None else repr(thread)
