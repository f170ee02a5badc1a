"""Messages, pins, and who reacted."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from core.errors import UnexpectedAnswer
from core.operations.discord_ops import DiscordClient, DiscordRefused, NotThere
from discord_activity_tracker.payloads import Message, Pin, User

PAGE = 100
MESSAGES = "/channels/{channel_id}/messages"


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
    """Messages with ids above ``after``, in no order. ``asked_at`` (UTC) is before the request; ``last``: no more."""

    items: list[Message]
    after: int
    asked_at: datetime
    last: bool

    @property
    def newest(self) -> int:
        """The highest id; ``after`` of an empty page."""
        return max((int(item["id"]) for item in self.items), default=self.after)


@dataclass(frozen=True, kw_only=True, slots=True)
class PinList:
    """Every pin of a channel."""

    items: list[Pin]


async def messages(
    client: DiscordClient, channel_id: int, after: int, upto: int | None = None, allowance: Allowance | None = None
) -> AsyncIterator[MessagePage]:
    """Pages from the oldest message above ``after`` to the newest, or to the one that reaches ``upto``."""
    while allowance is None or allowance.take():
        page = await page_after(client, channel_id, after)
        yield page
        after = page.newest
        if page.last or (upto is not None and after >= upto):
            return


async def page_after(client: DiscordClient, channel_id: int, after: int) -> MessagePage:
    """One page; UnexpectedAnswer for messages that were not asked for, which would make a reader turn in circles."""
    asked_at = datetime.now(UTC)
    items = await client.get(MESSAGES, list[Any], {"limit": PAGE, "after": after}, channel_id=channel_id)
    try:
        before = any(int(item["id"]) <= after for item in items)
    except (KeyError, TypeError, ValueError) as error:
        raise UnexpectedAnswer(f"Discord answers messages of {channel_id} with something else") from error
    if before:
        raise UnexpectedAnswer(f"Discord answers messages of {channel_id} from before those that were asked for")
    return MessagePage(items=items, after=after, asked_at=asked_at, last=len(items) < PAGE)


async def is_there(client: DiscordClient, channel_id: int, message_id: int) -> bool:
    """Whether one message exists. Raises DiscordRefused where the bot may not read back, which lists do not tell."""
    try:
        await client.get(f"{MESSAGES}/{{message_id}}", dict[str, Any], channel_id=channel_id, message_id=message_id)
    except NotThere as error:
        if error.code == NotThere.UNKNOWN_MESSAGE:
            return False
        raise
    return True


async def pins(client: DiscordClient, channel_id: int) -> AsyncIterator[PinList]:
    """All pins at once, with the time of pinning. ``before`` is exclusive, so each page begins a microsecond later.

    https://discord.com/developers/docs/resources/message#get-channel-pins
    """
    found: dict[str, Pin] = {}
    before = ""
    while True:
        params = {"limit": 50} | ({"before": before} if before else {})
        answer = await client.get(f"{MESSAGES}/pins", dict[str, Any], params, channel_id=channel_id)
        page: list[Pin] = list(answer.get("items") or [])
        new = {pin["message"]["id"]: pin for pin in page if pin["message"]["id"] not in found}
        found |= new
        if not answer.get("has_more") or not new:
            break
        before = (datetime.fromisoformat(page[-1]["pinned_at"]) + timedelta(microseconds=1)).isoformat()
    yield PinList(items=list(found.values()))


async def reactors(client: DiscordClient, channel_id: int, message_id: int, emoji: str, *, burst: bool) -> list[User]:
    """Who reacted; nobody for an emoji that Discord does not know any more.

    https://discord.com/developers/docs/resources/message#get-reactions
    """
    found: list[User] = []
    while True:
        params = {"limit": 100, "type": int(burst)} | ({"after": found[-1]["id"]} if found else {})
        try:
            page = await client.get(
                "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}", list[Any], params,
                channel_id=channel_id, message_id=message_id, emoji=quote(emoji),
            )  # fmt: skip
        except DiscordRefused as error:
            if error.status == 400:
                return found
            raise
        found += page
        if len(page) < 100:
            return found
