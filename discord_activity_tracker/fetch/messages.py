"""Request messages, pins, and the accounts that reacted."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from core.errors import SourceTimeout, SourceUnavailable, UnexpectedAnswer
from core.operations.discord_ops import DiscordClient, DiscordRefused, NotThere, RequestBlocked
from discord_activity_tracker.payloads import Message, Pin, User

PAGE = 100
"""Number of messages per page. This is Discord's maximum."""
MESSAGES = "/channels/{channel_id}/messages"
PAGE_ATTEMPTS = 5
"""Maximum number of attempts for a page of messages. With the pauses between them, they take about 8 seconds.

After the last attempt, the page is read in parts to find out whether only this page fails.
"""
EMPTY_ATTEMPTS = 3
"""Maximum number of empty pages while Discord indicates that more items follow. For pins, one more page is read.

With a larger value, a run would spend more requests on a page that stays empty.
"""


@dataclass(kw_only=True, slots=True)
class Allowance:
    """The number of pages that several readers together may still request. ``None`` means unlimited."""

    left: int | None = None

    def take(self) -> bool:
        """Take one page from the allowance. Return whether the page may be requested."""
        if self.left is None:
            return True
        self.left -= 1
        return self.left >= 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RawMessagePage:
    """Messages with ids above ``after``, in no particular order.

    ``requested_at`` is the UTC time before the request. ``last`` is true if no messages follow. Everything up to the id
    ``reached`` has been read, even if the page itself ends earlier. ``unreadable`` contains the ids of messages that
    Discord does not return. If ``complete`` is false, a message that is absent from the page may still exist.
    """

    items: list[Message]
    after: int
    requested_at: datetime
    last: bool
    reached: int = 0
    complete: bool = True
    unreadable: tuple[int, ...] = ()
    newest: int = field(init=False)
    """The highest id that has been read. For an empty page, it is ``after``."""

    def __post_init__(self) -> None:
        newest = max([self.reached, *(int(item["id"]) for item in self.items)]) or self.after
        object.__setattr__(self, "newest", newest)


@dataclass(frozen=True, kw_only=True, slots=True)
class PinList:
    """All pins of a channel."""

    items: list[Pin]


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """The messages to read in a channel: those above ``after``, to the end or until the id ``upto`` is reached.

    ``newest_known`` is the id of a message that Discord reports and that has not been read yet, or 0. A page that ends
    before this message is not treated as the last page.
    """

    guild_id: int
    channel_id: int
    after: int
    upto: int | None = None
    newest_known: int = 0


async def read_messages(
    client: DiscordClient, span: Span, allowance: Allowance | None = None
) -> AsyncIterator[RawMessagePage]:
    """Yield pages from the oldest message above ``span.after`` to the newest, or until ``span.upto`` is reached.

    A short page is the last one only if it reaches the newest known message. Otherwise, the next page is requested too.
    A page that Discord cannot return is read in parts. The iteration also ends when ``allowance`` is used up.
    """
    from discord_activity_tracker.fetch.broken_pages import read_around

    after, known, empty = span.after, max(span.newest_known, span.upto or 0), 0
    while allowance is None or allowance.take():
        try:
            page = await read_page(client, span.channel_id, after)
        except RequestBlocked:
            raise
        except (SourceUnavailable, SourceTimeout) as error:
            async for page in read_around(client, span, after, error):
                yield page
                after = page.newest
                if page.last or (span.upto is not None and after >= span.upto):
                    return
            continue
        if page.last and page.newest < known:
            if page.items:
                empty, page = 0, replace(page, last=False)
            elif await message_exists(client, span.channel_id, known):
                empty += 1
                if empty == EMPTY_ATTEMPTS:
                    raise UnexpectedAnswer(
                        f"Discord omits the existing message {known} of channel {span.channel_id}; run again later"
                    )
                continue
        yield page
        after = page.newest
        if page.last or (span.upto is not None and after >= span.upto):
            return


