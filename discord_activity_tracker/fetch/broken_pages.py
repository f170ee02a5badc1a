"""Read the messages of pages that Discord cannot return.

A single message can permanently cause error 500 for every page that contains it, although it can be read alone
(https://github.com/discord/discord-api-docs/issues/8611). The collector reads the messages before it in smaller and
smaller pages. Then it finds the id of the message, requests the message alone, and continues after it. If every page of
a channel fails, the message search supplies the ids.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core.errors import CollectorError, NotFound, SourceTimeout, SourceUnavailable, UnexpectedAnswer
from core.operations.discord_ops import DiscordClient, DiscordRefused, RequestBlocked
from discord_activity_tracker.fetch.messages import PAGE, RawMessagePage, Span, read_message, read_page
from discord_activity_tracker.payloads import Message

PROBE_ATTEMPTS = 2
"""Maximum number of attempts for a page that is expected to fail.

A second attempt distinguishes a permanent error from a temporary error. A larger value would slow down the search for
the message that breaks pages.
"""
PAGE_ERRORS = (SourceUnavailable, SourceTimeout)
NEWEST = (1 << 62) - 1
"""The highest id for which pages are requested. Discord creates no higher ids before November 2049."""
SEARCH = "/guilds/{guild_id}/messages/search"
SEARCH_PAGE = 25
"""Number of messages per page of the search. This is Discord's maximum."""


async def read_around(
    client: DiscordClient, span: Span, after: int, error: CollectorError
) -> AsyncIterator[RawMessagePage]:
    """Yield pages of messages above the id ``after``, up to and including the message that breaks whole pages.

    Afterwards, whole pages can be requested again. Raises ``error``, the error of the whole page, if every page of
    the channel fails and the search cannot be used. In that case, Discord as a whole may be down.
    """
    if not await _page_works(client, span.channel_id, NEWEST):
        async for page in _read_by_search(client, span, after, error):
            yield page
        return
    limit = PAGE // 2
    while limit:
        try:
            page = await read_page(client, span.channel_id, after, limit=limit, attempts=PROBE_ATTEMPTS)
        except RequestBlocked:
            raise
        except PAGE_ERRORS:
            limit //= 2
            continue
        yield replace(page, last=False)
        if page.last or (span.upto is not None and page.newest >= span.upto):
            return  # the message that broke the page is gone, so whole pages can be requested again
        after = page.newest
    async for page in _read_alone(client, span, after):
        yield page


async def _page_works(client: DiscordClient, channel_id: int, after: int) -> bool:
    """Return whether Discord returns a page with only the first message (if any) above the id ``after``."""
    try:
        await read_page(client, channel_id, after, limit=1, attempts=PROBE_ATTEMPTS)
    except RequestBlocked:
        raise
    except PAGE_ERRORS:
        return False
    return True


async def _read_alone(client: DiscordClient, span: Span, after: int) -> AsyncIterator[RawMessagePage]:
    """Find a message that breaks the pages after the id ``after``, request it alone, and yield it as a page.

    Yields nothing if the page after ``after`` can be read again.
    """
    requested_at = datetime.now(UTC)
    # If the message with the id ``after`` also breaks pages, it breaks every page that ends with it.
    hidden_from_below = after > 0 and not await _is_empty_between(client, span.channel_id, after, after + 1)
    message_id = await (_find_id_from_below if hidden_from_below else _find_id)(client, span, after)
    if message_id is None:
        return  # the page can be read again
    items, unreadable = await _one_by_one(client, span.channel_id, [message_id])
    yield RawMessagePage(
        items=items, after=after, requested_at=requested_at, last=False, reached=message_id,
        complete=not (unreadable or hidden_from_below), unreadable=unreadable,
    )  # fmt: skip


async def _find_id(client: DiscordClient, span: Span, after: int) -> int | None:
    """Return the id of the message that breaks the page after ``after``, or ``None`` if the page works again.

    The message search finds the id in one request. If there is no search, or if the search omits the message, a
    bisection finds the id in at most 62 requests, one for each bit.
    """
    if await _page_works(client, span.channel_id, after):
        return None
    low, high = after, NEWEST
    for message_id in (await _search(client, span, after) or [])[:1]:
        if not await _is_empty_between(client, span.channel_id, after, message_id):
            high = message_id
        elif not await _page_works(client, span.channel_id, message_id - 1):
            return message_id
        else:
            low = message_id
    while high - low > 1:
        middle = (low + high) // 2
        if await _is_empty_between(client, span.channel_id, after, middle):
            low = middle
        else:
            high = middle
    return low


