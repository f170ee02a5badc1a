"""Pins with their times, and who reacted: lists of their own."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import islice

from django.utils import timezone

from core.errors import CollectorError, UnexpectedAnswer
from core.ingest.records import CONVERSION_ERRORS
from core.ingest.values import Row
from discord_activity_tracker import convert, fetch, store
from discord_activity_tracker.collector import access_errors
from discord_activity_tracker.collector.containers import Container
from discord_activity_tracker.collector.run import Run
from discord_activity_tracker.fetch.session import WIDTH
from discord_activity_tracker.payloads import User
from discord_activity_tracker.protocol_impl import DiscordState


def read_pins(run: Run, found: list[Container]) -> None:
    """Ask for the pins of containers whose last pin is another than when they were last asked, or lacks its time.

    Most have one pin, about which the messages say enough.
    """
    undated, latest = store.undated_pins(run.guild_id), store.last_pins(run.guild_id)
    told = store.told_pins(run.guild_id)
    gathering = fetch.Gathering[Container, fetch.PinList](run.session.background, WIDTH)
    for container in found:
        pk = container.place.channel_id
        failed = (f"{container.place.guild_id}/{pk}", "pins") in run.open_skips
        if failed or pk in undated or latest.get(pk, "") > container.state("pins").checkpoint_token:
            if pk in told and not failed:
                _keep_times(run, container, dict([told[pk]]), latest[pk])
            else:
                gathering.add(container, fetch.pins(run.client, pk))
    for container, pins in gathering:
        if pins is None:
            continue
        try:
            if isinstance(pins, Exception):
                raise pins
            _store_pins(run, container, pins, latest.get(container.place.channel_id, ""))
        except CollectorError as error:
            access_errors.take(run, container, "pins", error)


def _store_pins(run: Run, container: Container, pins: fetch.PinList, latest: str) -> None:
    place = container.place
    times = {int(pin["message"]["id"]): datetime.fromisoformat(pin["pinned_at"]) for pin in pins.items}
    if not times and (kept := store.newest_pin(place.channel_id)):
        # Without READ_MESSAGE_HISTORY the list is empty; a single message is then refused.
        message = run.session.run(fetch.read_message(run.client, place.channel_id, kept))
        if message and message.get("pinned"):
            raise UnexpectedAnswer(f"Discord lists no pins of {place.channel_id} although message {kept} is pinned")
    _keep_times(run, container, times, latest)


def _keep_times(run: Run, container: Container, times: Mapping[int, datetime], latest: str) -> None:
    place = container.place
    run.note_success(f"{place.guild_id}/{place.channel_id}", "pins")
    token = max([latest, *(moment.isoformat() for moment in times.values())])
    run.counts["pins_changed"] += store.store_pins(times, place=place, state=DiscordState(checkpoint_token=token))


def read_reactors(run: Run, found: list[Container]) -> None:
    """Ask who reacted, for messages whose counts are not those whose people are kept."""
    by_channel = {container.place.channel_id: container for container in found}
    gathering = fetch.Gathering[tuple[int, int], list[tuple[str, bool, User]]](run.session.background, WIDTH)
    counts: dict[int, dict[str, dict[str, int]]] = {}
    waiting = store.counts_to_ask(list(by_channel))

    def add_some(most: int) -> None:
        for channel, pk, found_counts in islice(waiting, most):
            counts[pk] = found_counts
            gathering.add((channel, pk), _people(run, channel, pk, found_counts))

    run.progress.expect(run.name, "reactions", None)
    add_some(4 * WIDTH)
    for (channel, pk), people in gathering:
        try:
            if isinstance(people, Exception):
                raise people
            if people is not None:
                rows = list(_account_rows(people))
                store.store_reactors(pk, counts.pop(pk), rows, timezone.now())
                run.counts["reactors"] += len(rows)
                run.note_success(f"{run.guild_id}/{channel}", "reactors")
                continue
        except fetch.NotThere:
            pass  # deleted meanwhile
        except CollectorError as error:
            access_errors.take(run, by_channel[channel], "reactors", error)
        if run.stopped is None:
            add_some(1)


def _account_rows(people: Iterable[tuple[str, bool, User]]) -> Iterator[tuple[str, bool, Row]]:
    """Rows of the people who reacted; one that is malformed costs no other."""
    for emoji, burst, user in people:
        with suppress(*CONVERSION_ERRORS):
            yield emoji, burst, convert.account_row(user)


async def _people(
    run: Run, channel: int, pk: int, counts: dict[str, dict[str, int]]
) -> AsyncIterator[list[tuple[str, bool, User]]]:
    found: list[tuple[str, bool, User]] = []
    for emoji, numbers in counts.items():
        for burst, side in ((False, "normal"), (True, "burst")):
            if numbers.get(side):
                people = await fetch.reactors(run.client, channel, pk, emoji, burst=burst, count=numbers[side])
                found += [(emoji, burst, user) for user in people]
    yield found
