"""The stand-in for Pinecone beside the project; what needs it is skipped where it is not there."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from core.operations.pinecone_ops import client

ROOT = Path(__file__).parents[2]
SERVER = ROOT.parent / "shared" / "twins" / "pinecone" / "serve.py"
PYTHON = ROOT / ".twins" / "bin" / "python"


class Twin:
    """A running stand-in, and its own controls."""

    def __init__(self) -> None:
        if not (SERVER.exists() and PYTHON.exists()):
            pytest.skip("the stand-ins are not beside the project")
        command = [str(PYTHON), str(SERVER), "--port", "0", "--settings", '{"visible_delay": 0}']
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def ask(self, what: str, body: Mapping[str, Any] | None = None) -> Any:
        """GET, or POST what is given."""
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(f"{self.url}/_twin/{what}", data), timeout=10) as answer:  # noqa: S310
            return json.loads(answer.read())

    def reset(self) -> None:
        self.ask("reset", {})
        self.ask("settings", {"visible_delay": 0})
        client.forget_clients()  # a new index has another address

    def fault(self, **fault: Any) -> None:
        self.ask("faults", {"faults": [fault], "add": True})

    def rows(self, index: str = "activity-trackers") -> dict[str, list[dict[str, Any]]]:
        """Every namespace that holds anything."""
        found = self.ask(f"dump?index={index}")["namespaces"]
        return {name: rows for name, rows in found.items() if rows}

    def count(self, route: str, what: str = "requests") -> int:
        return int(self.ask("stats")["routes"].get(route, {}).get(what, 0))

    def stop(self) -> None:
        client.forget_clients()
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