async def _find_id_from_below(client: DiscordClient, span: Span, after: int) -> int | None:
    """Find the same message as ``_find_id``, but request only pages above an id, because pages below an id fail.

    If several adjacent messages break pages, the result may be one of the later messages.
    """
    if await _page_works(client, span.channel_id, after):
        return None
    for message_id in (await _search(client, span, after) or [])[:1]:
        if not await _page_works(client, span.channel_id, message_id - 1):
            return message_id
    low, high = after, NEWEST
    while high - low > 1:
        middle = (low + high) // 2
        if await _page_works(client, span.channel_id, middle):
            high = middle
        else:
            low = middle
    return high


async def _is_empty_between(client: DiscordClient, channel_id: int, after: int, message_id: int) -> bool:
    """Return whether there is no message between the ids ``after`` and ``message_id``.

    The newest message below ``message_id`` is requested. If this request fails, that message is the one that breaks
    pages.
    """
    try:
        items = await client.get(
            "/channels/{channel_id}/messages", list[Any], {"limit": 1, "before": message_id}, attempts=PROBE_ATTEMPTS,
            channel_id=channel_id,
        )  # fmt: skip
    except RequestBlocked:
        raise
    except PAGE_ERRORS:
        return False
    return all(int(item["id"]) <= after for item in items)


async def _read_by_search(
    client: DiscordClient, span: Span, after: int, error: CollectorError
) -> AsyncIterator[RawMessagePage]:
    """Yield pages of messages that are requested one by one, until whole pages can be read again.

    The ids come from the message search. The search may omit messages, so an absent message does not count as deleted.
    Raises ``error`` if the search cannot be used.
    """
    while True:
        requested_at = datetime.now(UTC)
        ids = await _search(client, span, after)
        if ids is None:
            raise error
        if await _page_works(client, span.channel_id, after):
            return
        items, unreadable = await _one_by_one(client, span.channel_id, ids)
        end = len(ids) < SEARCH_PAGE
        yield RawMessagePage(
            items=items, after=after, requested_at=requested_at, last=end, reached=max(ids, default=after),
            complete=False, unreadable=unreadable,
        )  # fmt: skip
        after = max(ids, default=after)
        if end or (span.upto is not None and after >= span.upto):
            return


async def _one_by_one(client: DiscordClient, channel_id: int, ids: list[int]) -> tuple[list[Message], tuple[int, ...]]:
    """Request messages one by one. Return the existing messages, and the ids of messages that cannot be read."""
    items: list[Message] = []
    unreadable: list[int] = []
    for message_id in ids:
        try:
            message = await read_message(client, channel_id, message_id)
        except RequestBlocked:
            raise
        except (*PAGE_ERRORS, NotFound):
            unreadable.append(message_id)
            continue
        if message is not None:
            items.append(message)
    return items, tuple(unreadable)


async def _search(client: DiscordClient, span: Span, after: int) -> list[int] | None:
    """Return the ids above ``after`` from the message search, the oldest first, or ``None`` if it cannot be used.

    https://discord.com/developers/docs/resources/message#search-guild-messages
    """
    params = {
        "channel_id": span.channel_id, "min_id": after, "sort_by": "timestamp", "sort_order": "asc",
        "limit": SEARCH_PAGE, "include_nsfw": "true",
    }  # fmt: skip
    try:
        answer = await client.get(SEARCH, dict[str, Any], params, attempts=PROBE_ATTEMPTS, guild_id=span.guild_id)
        groups = answer["messages"]
        return sorted({message_id for group in groups for item in group if (message_id := int(item["id"])) > after})
    except RequestBlocked:
        raise
    except (*PAGE_ERRORS, DiscordRefused, NotFound, UnexpectedAnswer, KeyError, TypeError, ValueError):
        return None
