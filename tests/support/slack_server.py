"""A local imitation of Slack's API with the methods that this project uses, including pagination, limits and errors.

https://docs.slack.dev/reference/methods
"""

import base64
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl

TOKEN = "xoxb-1234567890-abcdefghijkl"
CHANNEL = "C0TIDES"


@dataclass(frozen=True, slots=True)
class Fault:
    """A faulty response, which is sent after ``delay`` seconds. With ``drip``, each byte is followed by a pause.

    ``drip`` is the length of this pause in seconds. With ``lost``, the message is posted, but no response is sent.
    """

    status: int = 200
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    delay: float = 0.0
    drip: float = 0.0
    lost: bool = False


RATE_LIMITED = Fault(429, '{"ok": false, "error": "ratelimited"}', {"Retry-After": "1"})
BROKEN = Fault(500, "<html><body>Server Error</body></html>", {"Content-Type": "text/html"})
PAGE = Fault(200, "<!DOCTYPE html><title>Slack</title>", {"Content-Type": "text/html"})


class SlackServer:
    """A server that stores posted messages. The next request gets the first of ``faults``, if any."""

    def __init__(self, *, page: int = 3) -> None:
        self.page, self.faults = page, list[Fault]()
        self.messages: list[dict[str, Any]] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.refuse: dict[str, str] = {}
        self.members = [{"id": f"U{n}", "name": f"person{n}", "is_bot": n == 0} for n in range(7)]
        self.channels = [{"id": CHANNEL, "name": "tides"}, *({"id": f"C{n}", "name": f"c{n}"} for n in range(6))]
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                server.answer(self)

            def log_message(self, *args: Any) -> None:
                """Do nothing. The base class would print each request."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/api/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *ended: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def titles(self) -> list[str]:
        """Return the headers of the posted messages."""
        return [message["blocks"][0]["text"]["text"] for message in self.messages]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Send the response that Slack would send, or the next fault."""
        raw = handler.rfile.read(int(handler.headers.get("Content-Length") or 0)).decode()
        kind = handler.headers.get("Content-Type", "")
        arguments = json.loads(raw) if "json" in kind else dict(parse_qsl(raw))
        method = handler.path.rpartition("/")[2]
        self.calls.append((method, arguments))
        fault = self.faults.pop(0) if self.faults else None
        if fault is None or fault.lost:
            body = json.dumps(self._do(method, arguments, handler.headers.get("Authorization", "")))
        else:
            body = fault.body
        if fault:
            time.sleep(fault.delay)
            if fault.lost:
                handler.close_connection = True
                return
        self._send(handler, fault, body.encode())

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, fault: Fault | None, body: bytes) -> None:
        handler.send_response(fault.status if fault else 200)
        headers = {"Content-Type": "application/json; charset=utf-8", **(fault.headers if fault else {})}
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        try:
            for start in range(0, len(body), 1 if fault and fault.drip else max(1, len(body))):
                handler.wfile.write(body[start : start + (1 if fault and fault.drip else len(body))])
                handler.wfile.flush()
                time.sleep(fault.drip if fault else 0)
        except OSError:
            """The client has disconnected."""

    def _do(self, method: str, arguments: dict[str, Any], authorization: str) -> dict[str, Any]:
        if authorization != f"Bearer {TOKEN}":
            return {"ok": False, "error": "invalid_auth" if authorization else "not_authed"}
        if method in self.refuse:
            return {"ok": False, "error": self.refuse[method]}
        if method == "chat.postMessage":
            return self._post(arguments)
        if method in {"conversations.history", "conversations.replies"} and arguments.get("channel") != CHANNEL:
            return {"ok": False, "error": "channel_not_found"}
        if method == "conversations.history":
            recent = [m for m in reversed(self.messages) if float(m["ts"]) >= float(arguments.get("oldest", 0))]
            bare = [
                {k: v for k, v in m.items() if k != "metadata" or "include_all_metadata" in arguments} for m in recent
            ]
            return self._paged("messages", bare, arguments)
        if method == "conversations.replies":
            thread = [m for m in self.messages if arguments["ts"] in {m["ts"], m.get("thread_ts")}]
            return self._paged("messages", thread, arguments) if thread else {"ok": False, "error": "thread_not_found"}
        if method == "conversations.list":
            return self._paged("channels", self.channels, arguments)
        if method == "users.list":
            return self._paged("members", self.members, arguments)
        return {"ok": False, "error": "unknown_method"}

    def _paged(self, name: str, items: list[dict[str, Any]], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return at most ``self.page`` items, because Slack can return fewer items than the requested limit."""
        start = int(base64.b64decode(arguments["cursor"])) if arguments.get("cursor") else 0
        end = start + min(self.page, int(arguments.get("limit", 100)))
        cursor = base64.b64encode(str(end).encode()).decode() if end < len(items) else ""
        return {"ok": True, name: items[start:end], "response_metadata": {"next_cursor": cursor}}

    def _post(self, arguments: dict[str, Any]) -> dict[str, Any]:
        arguments = {
            k: json.loads(v) if k in {"blocks", "metadata"} and isinstance(v, str) else v for k, v in arguments.items()
        }
        if arguments.get("channel") != CHANNEL:
            return {"ok": False, "error": "channel_not_found"}
        if len(arguments.get("text", "")) > 40000:
            return {"ok": False, "error": "msg_too_long"}
        blocks = arguments.get("blocks", [])
        if len(blocks) > 50 or not all(self._fits(block) for block in blocks):
            return {"ok": False, "error": "invalid_blocks"}
        ts = f"{time.time() + len(self.messages) / 1e4:.6f}"
        self.messages.append({**arguments, "ts": ts})
        return {"ok": True, "channel": CHANNEL, "ts": ts, "message": arguments}

    @staticmethod
    def _fits(block: Mapping[str, Any]) -> bool:
        text = block["text"]["text"]
        return 0 < len(text) <= (150 if block["type"] == "header" else 3000)
