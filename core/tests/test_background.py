"""Tests that the event loop in the background thread ends within a time limit, even if tasks ignore a cancellation."""

import asyncio
import time

import pytest

from core.operations.discord_ops import background
from core.operations.discord_ops.background import Background


@pytest.mark.parametrize("missed", [1, 2, 1000])
def test_tasks_that_miss_cancellations_do_not_delay_the_end(monkeypatch: pytest.MonkeyPatch, missed: int) -> None:
    monkeypatch.setattr(background, "PATIENCE", 0.1)
    reader, began = Background(), asyncio.Event()

    async def stubborn() -> None:
        began.set()
        for _ in range(missed):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue

    reader.loop.call_soon_threadsafe(lambda: reader.loop.create_task(stubborn()))
    reader.run(asyncio.wait_for(began.wait(), 5))
    start = time.monotonic()
    reader.close()
    assert time.monotonic() - start < 5
