"""A small HTTP client for tests. It returns responses of every status, and does not follow redirects."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pytest

from samples.server import SampleServer


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)

    def link(self, rel: str) -> str | None:
        found = re.search(rf'<([^>]+)>; rel="{rel}"', self.headers.get("link", ""))
        return found[1] if found else None


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


Ask = Callable[..., Reply]


def ask_server(
    server: SampleServer, path: str, *, token: str | None = "", agent: str = "tests", **headers: str
) -> Reply:
    """Send a request. ``path`` may be a whole URL.

    If ``token`` is ``None``, the request has no token. If it is empty, the request has the default token.
    """
    sent = {"User-Agent": agent, **{name.replace("_", "-"): value for name, value in headers.items()}}
    if token is not None:
        sent["Authorization"] = f"Bearer {token or server.token()}"
    url = path if path.startswith("http") else server.url + path
    try:
        with build_opener(_NoRedirect).open(Request(url, headers=sent), timeout=10) as answer:  # noqa: S310 # our own server
            return Reply(answer.status, _lower(answer.headers), answer.read())
    except HTTPError as error:
        with error:
            return Reply(error.code, _lower(error.headers), error.read())


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@pytest.fixture
def ask(sample_server: SampleServer) -> Ask:
    def asked(path: str, **options: Any) -> Reply:
        return ask_server(sample_server, path, **options)

    return asked
