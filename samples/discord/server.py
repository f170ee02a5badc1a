"""A small local HTTP server with Discord's REST API for one sample guild.

``python -m samples.discord.server --port 0`` prints the server's URL (for ``DISCORD_API_BASE``) and serves until it is
interrupted. In a test::

    with SampleDiscord() as server:
        collect(api=server.url, token=server.token)
        server.guild.edit(message_id, "New words")

The server supports the requests of a collector, for example for channels, messages and reactions. It has no rate limits
and no faults, and its API is read-only.
"""

import argparse
import signal
import sys
import threading
from types import TracebackType
from typing import NamedTuple, Self

from samples.answers import Answer, Request
from samples.discord.guild import SampleGuild
from samples.discord.routes import BASE, Routes
from samples.wire import LocalServer


class Logged(NamedTuple):
    """A logged request. ``path`` includes the query."""

    path: str
    status: int


class SampleDiscord:
    """An HTTP server that imitates Discord's API for one sample guild.

    Set ``DISCORD_API_BASE`` to ``url`` and ``DISCORD_BOT_TOKEN`` to ``token``.
    """

    token = "sample.bot.token"  # noqa: S105  (of this server only)

    def __init__(self, guild: SampleGuild | None = None, *, port: int = 0) -> None:
        self.guild = guild or SampleGuild()
        self.requests: list[Logged] = []
        self._routes = Routes(self.guild)
        self._wire = LocalServer(port, self._answer)
        self.url = f"http://127.0.0.1:{self._wire.server_address[1]}{BASE}"

    def __enter__(self) -> Self:
        self._wire.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wire.stop()

    def _answer(self, request: Request) -> Answer:
        with self.guild.lock:
            answer = self._routes.answer(request)
            self.requests.append(Logged(request.target, answer.status))
            return answer


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the sample guild through Discord's REST API.")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 (the default) selects a free port")
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: ended.set())
    with SampleDiscord(port=parser.parse_args().port) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        ended.wait()


if __name__ == "__main__":
    main()
