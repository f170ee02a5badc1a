"""Measures the time and the memory to collect a large Discord server.

The time is relative to the time to download and parse the same pages. The benchmark needs the twin of Discord, an
imitation of Discord's API in a folder next to the project. Without the twin, nothing is measured.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import orjson

MESSAGES, FEW = 300_000, 50_000
ROOT = Path(__file__).parents[1]
TWIN = ROOT.parent / "shared" / "twins" / "discord" / "serve.py"
PYTHON = ROOT / ".twins" / "bin" / "python"
COLLECT = (
    "import re, sys, time, django; django.setup(); from django.core.management import call_command; "
    "from bench.discord import postgres_seconds; "
    "call_command('migrate', verbosity=0); server = postgres_seconds(); "
    "began, own = time.perf_counter(), time.process_time(); "
    "call_command('collect_discord', no_sync=True, progress=False); "
    "took = time.perf_counter() - began; status = open('/proc/self/status').read(); "
    "print('took', took, time.process_time() - own, postgres_seconds() - server, "
    "int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) // 1024)"
)


class Server:
    """A running twin of Discord with additional messages and without rate limits."""

    def __init__(self, messages: int) -> None:
        command = [str(PYTHON), str(TWIN), "--port", "0", "--no-limits", "--scale", str(messages)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None  # noqa: S101  (stdout is a pipe)
        self.base = self._process.stdout.readline().split()[-1]

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate()


async def read_only(base: str) -> tuple[float, int]:
    """Download and parse the messages of all readable channels and threads, with sixteen concurrent tasks.

    Returns the seconds and the number of messages.
    """
    headers = {"Authorization": "Bot twin-token", "User-Agent": "DiscordBot (bench, 1)"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def get(path: str) -> object:
            async with session.get(f"{base}{path}") as answer:
                return orjson.loads(await answer.read())

        async with session.get(f"{base.removesuffix('/api/v10')}/_twin/truth?detail=0") as answer:
            boxes = orjson.loads(await answer.read())["containers"]
        waiting = [pk for pk, box in boxes.items() if box["access"] == "ok" and box.get("found_by") != "none"]
        seen = 0

        async def work() -> None:
            nonlocal seen
            while waiting:
                channel, after, page = waiting.pop(), 0, [{}] * 100
                while len(page) == 100:
                    answer = await get(f"/channels/{channel}/messages?limit=100&after={after}")
                    assert isinstance(answer, list)  # noqa: S101  (for the type)
                    page = answer
                    after = max((int(message["id"]) for message in page), default=after)
                    seen += len(page)

        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(16)))
        return time.perf_counter() - began, seen


def postgres_seconds() -> float:
    """Return the seconds of processor time that all processes of the embedded PostgreSQL have used so far."""
    (lock,) = Path(os.environ["VAR_DIR"]).glob("postgres/**/postmaster.pid")
    postmaster = lock.read_text().split()[0]
    fields = [text.rpartition(")")[2].split() for text in map(_stat, _processes()) if text]
    own = _stat(postmaster).rpartition(")")[2].split()
    ended = sum(map(int, own[11:15]))
    running = sum(int(one[11]) + int(one[12]) for one in fields if one[1] == postmaster)
    return (ended + running) / os.sysconf("SC_CLK_TCK")


def _processes() -> list[str]:
    return [folder.name for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def _stat(process: str) -> str:
    try:
        return Path("/proc", process, "stat").read_text()
    except OSError:  # the process has ended
        return ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Collection:
    """What a collection took: seconds by the clock, of this process and of PostgreSQL, and its peak memory in MiB."""

    seconds: float
    python: float
    postgres: float
    peak: int


def collected(base: str) -> Collection:
    """Collect the Discord server in a process with its own database."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as var:
        Path(var).chmod(0o755)
        environment = {"VAR_DIR": var, "DISCORD_API_BASE": base, "DISCORD_BOT_TOKEN": "twin-token"}
        environment["DISCORD_REQUESTS_PER_SECOND"] = "0"
        done = subprocess.run(
            [sys.executable, "-c", COLLECT],
            env=os.environ | environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        seconds, python, postgres, peak = done.stdout.rpartition("took ")[2].split()
        return Collection(seconds=float(seconds), python=float(python), postgres=float(postgres), peak=int(peak))


def measure() -> str:
    """Return one line with the times and the peak memory, or the reason why nothing was measured."""
    if not (TWIN.exists() and PYTHON.exists()):
        return f"discord: not measured, because the twin of Discord is not installed ({TWIN})"
    with Server(FEW) as server:
        small = collected(server.base)
    with Server(MESSAGES) as server:
        bare, seen = asyncio.run(read_only(server.base))
        whole = collected(server.base)
    return (
        f"discord collection / download and parse: {whole.seconds:.1f} s / {bare:.1f} s = {whole.seconds / bare:.2f}"
        f" ({seen:,} messages, {seen / whole.seconds:,.0f} a second)\n"
        f"  microseconds of processor time a message: {1e6 * whole.python / seen:.0f} of the collector, "
        f"{1e6 * whole.postgres / seen:.0f} of PostgreSQL\n"
        f"  peak memory {small.peak} MiB for {FEW:,}, {whole.peak} MiB for {MESSAGES:,}"
    )
