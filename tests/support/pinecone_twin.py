"""Runs the twin of Pinecone."""

from typing import Any

from core.operations.pinecone_ops import client
from tests.support.twins import TwinProcess


class Twin(TwinProcess):
    """A running twin of Pinecone. Written records are visible immediately."""

    def __init__(self) -> None:
        super().__init__("pinecone/serve.py", "--settings", '{"visible_delay": 0}')

    def reset(self) -> None:
        """Delete all data, faults and statistics."""
        self.call("reset", {})
        self.call("settings", {"visible_delay": 0})
        client.forget_clients()  # a new index has another address

    def fault(self, **fault: Any) -> None:
        """Add a fault for the next requests."""
        self.call("faults", {"faults": [fault], "add": True})

    def rows(self, index: str = "activity-trackers") -> dict[str, list[dict[str, Any]]]:
        """Return the records of each namespace that is not empty."""
        namespaces = self.call(f"dump?index={index}")["namespaces"]
        return {name: rows for name, rows in namespaces.items() if rows}

    def count(self, route: str, statistic: str = "requests") -> int:
        """Return a statistic of a route since the last reset."""
        return int(self.call("stats")["routes"].get(route, {}).get(statistic, 0))

    def stop(self) -> None:
        """End the process, and discard the clients that are connected to it."""
        client.forget_clients()
        super().stop()
