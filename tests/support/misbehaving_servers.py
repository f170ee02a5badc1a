"""Local servers that never finish a response, or redirect their clients."""

import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Self

JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def silent(connection: socket.socket) -> None:
    """Read the request, and send nothing."""
    while connection.recv(1 << 16):
        pass


def dripping_headers(connection: socket.socket) -> None:
    """Start a response, and send a header every 0.05 seconds without end."""
    connection.sendall(JSON_HEAD)
    while True:
        connection.sendall(b"X-More: 1\r\n")
        time.sleep(0.05)


def dripping_body(connection: socket.socket) -> None:
    """Announce a long body, and send one byte every 0.05 seconds."""
    connection.sendall(JSON_HEAD + b"Content-Length: 1000000\r\n\r\n[")
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)


def endless(connection: socket.socket) -> None:
    """Send an endless body as fast as the client reads."""
    connection.sendall(JSON_HEAD + b"Connection: close\r\n\r\n[")
    while True:
        connection.sendall(b" " * (1 << 20))


class Peer:
    """A local server that calls ``behave`` for each request. ``requests`` contains the first bytes of each request."""

    def __init__(self, behave: Callable[[socket.socket], None]) -> None:
        self.requests: list[bytes] = []
        self._behave = behave
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in [self._server, *self._open]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while first := connection.recv(1 << 16):
                self.requests.append(first)
                self._behave(connection)


@contextmanager
def redirecting(status: int, target: str) -> Generator[tuple[Peer, Peer]]:
    """Yield a server that redirects to ``target``, and a second server.

    ``{port}`` in ``target`` is replaced by the port of the second server.
    """

    def accept(connection: socket.socket) -> None:
        connection.sendall(JSON_HEAD + b"Content-Length: 2\r\n\r\n{}")

    with Peer(accept) as other:
        location = target.format(port=other.port)

        def redirect(connection: socket.socket) -> None:
            head = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
            connection.sendall(head.encode())

        with Peer(redirect) as first:
            yield first, other
