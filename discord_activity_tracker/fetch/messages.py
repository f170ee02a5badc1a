"""Messages, pins, and who reacted."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from core.errors import SourceTimeout, SourceUnavailable, UnexpectedAnswer
from core.operations.discord_ops import DiscordClient, DiscordRefused, NotThere, RequestBlocked
from discord_activity_tracker.payloads import Message, Pin, User

PAGE = 100
MESSAGES = "/channels/{channel_id}/messages"
PAGE_ATTEMPTS = 5
"""Attempts for a page of messages, about 8 s: whether it is the page or Discord that fails is then found out."""
EMPTY_ATTEMPTS = 3
"""Requests for an empty page while Discord says, in one way or another, that more follows."""


@dataclass(kw_only=True, slots=True)
class Allowance:
    """So many pages may still be read, by all who share it; ``None``: as many as there are."""

    left: int | None = None

    def take(self) -> bool:
        """Whether one more page may be read."""
        if self.left is None:
            return True
        self.left -= 1
        return self.left >= 0


@dataclass(frozen=True, kw_only=True, slots=True)
class MessagePage:
    """Messages with ids above ``after``, in no order. ``asked_at`` (UTC) is before the request; ``last``: no more.

    ``reached``: everything up to this id has been read, also where the page ends before it; ``unreadable`` are ids of
    messages that Discord does not give out. Nothing that is absent from a page with ``complete=False`` was deleted.
    """

    items: list[Message]
    after: int
    asked_at: datetime
    last: bool
    reached: int = 0
    complete: bool = True
    unreadable: tuple[int, ...] = ()

    @property
    def newest(self) -> int:
        """The highest id that has been read; ``after`` of an empty page."""
        return max([self.reached, *(int(item["id"]) for item in self.items)], default=0) or self.after


@dataclass(frozen=True, kw_only=True, slots=True)
class PinList:
    """Every pin of a channel."""

    items: list[Pin]


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """What is to be read of a channel: messages above ``after``, to the end or to the one that reaches ``upto``.

    ``newest_known`` is a message id that Discord itself names and that is not read yet, 0 for none: a page that ends
    before it is not believed to be the last one.
    """

    guild_id: int
    channel_id: int
    after: int
    upto: int | None = None
    newest_known: int = 0


async def messages(client: DiscordClient, span: Span, allowance: Allowance | None = None) -> AsyncIterator[MessagePage]:
    """Pages from the oldest message above ``span.after`` to the newest, or to the one that reaches ``span.upto``.

    A page with fewer messages than asked for is the last one only if it reaches the newest message that is known;
    otherwise the next page decides. A page that Discord cannot produce is read in pieces.
    """
    from discord_activity_tracker.fetch.broken_pages import read_around

    after, known, empty = span.after, max(span.newest_known, span.upto or 0), 0
    while allowance is None or allowance.take():
        try:
            page = await page_after(client, span.channel_id, after)
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
            elif await is_there(client, span.channel_id, known):
                empty += 1
                if empty == EMPTY_ATTEMPTS:
                    raise UnexpectedAnswer(
                        f"Discord leaves out message {known} of {span.channel_id} although it is there; run again later"
                    )
                continue
        yield page
        after = page.newest
        if page.last or (span.upto is not None and after >= span.upto):
            return


async def page_after(
    client: DiscordClient, channel_id: int, after: int, *, limit: int = PAGE, attempts: int = PAGE_ATTEMPTS
) -> MessagePage:
    """One page; UnexpectedAnswer for messages that were not asked for, which would make a reader turn in circles."""
    asked_at = datetime.now(UTC)
    params = {"limit": limit, "after": after}
    items = await client.get(MESSAGES, list[Any], params, attempts=attempts, channel_id=channel_id)
    try:
        before = any(int(item["id"]) <= after for item in items)
    except (KeyError, TypeError, ValueError) as error:
        raise UnexpectedAnswer(f"Discord answers messages of {channel_id} with something else") from error
    if before:
        raise UnexpectedAnswer(f"Discord answers messages of {channel_id} from before those that were asked for")
    return MessagePage(items=items, after=after, asked_at=asked_at, last=len(items) < limit)


async def read_message(client: DiscordClient, channel_id: int, message_id: int) -> Message | None:
    """One message; ``None`` when it was deleted. Raises DiscordRefused where the bot may not read back."""
    path = f"{MESSAGES}/{{message_id}}"
    try:
        found = await client.get(
            path, dict[str, Any], attempts=PAGE_ATTEMPTS, channel_id=channel_id, message_id=message_id
        )
    except NotThere as error:
        if error.code == NotThere.UNKNOWN_MESSAGE:
            return None
        raise
    return cast("Message", found)


async def is_there(client: DiscordClient, channel_id: int, message_id: int) -> bool:
    """Whether one message exists. Raises DiscordRefused where the bot may not read back, which lists do not tell."""
    return await read_message(client, channel_id, message_id) is not None


async def pins(client: DiscordClient, channel_id: int) -> AsyncIterator[PinList]:
    """All pins at once, with the time of pinning. ``before`` is exclusive, so each page begins a microsecond later.

    https://discord.com/developers/docs/resources/message#get-channel-pins
    """
    found: dict[str, Pin] = {}
    before, empty = "", 0
    while True:
        params = {"limit": 50} | ({"before": before} if before else {})
        answer = await client.get(f"{MESSAGES}/pins", dict[str, Any], params, channel_id=channel_id)
        page = [pin for pin in answer.get("items") or [] if _is_pin(pin)]
        new = {pin["message"]["id"]: pin for pin in page if pin["message"]["id"] not in found}
        found |= new
        if answer.get("has_more") and not page and empty < EMPTY_ATTEMPTS:
            empty += 1
            continue
        if not answer.get("has_more") or not new:
            break
        before = (datetime.fromisoformat(page[-1]["pinned_at"]) + timedelta(microseconds=1)).isoformat()
    yield PinList(items=list(found.values()))


def _is_pin(pin: object) -> bool:
    """Whether a pin has what is used of it; one that does not must not end the list."""
    try:
        shape = cast("Mapping[str, Any]", pin)
        int(shape["message"]["id"])
        return datetime.fromisoformat(shape["pinned_at"]).tzinfo is not None
    except (KeyError, TypeError, ValueError):
        return False


async def reactors(
    client: DiscordClient, channel_id: int, message_id: int, emoji: str, *, burst: bool, count: int = 0
) -> list[User]:
    """Who reacted, ``count`` people at least where Discord shows them; nobody for an emoji that it no longer knows.

    https://discord.com/developers/docs/resources/message#get-reactions
    """
    found: list[User] = []
    while True:
        params = {"limit": 100, "type": int(burst)} | ({"after": found[-1]["id"]} if found else {})
        try:
            page = await client.get(
                "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}", list[Any], params,
                channel_id=channel_id, message_id=message_id, emoji=emoji,
            )  # fmt: skip
        except DiscordRefused as error:
            if error.status == 400:
                return found
            raise
        found += page
        if not page or (len(page) < 100 and len(found) >= count):
            return found
