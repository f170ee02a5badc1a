"""Tests of the Discord client against a server with scripted replies.

The tests of the Discord tracker cover other faults of Discord's server.
"""

import asyncio
import inspect
import time

import pytest
from discord import http

from core.operations.discord_ops import Background, Gathering
from core.operations.discord_ops.answers import read_json
from core.operations.discord_ops.limits import CREDIT, Pace, Window


def test_the_pace_holds_for_any_number_of_tasks() -> None:
    async def ask() -> float:
        pace, began = Pace(200), time.monotonic()
        await asyncio.gather(*(pace.turn() for _ in range(181)))
        return time.monotonic() - began

    assert asyncio.run(ask()) >= (180 - CREDIT) / 200


def test_no_second_exceeds_the_limit_and_a_stalled_loop_causes_no_burst() -> None:
    async def ask() -> list[float]:
        pace, sent = Pace(40), list[float]()

        async def one() -> None:
            await pace.turn()
            sent.append(time.monotonic())

        tasks = [asyncio.create_task(one()) for _ in range(70)]
        await asyncio.sleep(1.2)
        time.sleep(0.4)
        await asyncio.gather(*tasks)
        return sent

    sent = asyncio.run(ask())
    assert sent[19] - sent[0] < 0.4  # the first 20 requests are sent without pauses
    assert max(sum(at <= other < at + 0.99 for other in sent) for at in sent) <= 40 + CREDIT


def test_a_hold_stops_every_task() -> None:
    async def ask() -> float:
        pace, began = Pace(1000), time.monotonic()
        pace.hold(0.2)
        await pace.turn()
        return time.monotonic() - began

    assert asyncio.run(ask()) >= 0.2


def test_requests_without_an_answer_count_in_every_second() -> None:
    async def ask() -> list[int]:
        window, open_at_once, most = Window(5), set[int](), list[int]()

        async def one(number: int) -> None:
            await window.enter(number)
            open_at_once.add(number)
            most.append(len(open_at_once))
            await asyncio.sleep(0.05)
            open_at_once.discard(number)
            window.leave(number)

        await asyncio.gather(*(one(number) for number in range(11)))
        return most

    began = time.monotonic()
    assert max(asyncio.run(ask())) <= 5
    assert time.monotonic() - began >= 2 * Window.SECOND  # five requests, a second later five more, then the last


def test_a_lone_surrogate_does_not_fail_a_page() -> None:
    assert read_json('[{"content": "half \\ud83d"}]') == [{"content": "half \ud83d"}]
    with pytest.raises(ValueError, match="Expecting"):
        read_json("[1, ")


def test_sources_are_read_concurrently_and_fail_alone() -> None:
    async def numbers(upto: int):  # type: ignore[no-untyped-def]
        for n in range(upto):
            await asyncio.sleep(0)
            yield n
        if upto == 3:
            raise KeyError(upto)

    background = Background()
    gathering = Gathering[int, int](background, 2)
    for upto in (2, 3, 60):
        gathering.add(upto, numbers(upto))
    items: dict[int, list[object]] = {2: [], 3: [], 60: []}
    for key, item in gathering:
        items[key].append(item)
    background.close()
    assert items[2] == [0, 1, None]
    assert items[3][:3] == [0, 1, 2]
    assert isinstance(items[3][3], KeyError)
    assert items[60] == [*range(60), None]


def test_close_cancels_running_tasks() -> None:
    ended: list[bool] = []

    async def endless():  # type: ignore[no-untyped-def]
        try:
            while True:
                await asyncio.sleep(0.01)
                yield 1
        finally:
            ended.append(True)

    background = Background()
    gathering = Gathering[int, int](background, 1)
    gathering.add(1, endless())
    next(iter(gathering))
    background.close()
    assert not background.loop.is_running()


def test_discord_py_still_has_the_private_parts_that_the_client_uses() -> None:
    """Fail if a new version of discord.py changes the parts of ``discord.http`` that the client uses.

    These parts are not documented, so a new version may change them.
    """
    template = "/channels/{channel_id}/messages/{message_id}"
    first, second, elsewhere = (
        http.Route("GET", template, channel_id=channel, message_id=message)
        for channel, message in ((1, 2), (1, 3), (4, 2))
    )
    assert first.url == f"{http.Route.BASE}/channels/1/messages/2"
    assert first.key == second.key == elsewhere.key
    assert first.major_parameters == second.major_parameters != elsewhere.major_parameters
    source = inspect.getsource(http.HTTPClient.request)
    assert "json_or_text(" in source, "read_body replaces it to limit the size of a response"
    assert "Ratelimit(" in inspect.getsource(http.HTTPClient), "CarefulRatelimit replaces it"
    assert list(inspect.signature(http.Ratelimit.update).parameters) == ["self", "response", "use_clock"]
