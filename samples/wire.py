"""An HTTP/1.1 server with persistent connections. It can also reset a connection in the middle of a response."""

import contextlib
import socket
import struct
import threading
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from samples.answers import Answer, Request

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""Value of SO_LINGER with a linger time of zero seconds. Closing the socket then sends RST instead of FIN."""


class LocalServer(ThreadingHTTPServer):
    """A server on 127.0.0.1 that serves each connection in a thread. :meth:`stop` ends all threads and connections."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, port: int, answer: Callable[[Request], Answer]):
        super().__init__(("127.0.0.1", port), Handler)
        self.answer = answer
        self.stopping = threading.Event()
        self.cut: set[Any] = set()
        self._open: set[Any] = set()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop the server, and shut down open connections so that their threads end."""
        self.stopping.set()
        self.shutdown()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()
        self._thread.join()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        if request in self.cut:
            self.cut.discard(request)
            self.close_request(request)  # no shutdown, because it would send FIN instead of RST
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors while the server is stopping, because they come from closed connections."""
        if not self.stopping.is_set():
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_version, sys_version = "github.com", ""
    wbufsize = -1

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Return the handler for any ``do_*`` method, such as ``do_GET``, that the base class looks up."""
        if name.startswith("do_"):
            return self._handle
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 # the name is the base class's
        """Print nothing, because the server records its requests."""

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(
            method=self.command,
            path=unquote(parts.path),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            target=self.path,
            headers=headers,
            body=self._body(headers),
        )
        with contextlib.suppress(ConnectionError):
            answer = self._local.answer(request)
            self._local.stopping.wait(answer.delay)
            self._send(answer)

    @property
    def _local(self) -> LocalServer:
        return cast("LocalServer", self.server)

    def _body(self, headers: dict[str, str]) -> bytes:
        """Return the complete, decompressed body. Git sends large bodies compressed and in chunks."""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(headers.get("content-length") or 0))
        return zlib.decompress(body, wbits=31) if headers.get("content-encoding") == "gzip" else body

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 304:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD" and not answer.cut:
            self.wfile.write(answer.body)
        if answer.cut:
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self.close_connection = True
        self.wfile.flush()
        if answer.cut:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self._local.cut.add(self.connection)
