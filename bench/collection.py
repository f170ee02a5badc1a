"""A whole collection against downloading and parsing the very same pages."""

import time
from collections.abc import Callable
from typing import Any

import requests
from django.core.management import call_command
from django.test.utils import override_settings

from core.operations.http import Transport
from samples.community import SampleCommunity
from samples.server import SampleServer

ISSUES, COMMENTS, REVIEW_COMMENTS = 2_000, 8_000, 4_000
LATENCY = 0.0


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class Recording:
    """Every request that a collection makes, to be made again without it."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str, dict[str, str], dict[str, Any], object]] = []
        self._once = Transport._once  # pyright: ignore[reportPrivateUsage]  # to listen

    def __enter__(self) -> "Recording":
        once, made = self._once, self.made

        def listening(self: Transport, method: str, url: str, headers: Any, params: Any, body: object) -> Any:
            made.append((method, url, dict(headers), dict(params or {}), body))
            return once(self, method, url, headers, params, body)

        Transport._once = listening  # pyright: ignore[reportPrivateUsage]
        return self

    def __exit__(self, *_: object) -> None:
        Transport._once = self._once  # pyright: ignore[reportPrivateUsage]

    def repeat(self) -> None:
        """Only download and parse."""
        with requests.Session() as session:
            for method, url, headers, params, body in self.made:
                answer = session.request(method, url, headers=headers, params=params, json=body, timeout=60)
                if answer.content and "json" in answer.headers.get("content-type", ""):
                    answer.json()


def measure() -> str:
    """One line."""
    community = SampleCommunity.synthetic(issues=ISSUES, comments=COMMENTS, review_comments=REVIEW_COMMENTS, seed=1)
    with SampleServer(community) as server:
        here = {"GITHUB_API_URL": server.url, "GITHUB_GIT_URL": server.url, "GITHUB_TOKENS": [server.token()]}
        name = server.truth()["full_name"]
        with override_settings(**here), Recording() as recording:
            whole = seconds(lambda: call_command("collect_github", name, no_sync=True, progress=False, verbosity=0))
        recording.repeat()  # the server renders each page once, and keeps it
        bare = seconds(recording.repeat)
        return (
            f"collection / download and parse: {whole:.2f} s / {bare:.2f} s = {whole / bare:.2f}"
            f" ({len(recording.made)} requests, {ISSUES + COMMENTS + REVIEW_COMMENTS:,} items)"
        )