async def read_page(
    client: DiscordClient, channel_id: int, after: int, *, limit: int = PAGE, attempts: int = PAGE_ATTEMPTS
) -> RawMessagePage:
    """Request one page of messages above the id ``after``.

    Raises UnexpectedAnswer if the answer is not a list of messages. Also raises it for an id that is not above
    ``after``: if a server ignored ``after``, reading would never end.
    """
    requested_at = datetime.now(UTC)
    params = {"limit": limit, "after": after}
    items = await client.get(MESSAGES, list[Any], params, attempts=attempts, channel_id=channel_id)
    try:
        before = min([int(item["id"]) for item in items], default=after + 1) <= after
    except (KeyError, TypeError, ValueError) as error:
        raise UnexpectedAnswer(
            f"Discord sent something other than messages of channel {channel_id}. Run again later."
        ) from error
    if before:
        raise UnexpectedAnswer(
            f"Discord sent messages of channel {channel_id} that are older than requested. Run again later."
        )
    return RawMessagePage(items=items, after=after, requested_at=requested_at, last=len(items) < limit)


async def read_message(client: DiscordClient, channel_id: int, message_id: int) -> Message | None:
    """Return one message, or ``None`` if it was deleted.

    Raises DiscordRefused if the bot may not read the history.
    """
    path = f"{MESSAGES}/{{message_id}}"
    try:
        message = await client.get(
            path, dict[str, Any], attempts=PAGE_ATTEMPTS, channel_id=channel_id, message_id=message_id
        )
    except NotThere as error:
        if error.code == NotThere.UNKNOWN_MESSAGE:
            return None
        raise
    return cast("Message", message)


async def message_exists(client: DiscordClient, channel_id: int, message_id: int) -> bool:
    """Return whether a message exists.

    Raises DiscordRefused if the bot may not read the history. Without this permission, a request for a list of messages
    returns an empty list instead of an error.
    """
    return await read_message(client, channel_id, message_id) is not None


async def read_pins(client: DiscordClient, channel_id: int) -> AsyncIterator[PinList]:
    """Yield one list of all pins, each with the time of pinning.

    The parameter ``before`` is exclusive, but several pins can have the same time. Each page therefore begins one
    microsecond after the last pin of the previous page.
    https://discord.com/developers/docs/resources/message#get-channel-pins
    """
    pins: dict[str, Pin] = {}
    before, empty = "", 0
    while True:
        params = {"limit": 50} | ({"before": before} if before else {})
        answer = await client.get(f"{MESSAGES}/pins", dict[str, Any], params, channel_id=channel_id)
        page = [pin for pin in answer.get("items") or [] if _is_pin(pin)]
        new = {pin["message"]["id"]: pin for pin in page if pin["message"]["id"] not in pins}
        pins |= new
        if answer.get("has_more") and not page and empty < EMPTY_ATTEMPTS:
            empty += 1
            continue
        if not answer.get("has_more") or not new:
            break
        before = (datetime.fromisoformat(page[-1]["pinned_at"]) + timedelta(microseconds=1)).isoformat()
    yield PinList(items=list(pins.values()))


def _is_pin(pin: object) -> bool:
    """Return whether a pin has an id and a time with a time zone.

    ``read_pins`` ignores other pins, so that one malformed pin does not end the list.
    """
    try:
        payload = cast("Mapping[str, Any]", pin)
        int(payload["message"]["id"])
        return datetime.fromisoformat(payload["pinned_at"]).tzinfo is not None
    except (KeyError, TypeError, ValueError):
        return False


async def read_reactors(
    client: DiscordClient, channel_id: int, message_id: int, emoji: str, *, burst: bool, count: int = 0
) -> list[User]:
    """Return the accounts that reacted to a message with this emoji, or an empty list for a deleted emoji.

    Discord may return fewer than 100 accounts before the end of the list. Such a page ends the list only if at least
    ``count`` accounts, the number in the message, have been read. An empty page always ends the list.
    https://discord.com/developers/docs/resources/message#get-reactions
    """
    users: list[User] = []
    while True:
        params = {"limit": 100, "type": int(burst)} | ({"after": users[-1]["id"]} if users else {})
        try:
            page = await client.get(
                "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}", list[Any], params,
                channel_id=channel_id, message_id=message_id, emoji=emoji,
            )  # fmt: skip
        except DiscordRefused as error:
            if error.status == 400:
                return users
            raise
        users += page
        if not page or (len(page) < 100 and len(users) >= count):
            return users
