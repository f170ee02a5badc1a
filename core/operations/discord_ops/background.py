"""Reading in one thread with asyncio, writing in another: the event loop never waits for the database."""

import asyncio
import logging
import queue
import threading
from collections.abc import AsyncIterator, Coroutine, Generator
from contextlib import suppress
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")
Key = TypeVar("Key")
Item = TypeVar("Item")
Step = tuple[Key, Item | Exception | None]
logger = logging.getLogger(__name__)
CANCELLATIONS = 5
PATIENCE = 2.0
"""Seconds to wait for tasks to end after each cancellation."""
AHEAD = 24
"""Pages that may wait to be written."""


class Background:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="discord", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Value]) -> Value:
        """Run to the end and give back its result, or raise what it raises."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def cancel(self) -> None:
        """End everything that still runs, and wait for it, ``CANCELLATIONS`` times ``PATIENCE`` seconds at most.

        A task may miss a cancellation that arrives while it handles another one, so it is repeated.
        """

        async def all_of_it() -> None:
            tasks = {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}
            for _ in range(CANCELLATIONS):
                if not tasks:
                    return
                for task in tasks:
                    task.cancel()
                done, tasks = await asyncio.wait(tasks, timeout=PATIENCE)
                for task in done:
                    if not task.cancelled():
                        task.exception()  # retrieved, because the caller is gone
            logger.warning("tasks left behind tasks=%s", len(tasks))

        self.run(all_of_it())

    def close(self) -> None:
        """End everything that still runs, and the loop."""
        if self.loop.is_running():
            self.cancel()
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(PATIENCE)
        if not self.loop.is_running():
            self.loop.close()


class Gathering(Generic[Key, Item]):
    """Reads many sources side by side; the thread that iterates gets their items as they come.

    Each step is ``(key, item)``, ``(key, error)`` when a source ended with an exception, or ``(key, None)`` when it
    ended. Sources may be added while iterating; it ends when all have ended.
    """

    def __init__(self, background: Background, width: int) -> None:
        self._background = background
        self._found: queue.SimpleQueue[Step[Key, Item]] = queue.SimpleQueue()
        self._running = asyncio.Semaphore(width)
        self._ahead = asyncio.Semaphore(AHEAD)
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = 0

    def add(self, key: Key, source: AsyncIterator[Item]) -> None:
        """Read a source as soon as there is a place for it."""
        self._open += 1
        self._background.loop.call_soon_threadsafe(self._begin, key, source)

    def __iter__(self) -> Generator[Step[Key, Item]]:
        for steps in self.batches(most=1):
            yield from steps

    def batches(self, most: int) -> Generator[list[Step[Key, Item]]]:
        """The same steps in the same order, those that wait together, at most so many."""
        while self._open:
            steps = [self._found.get()]
            with suppress(queue.Empty):
                while len(steps) < most:
                    steps.append(self._found.get_nowait())
            for _, item in steps:
                if item is None or isinstance(item, Exception):
                    self._open -= 1
                else:
                    self._background.loop.call_soon_threadsafe(self._ahead.release)
            yield steps

    def _begin(self, key: Key, source: AsyncIterator[Item]) -> None:
        """On the loop: read, and tell the thread that iterates how it ended."""
        task = self._background.loop.create_task(self._read(key, source))
        self._tasks.add(task)

        def ended(task: "asyncio.Task[None]") -> None:
            self._tasks.discard(task)
            if not task.cancelled():
                error = task.exception()
                self._found.put((key, error if isinstance(error, Exception) else None))

        task.add_done_callback(ended)

    async def _read(self, key: Key, source: AsyncIterator[Item]) -> None:
        async with self._running:
            async for item in source:
                await self._ahead.acquire()
                self._found.put((key, item))
