"""Read pins with their times, and the accounts that reacted to messages."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import islice

from core.errors import CollectorError, UnexpectedAnswer
from core.ingest.records import CONVERSION_ERRORS
from core.ingest.values import Row
from core.operations.discord_ops import Gathering, NotThere
from discord_activity_tracker.collector.run import Container, Failure, GuildRun, Step
from discord_activity_tracker.convert.messages import account_row
from discord_activity_tracker.fetch.messages import PinList, read_message, read_pins, read_reactors
from discord_activity_tracker.fetch.session import WIDTH
from discord_activity_tracker.payloads import User
from discord_activity_tracker.protocol_impl import DiscordState
from discord_activity_tracker.store.guilds import last_pin_times
from discord_activity_tracker.store.reactions_and_pins import (
    announced_pins,
    any_pin,
    changed_reactions,
    store_pins,
    store_reactors,
    undated_pins,
)

EmojiCounts = dict[str, dict[str, int]]


def collect_pins(
    run: GuildRun, containers: Iterable[Container], open_skips: Collection[tuple[str, str]]
) -> Iterator[Step]:
    """Read the pins of channels and threads with a new pin, a pin without a time, or an earlier failed request.

    Most channels have only one pin. Its time is usually known from the stored messages, without a request.
    """
    undated, latest = undated_pins(run.guild_id), last_pin_times(run.guild_id)
    known = announced_pins(run.guild_id)
    gathering = Gathering[Container, PinList](run.session.background, WIDTH)
    for container in containers:
        channel_id = container.location.channel_id
        failed = (container.scope, "pins") in open_skips
        if failed or channel_id in undated or latest.get(channel_id, "") > container.state("pins").checkpoint_token:
            if channel_id in known and not failed:
                yield _store_pins(container, dict([known[channel_id]]), latest[channel_id])
            else:
                gathering.add(container, read_pins(run.client, channel_id))
    for container, pins in gathering:
        if pins is None:
            continue
        try:
            if isinstance(pins, Exception):
                raise pins
            times = {int(pin["message"]["id"]): datetime.fromisoformat(pin["pinned_at"]) for pin in pins.items}
            if not times:
                _check_no_pins(run, container)
            yield _store_pins(container, times, latest.get(container.location.channel_id, ""))
        except CollectorError as error:
            failure = Failure(scope=container.scope, stream="pins", error=error, container=container)
            yield Step(failure=failure)


def _check_no_pins(run: GuildRun, container: Container) -> None:
    """Check an empty list of pins. Raise UnexpectedAnswer if a message of the channel is still pinned.

    Without READ_MESSAGE_HISTORY, the list is always empty. In this case, the request for the message raises an error.
    """
    channel_id = container.location.channel_id
    if pinned := any_pin(channel_id):
        message = run.request(read_message(run.client, channel_id, pinned))
        if message and message.get("pinned"):
            raise UnexpectedAnswer(
                f"Discord's list of pins of channel {channel_id} lacks the pinned message {pinned}; run again later"
            )


def _store_pins(container: Container, times: Mapping[int, datetime], latest: str) -> Step:
    """Store the pins of a channel with their times. ``latest`` is the time of the newest pin as reported by Discord."""
    token = max([latest, *(moment.isoformat() for moment in times.values())])
    changed = store_pins(times, location=container.location, state=DiscordState(checkpoint_token=token))
    return Step(counts={"pins_changed": changed}, complete=[(container.scope, "pins")])


def collect_reactors(run: GuildRun, containers: Iterable[Container], is_stopped: Callable[[], bool]) -> Iterator[Step]:
    """Read and store the accounts that reacted. Only messages with changed reaction counts cost requests."""
    by_channel = {container.location.channel_id: container for container in containers}
    gathering = Gathering[tuple[int, int], list[tuple[str, bool, User]]](run.session.background, WIDTH)
    counts: dict[int, EmojiCounts] = {}
    waiting = changed_reactions(list(by_channel))

    def add_messages(number: int) -> None:
        for channel_id, message_id, message_counts in islice(waiting, number):
            counts[message_id] = message_counts
            people = _reactors(run, channel_id, message_id, message_counts)
            gathering.add((channel_id, message_id), people)

    add_messages(4 * WIDTH)
    for (channel_id, message_id), people in gathering:
        try:
            if isinstance(people, Exception):
                raise people
            if people is not None:
                rows = list(_account_rows(people))
                store_reactors(message_id, counts.pop(message_id), rows)
                yield Step(counts={"reactors": len(rows)}, complete=[(run.scope(channel_id), "reactors")])
                continue
        except NotThere:
            pass  # the message was deleted in the meantime
        except CollectorError as error:
            container = by_channel[channel_id]
            yield Step(failure=Failure(scope=container.scope, stream="reactors", error=error, container=container))
        if not is_stopped():
            add_messages(1)


def _account_rows(people: Iterable[tuple[str, bool, User]]) -> Iterator[tuple[str, bool, Row]]:
    """Yield the emoji, the burst flag and the account row of each reaction. Malformed accounts are omitted."""
    for emoji, burst, user in people:
        with suppress(*CONVERSION_ERRORS):
            yield emoji, burst, account_row(user)


async def _reactors(
    run: GuildRun, channel_id: int, message_id: int, counts: EmojiCounts
) -> AsyncIterator[list[tuple[str, bool, User]]]:
    """Yield one list of all accounts that reacted to a message, each with the emoji and the burst flag."""
    people: list[tuple[str, bool, User]] = []
    for emoji, numbers in counts.items():
        for burst, kind in ((False, "normal"), (True, "burst")):
            if numbers.get(kind):
                users = await read_reactors(run.client, channel_id, message_id, emoji, burst=burst, count=numbers[kind])
                people += [(emoji, burst, user) for user in users]
    yield people
