"""A small Slack: the methods that are used here, with their pages, limits and refusals.

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
    """One bad answer. ``lost``: the message is posted, and its answer does not arrive."""

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
    """Keeps what is posted. ``faults`` are given before anything is done, one a request."""

    def __init__(self, *, page: int = 3) -> None:
        self.page, self.faults = page, list[Fault]()
        self.messages: list[dict[str, Any]] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.refuse: dict[str, str] = {}
        self.members = [{"id": f"U{n}", "name": f"person{n}", "is_bot": n == 0} for n in range(7)]
        self.channels = [{"id": CHANNEL, "name": "tides"}, *({"id": f"C{n}", "name": f"c{n}"} for n in range(6))]
        told = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.answer(self)

            def log_message(self, *args: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/api/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *ended: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def titles(self) -> list[str]:
        """The headers of what was posted."""
        return [message["blocks"][0]["text"]["text"] for message in self.messages]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """One request, as Slack answers it or as the next fault says."""
        raw = handler.rfile.read(int(handler.headers.get("Content-Length") or 0)).decode()
        kind = handler.headers.get("Content-Type", "")
        given = json.loads(raw) if "json" in kind else dict(parse_qsl(raw))
        method = handler.path.rpartition("/")[2]
        self.calls.append((method, given))
        fault = self.faults.pop(0) if self.faults else None
        if fault is None or fault.lost:
            body = json.dumps(self._do(method, given, handler.headers.get("Authorization", "")))
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
            for place in range(0, len(body), 1 if fault and fault.drip else max(1, len(body))):
                handler.wfile.write(body[place : place + (1 if fault and fault.drip else len(body))])
                handler.wfile.flush()
                time.sleep(fault.drip if fault else 0)
        except OSError:
            """The client has gone."""

    def _do(self, method: str, given: dict[str, Any], authorization: str) -> dict[str, Any]:
        if authorization != f"Bearer {TOKEN}":
            return {"ok": False, "error": "invalid_auth" if authorization else "not_authed"}
        if method in self.refuse:
            return {"ok": False, "error": self.refuse[method]}
        if method == "chat.postMessage":
            return self._post(given)
        if method in {"conversations.history", "conversations.replies"} and given.get("channel") != CHANNEL:
            return {"ok": False, "error": "channel_not_found"}
        if method == "conversations.history":
            found = [m for m in reversed(self.messages) if float(m["ts"]) >= float(given.get("oldest", 0))]
            bare = [{k: v for k, v in m.items() if k != "metadata" or "include_all_metadata" in given} for m in found]
            return self._paged("messages", bare, given)
        if method == "conversations.replies":
            thread = [m for m in self.messages if given["ts"] in {m["ts"], m.get("thread_ts")}]
            return self._paged("messages", thread, given) if thread else {"ok": False, "error": "thread_not_found"}
        if method == "conversations.list":
            return self._paged("channels", self.channels, given)
        if method == "users.list":
            return self._paged("members", self.members, given)
        return {"ok": False, "error": "unknown_method"}

    def _paged(self, name: str, items: list[dict[str, Any]], given: Mapping[str, Any]) -> dict[str, Any]:
        """At most ``page`` items, as Slack gives fewer than asked for whenever it likes."""
        start = int(base64.b64decode(given["cursor"])) if given.get("cursor") else 0
        end = start + min(self.page, int(given.get("limit", 100)))
        cursor = base64.b64encode(str(end).encode()).decode() if end < len(items) else ""
        return {"ok": True, name: items[start:end], "response_metadata": {"next_cursor": cursor}}

    def _post(self, given: dict[str, Any]) -> dict[str, Any]:
        given = {
            k: json.loads(v) if k in {"blocks", "metadata"} and isinstance(v, str) else v for k, v in given.items()
        }
        if given.get("channel") != CHANNEL:
            return {"ok": False, "error": "channel_not_found"}
        if len(given.get("text", "")) > 40000:
            return {"ok": False, "error": "msg_too_long"}
        blocks = given.get("blocks", [])
        if len(blocks) > 50 or not all(self._fits(block) for block in blocks):
            return {"ok": False, "error": "invalid_blocks"}
        ts = f"{time.time() + len(self.messages) / 1e4:.6f}"
        self.messages.append({**given, "ts": ts})
        return {"ok": True, "channel": CHANNEL, "ts": ts, "message": given}

    @staticmethod
    def _fits(block: Mapping[str, Any]) -> bool:
        text = block["text"]["text"]
        return 0 < len(text) <= (150 if block["type"] == "header" else 3000)
