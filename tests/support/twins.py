"""Pytest plugin for tests that need the twins, which are local imitations of GitHub, Discord and Pinecone.

The twins are not part of this repository. If they are missing, tests with the marker ``twin`` are skipped, and the
summary of the test run shows how many. Tests with the project's own sample servers need no twin.
"""

import json
import subprocess
from pathlib import Path
from typing import Any, Self
from urllib.request import Request, urlopen

import pytest

from core.operations.output import number_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT.parent / "shared" / "twins"
PYTHON = ROOT / ".twins" / "bin" / "python"
"""The interpreter with the packages that the twins need."""
MISSING = "the twins are not installed"


def available() -> bool:
    """Return whether the twins and their interpreter are installed."""
    return FOLDER.exists() and PYTHON.exists()


def require() -> None:
    """Skip the current test if the twins are missing."""
    if not available():
        pytest.skip(MISSING)


class TwinProcess:
    """A running twin. It is also a context manager that stops the twin."""

    def __init__(self, script: str, *options: str) -> None:
        """Start ``script`` (a path in ``FOLDER``) on a free port, and read its URL from the first line of output."""
        require()
        command = [str(PYTHON), str(FOLDER / script), "--port", "0", *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1].removesuffix("/api/v10")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def call(self, path: str, body: object = None) -> Any:
        """Send a request to the twin's control plane, and return the decoded response.

        The method is POST if there is a body, and GET otherwise.
        """
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(f"{self.url}/_twin/{path}", data=data), timeout=60) as answer:  # noqa: S310  (a local address)
            return json.loads(answer.read())

    def stop(self) -> None:
        """End the process of the twin."""
        self._process.terminate()
        self._process.communicate(timeout=20)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test with the marker ``twin`` if the twins are missing. This happens before its fixtures are set up."""
    if item.get_closest_marker("twin"):
        require()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the number of tests that were skipped because the twins are missing."""
    skipped = sum(MISSING in str(report.longrepr) for report in terminalreporter.stats.get("skipped", []))
    if skipped:
        terminalreporter.write_sep("-", f"{number_of(skipped, 'test')} skipped: {MISSING} ({FOLDER})")
