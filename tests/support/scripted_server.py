"""A local server that sends prepared replies, which can be invalid."""

import socket
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from core.operations.bounds import Allowance
from core.operations.github_ops.client import GitHubClient
from core.operations.github_ops.tokens import TokenPool
from core.operations.http import Transport

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that is sent after ``delay`` seconds. With ``reset``, the connection is reset instead."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=JSON.copy)
    body: bytes = b"[]"
    delay: float = 0.0
    reset: bool = False


class ScriptedServer:
    """A server that sends the next of ``replies`` to each request, and repeats the last reply.

    ``seen`` contains the headers of the requests, and ``paths`` their paths.
    """

    def __init__(self) -> None:
        self.replies: list[Reply] = [Reply()]
        self.seen: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.slept: list[float] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.seen.append(dict(self.headers))
                server.paths.append(self.path)
                _answer(self, server.answer_for(dict(self.headers), self.path))

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.do_GET()

            def log_message(self, *args: Any) -> None:
                """Do nothing. The base class would print each request."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *ended: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer_for(self, headers: dict[str, str], path: str) -> Reply:
        """Return the next reply. Subclasses can override this method, and use the request to select a reply."""
        del headers, path
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def transport(self, *, attempts: int = 3, timeout: float = 1.0, **allowed: Any) -> Transport:
        """Return a transport that records its pauses in ``slept`` instead of waiting."""
        return Transport(Allowance(**allowed), attempts=attempts, sleep=self.slept.append, timeout=(timeout, timeout))

    def client(self, *tokens: str, attempts: int = 3, **allowed: Any) -> GitHubClient:
        """Return a GitHub client that sends its requests to this server."""
        return GitHubClient(self.url, TokenPool(list(tokens)), self.transport(attempts=attempts, **allowed))


def _answer(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    time.sleep(reply.delay)
    if reply.reset:
        # With a linger time of 0 seconds, closing the socket sends RST.
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.close_connection = True
        handler.connection.close()
        return
    handler.send_response(reply.status)
    for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(reply.body)
