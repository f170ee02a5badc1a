"""Pages of messages that Discord cannot produce, read in pieces.

One message can make every page that contains it answer 500 for ever, while the message alone can be read
(https://github.com/discord/discord-api-docs/issues/8611). Everything before it is read with ever smaller pages; then
its id is looked up, it is read alone, and reading goes on behind it. Where every page of a channel fails, the message
search names the ids.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core.errors import CollectorError, NotFound, SourceTimeout, SourceUnavailable, UnexpectedAnswer
from core.operations.discord_ops import DiscordClient, DiscordRefused, RequestBlocked
from discord_activity_tracker.fetch.messages import PAGE, MessagePage, Span, page_after, read_message
from discord_activity_tracker.payloads import Message

PROBE_ATTEMPTS = 2
"""Attempts for a page that is expected to fail."""
FAILS = (SourceUnavailable, SourceTimeout)
NEWEST = (1 << 62) - 1
"""An id above every message of this century."""
SEARCH = "/guilds/{guild_id}/messages/search"
SEARCH_PAGE = 25


async def read_around(
    client: DiscordClient, span: Span, after: int, error: CollectorError
) -> AsyncIterator[MessagePage]:
    """Pages from ``after`` up to and including the message that no page can contain.

    Ends where whole pages can be tried again. Raises ``error``, which the whole page ended with, when nothing of the
    channel can be read; then the fault may be everywhere.
    """
    if not await _works(client, span.channel_id, NEWEST):
        async for page in _read_by_search(client, span, after, error):
            yield page
        return
    limit = PAGE // 2
    while limit:
        try:
            page = await page_after(client, span.channel_id, after, limit=limit, attempts=PROBE_ATTEMPTS)
        except RequestBlocked:
            raise
        except FAILS:
            limit //= 2
            continue
        yield replace(page, last=False)
        if page.last or (span.upto is not None and page.newest >= span.upto):
            return  # whoever broke the page is gone; a whole page tells how it goes on
        after = page.newest
    async for page in _read_alone(client, span, after):
        yield page


async def _works(client: DiscordClient, channel_id: int, after: int) -> bool:
    """Whether a page of one message can be read."""
    try:
        await page_after(client, channel_id, after, limit=1, attempts=PROBE_ATTEMPTS)
    except RequestBlocked:
        raise
    except FAILS:
        return False
    return True


async def _read_alone(client: DiscordClient, span: Span, after: int) -> AsyncIterator[MessagePage]:
    """The first message above ``after``, which no page can contain."""
    asked_at = datetime.now(UTC)
    # Where the message at ``after`` breaks its pages too, every page that ends behind it fails.
    blind = after > 0 and not await _is_below_all(client, span.channel_id, after, after + 1)
    pk = await (_find_id_from_below if blind else _find_id)(client, span, after)
    if pk is None:
        return  # it can be read by now
    items, unreadable = await _one_by_one(client, span.channel_id, [pk])
    yield MessagePage(
        items=items, after=after, asked_at=asked_at, last=False, reached=pk, complete=not (unreadable or blind),
        unreadable=unreadable,
    )  # fmt: skip


async def _find_id(client: DiscordClient, span: Span, after: int) -> int | None:
    """The id of the message that breaks the page above ``after``; ``None`` when no page is broken any more.

    The message search names it in one request. Where there is no search, or it leaves the message out, the id is
    found by halving the interval, in 60 requests at most.
    """
    if await _works(client, span.channel_id, after):
        return None
    low, high = after, NEWEST
    for pk in (await _search(client, span, after) or [])[:1]:
        if not await _is_below_all(client, span.channel_id, after, pk):
            high = pk
        elif not await _works(client, span.channel_id, pk - 1):
            return pk
        else:
            low = pk
    while high - low > 1:
        middle = (low + high) // 2
        if await _is_below_all(client, span.channel_id, after, middle):
            low = middle
        else:
            high = middle
    return low


async def _find_id_from_below(client: DiscordClient, span: Span, after: int) -> int | None:
    """The same where only pages above an id can be read; of several adjacent messages perhaps not the first one."""
    if await _works(client, span.channel_id, after):
        return None
    for pk in (await _search(client, span, after) or [])[:1]:
        if not await _works(client, span.channel_id, pk - 1):
            return pk
    low, high = after, NEWEST
    while high - low > 1:
        middle = (low + high) // 2
        if await _works(client, span.channel_id, middle):
            high = middle
        else:
            low = middle
    return high


async def _is_below_all(client: DiscordClient, channel_id: int, after: int, pk: int) -> bool:
    """Whether no message stands between ``after`` and ``pk``, seen from above.

    The newest message below ``pk`` is asked for: it cannot be read where it is the broken one, or another.
    """
    try:
        items = await client.get(
            "/channels/{channel_id}/messages", list[Any], {"limit": 1, "before": pk}, attempts=PROBE_ATTEMPTS,
            channel_id=channel_id,
        )  # fmt: skip
    except RequestBlocked:
        raise
    except FAILS:
        return False
    return all(int(item["id"]) <= after for item in items)


async def _read_by_search(
    client: DiscordClient, span: Span, after: int, error: CollectorError
) -> AsyncIterator[MessagePage]:
    """Messages one by one, by the ids that the message search names, until pages can be read again.

    The search may lack messages, so nothing that is absent counts as deleted.
    """
    while True:
        asked_at = datetime.now(UTC)
        ids = await _search(client, span, after)
        if ids is None:
            raise error
        if await _works(client, span.channel_id, after):
            return
        items, unreadable = await _one_by_one(client, span.channel_id, ids)
        end = len(ids) < SEARCH_PAGE
        yield MessagePage(
            items=items, after=after, asked_at=asked_at, last=end, reached=max(ids, default=after), complete=False,
            unreadable=unreadable,
        )  # fmt: skip
        after = max(ids, default=after)
        if end or (span.upto is not None and after >= span.upto):
            return


async def _one_by_one(client: DiscordClient, channel_id: int, ids: list[int]) -> tuple[list[Message], tuple[int, ...]]:
    """Messages by their ids, without deleted ones, and the ids of those that cannot be read alone either."""
    items: list[Message] = []
    unreadable: list[int] = []
    for pk in ids:
        try:
            message = await read_message(client, channel_id, pk)
        except RequestBlocked:
            raise
        except (*FAILS, NotFound):
            unreadable.append(pk)
            continue
        if message is not None:
            items.append(message)
    return items, tuple(unreadable)


async def _search(client: DiscordClient, span: Span, after: int) -> list[int] | None:
    """Ids above ``after`` that the message search names, the oldest first; ``None`` where it cannot be used.

    https://discord.com/developers/docs/resources/message#search-guild-messages
    """
    params = {
        "channel_id": span.channel_id, "min_id": after, "sort_by": "timestamp", "sort_order": "asc",
        "limit": SEARCH_PAGE, "include_nsfw": "true",
    }  # fmt: skip
    try:
        answer = await client.get(SEARCH, dict[str, Any], params, attempts=PROBE_ATTEMPTS, guild_id=span.guild_id)
        groups = answer["messages"]
        return sorted({pk for group in groups for item in group if (pk := int(item["id"])) > after})
    except RequestBlocked:
        raise
    except (*FAILS, DiscordRefused, NotFound, UnexpectedAnswer, KeyError, TypeError, ValueError):
        return None
