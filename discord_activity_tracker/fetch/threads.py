"""Request the archived threads of a channel from its lists and from the thread search."""

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
"""Number of threads per page of a list. This is Discord's maximum."""
SEARCH_LIMIT = 25
"""Number of threads per page of the thread search. This is Discord's maximum."""
SEARCH_ATTEMPTS = 3
"""Maximum number of attempts for the thread search. It is small, because a run can do without the search."""
EMPTY_ATTEMPTS = 3
"""Maximum number of requests for an empty page while Discord indicates that more threads follow. Then the list ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ThreadPage:
    """A page of archived threads of one channel.

    ``lost`` is true if more threads share one archive time than a page can contain, or if no thread on a full page has
    an archive time. ``doubtful`` is true if Discord indicates that threads follow, but the whole list is empty.
    ``total`` is the number of archived threads that the thread search reports. It is ``None`` for other lists.
    """

    threads: list[Channel]
    lost: bool = False
    doubtful: bool = False
    total: int | None = None


async def list_archived_threads(
    client: DiscordClient, channel_id: int, listing: Listing, down_to: datetime | None
) -> AsyncIterator[ThreadPage]:
    """Yield pages of a channel's archived threads, the latest first, until a page reaches the time ``down_to``.

    The parameter ``before`` is exclusive, so threads with the same archive time at the edge of a page would be lost.
    Each page therefore begins one microsecond after the last archive time of the previous page, and repeated threads
    are left out. A thread without an archive time does not affect where the next page begins. The joined list is
    ordered by id, so it does not have this problem and ignores ``down_to``. Discord may report that more threads follow
    although the page is the last one.
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
    """Yield pages of archived threads of every type, including types that the channel's lists omit, the newest first.

    ``known`` is the number of stored archived threads. If the search reports the same total, only one page is read. The
    search is not in Discord's documentation, but in its OpenAPI description:
    https://github.com/discord/discord-api-docs/issues/7341
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
    """Return the time at which a thread was archived, with its time zone, or ``None`` if it is missing or invalid."""
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
        raise UnexpectedAnswer(f"Discord sent something other than threads of channel {channel_id}. Run again later.")
    return cast("list[Channel]", threads)


def _id_text(thread: object) -> str:
    """Return the id of a thread as text, or the text of the whole object if it has no id."""
    thread_id = cast("Mapping[str, object]", thread).get("id") if isinstance(thread, Mapping) else None
    return str(thread_id) if thread_id is not None else repr(thread)
