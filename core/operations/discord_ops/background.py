"""Reads in a thread with an event loop while another thread writes, so that reads do not wait for the database."""

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
"""Maximum number of cancellations before a task is abandoned. With ``PATIENCE``, this takes at most 10 seconds."""
PATIENCE = 2.0
"""Maximum seconds to wait for tasks after each cancellation, and for the thread to end.

A larger value would delay the end of an interrupted run.
"""
AHEAD = 24
"""Maximum number of pages that wait to be written.

A larger value would use more memory, and with a smaller value reads would wait for the database.
"""


class Background:
    """An event loop in a separate thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="discord", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Value]) -> Value:
        """Run a coroutine on the loop. Return its result or raise its error."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def cancel(self) -> None:
        """Cancel all tasks and wait until they end, at most ``CANCELLATIONS`` times ``PATIENCE`` seconds.

        Tasks are cancelled repeatedly, because a task may miss a cancellation while it handles an earlier one.
        """

        async def cancel_all() -> None:
            tasks = {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}
            for _ in range(CANCELLATIONS):
                if not tasks:
                    return
                for task in tasks:
                    task.cancel()
                done, tasks = await asyncio.wait(tasks, timeout=PATIENCE)
                for task in done:
                    if not task.cancelled():
                        task.exception()  # read the exception, so that asyncio does not report it
            logger.warning("tasks did not end after cancellation tasks=%s", len(tasks))

        self.run(cancel_all())

    def close(self) -> None:
        """Cancel all tasks and stop the loop."""
        if self.loop.is_running():
            self.cancel()
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(PATIENCE)
        if not self.loop.is_running():
            self.loop.close()


class Gathering(Generic[Key, Item]):
    """Reads several async iterators (the sources) concurrently and yields their steps to the iterating thread.

    A step is ``(key, item)``, ``(key, error)`` when a source failed, or ``(key, None)`` when a source ended. Sources
    may be added during iteration. The iteration ends when all sources have ended.
    """

    def __init__(self, background: Background, width: int) -> None:
        self._background = background
        self._steps: queue.SimpleQueue[Step[Key, Item]] = queue.SimpleQueue()
        self._running = asyncio.Semaphore(width)
        self._ahead = asyncio.Semaphore(AHEAD)
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = 0

    def add(self, key: Key, source: AsyncIterator[Item]) -> None:
        """Add a source. It is read as soon as fewer than ``width`` sources are being read."""
        self._open += 1
        self._background.loop.call_soon_threadsafe(self._begin, key, source)

    def __iter__(self) -> Generator[Step[Key, Item]]:
        for steps in self.batches(most=1):
            yield from steps

    def batches(self, most: int) -> Generator[list[Step[Key, Item]]]:
        """Wait for steps and yield them in order of arrival, in lists of 1 to ``most`` steps."""
        while self._open:
            steps = [self._steps.get()]
            with suppress(queue.Empty):
                while len(steps) < most:
                    steps.append(self._steps.get_nowait())
            for _, item in steps:
                if item is None or isinstance(item, Exception):
                    self._open -= 1
                else:
                    self._background.loop.call_soon_threadsafe(self._ahead.release)
            yield steps

    def _begin(self, key: Key, source: AsyncIterator[Item]) -> None:
        """Start to read a source on the loop. Queue a last step when the source ends or fails."""
        task = self._background.loop.create_task(self._read(key, source))
        self._tasks.add(task)

        def ended(task: "asyncio.Task[None]") -> None:
            self._tasks.discard(task)
            if not task.cancelled():
                error = task.exception()
                self._steps.put((key, error if isinstance(error, Exception) else None))

        task.add_done_callback(ended)

    async def _read(self, key: Key, source: AsyncIterator[Item]) -> None:
        async with self._running:
            async for item in source:
                await self._ahead.acquire()
                self._steps.put((key, item))
