"""A whole collection against downloading and parsing the very same pages."""

import multiprocessing
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from django.core.management import call_command
from django.test.utils import override_settings

from core.operations.http import Transport
from samples.community import SampleCommunity
from samples.server import SampleServer

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

ISSUES, COMMENTS, REVIEW_COMMENTS = 2_000, 8_000, 4_000
ROUNDS = 3


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

        def listening(
            self: Transport, method: str, url: str, headers: Any, params: Any, body: object, total: float
        ) -> Any:
            made.append((method, url, dict(headers), dict(params or {}), body))
            return once(self, method, url, headers, params, body, total)

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


def serve(pipe: "Connection[Any, Any]") -> None:
    """A server in a process of its own, as everywhere else, until the other end says something."""
    community = SampleCommunity.synthetic(issues=ISSUES, comments=COMMENTS, review_comments=REVIEW_COMMENTS, seed=1)
    with SampleServer(community) as server:
        pipe.send((server.url, server.token(), server.truth()["full_name"]))
        pipe.recv()


def collected(url: str, token: str, name: str) -> tuple[float, Recording]:
    """Seconds of a first collection into empty tables and an empty workspace, and what it asked for."""
    call_command("flush", interactive=False, verbosity=0)
    with tempfile.TemporaryDirectory() as workspace, Recording() as recording:
        here = {"GITHUB_API_URL": url, "GITHUB_GIT_URL": url, "GITHUB_TOKENS": [token]}
        with override_settings(**here, WORKSPACE_DIR=Path(workspace)):
            took = seconds(lambda: call_command("collect_github", name, no_sync=True, progress=False, verbosity=0))
    return took, recording


def measure() -> str:
    """One line."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(there,))
    server.start()
    try:
        place: tuple[str, str, str] = here.recv()
        collected(*place)  # the server renders each page once, and keeps it
        rounds = [_round(place) for _ in range(ROUNDS)]
    finally:
        here.send("enough")
        server.join()
    rounds.sort(key=lambda one: one[0] / one[1])
    whole, bare, requests = rounds[ROUNDS // 2]
    return (
        f"collection / download and parse: {whole:.2f} s / {bare:.2f} s = {whole / bare:.2f}, the median of {ROUNDS}"
        f" ({requests} requests, {ISSUES + COMMENTS + REVIEW_COMMENTS:,} items)"
    )


def _round(place: tuple[str, str, str]) -> tuple[float, float, int]:
    whole, recording = collected(*place)
    return whole, seconds(recording.repeat), len(recording.made)
