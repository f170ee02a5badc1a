"""Measures the time to collect a repository, relative to the time to download and parse the same pages."""

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
    """Call a function, and return the seconds that the call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class Recording:
    """Context manager that records the HTTP requests of a collection, except requests of git."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], dict[str, Any], object]] = []
        self._once = Transport._once  # pyright: ignore[reportPrivateUsage]  # to record requests

    def __enter__(self) -> "Recording":
        once, requests = self._once, self.requests

        def record(
            self: Transport, method: str, url: str, headers: Any, params: Any, body: object, total: float
        ) -> Any:
            requests.append((method, url, dict(headers), dict(params or {}), body))
            return once(self, method, url, headers, params, body, total)

        Transport._once = record  # pyright: ignore[reportPrivateUsage]
        return self

    def __exit__(self, *_: object) -> None:
        Transport._once = self._once  # pyright: ignore[reportPrivateUsage]

    def repeat(self) -> None:
        """Send the recorded requests again, and parse the JSON responses. Nothing is stored."""
        with requests.Session() as session:
            for method, url, headers, params, body in self.requests:
                answer = session.request(method, url, headers=headers, params=params, json=body, timeout=60)
                if answer.content and "json" in answer.headers.get("content-type", ""):
                    answer.json()


def serve(pipe: "Connection[Any, Any]") -> None:
    """Run a sample server with synthetic items until a message arrives through the pipe.

    First send the server's URL, a token and the repository's name through the pipe. A separate process runs this
    function.
    """
    community = SampleCommunity.synthetic(issues=ISSUES, comments=COMMENTS, review_comments=REVIEW_COMMENTS, seed=1)
    with SampleServer(community) as server:
        pipe.send((server.url, server.token(), server.truth()["full_name"]))
        pipe.recv()


def collected(url: str, token: str, name: str) -> tuple[float, Recording]:
    """Collect a repository into empty tables and an empty workspace. Returns the seconds and the recorded requests."""
    call_command("flush", interactive=False, verbosity=0)
    with tempfile.TemporaryDirectory() as workspace, Recording() as recording:
        server = {"GITHUB_API_URL": url, "GITHUB_GIT_URL": url, "GITHUB_TOKENS": [token]}
        with override_settings(**server, WORKSPACE_DIR=Path(workspace)):
            took = seconds(lambda: call_command("collect_github", name, no_sync=True, progress=False, verbosity=0))
    return took, recording


def measure() -> str:
    """Return one line: the time of a collection relative to its requests alone, as the median of several rounds."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(there,))
    server.start()
    try:
        target: tuple[str, str, str] = here.recv()
        collected(*target)  # not measured, because the server caches the pages during the first collection
        rounds = [_round(target) for _ in range(ROUNDS)]
    finally:
        here.send("stop")
        server.join()
    rounds.sort(key=lambda times: times[0] / times[1])
    whole, bare, requests = rounds[ROUNDS // 2]
    return (
        f"collection / download and parse: {whole:.2f} s / {bare:.2f} s = {whole / bare:.2f}, median of {ROUNDS} rounds"
        f" ({requests} requests, {ISSUES + COMMENTS + REVIEW_COMMENTS:,} items)"
    )


def _round(target: tuple[str, str, str]) -> tuple[float, float, int]:
    whole, recording = collected(*target)
    return whole, seconds(recording.repeat), len(recording.requests)
