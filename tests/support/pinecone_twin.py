"""Runs the Pinecone twin, a local imitation of Pinecone."""

from typing import Any

from core.operations.pinecone_ops import client
from tests.support.twins import TwinProcess


class Twin(TwinProcess):
    """A running Pinecone twin. Written records are visible immediately."""

    def __init__(self) -> None:
        super().__init__("pinecone/serve.py", "--settings", '{"visible_delay": 0}')

    def reset(self) -> None:
        """Delete all data, faults and statistics."""
        self.call("reset", {})
        self.call("settings", {"visible_delay": 0})
        client.forget_clients()  # because a new index has another URL

    def fault(self, **fault: Any) -> None:
        """Make the next requests fail, as described by ``fault``. Earlier faults stay in effect."""
        self.call("faults", {"faults": [fault], "add": True})

    def rows(self, index: str = "activity-trackers") -> dict[str, list[dict[str, Any]]]:
        """Return the records of an index by namespace. Empty namespaces are omitted."""
        namespaces = self.call(f"dump?index={index}")["namespaces"]
        return {name: rows for name, rows in namespaces.items() if rows}

    def host(self, index: str = "activity-trackers") -> str:
        """Return the address of an index, as Pinecone's console shows it."""
        return self.call("stats")["indexes"][index]["host"]

    def count(self, route: str, statistic: str = "requests") -> int:
        """Return a statistic of a route, such as the number of its requests since the last reset."""
        return int(self.call("stats")["routes"].get(route, {}).get(statistic, 0))

    def stop(self) -> None:
        """End the process of the twin, and discard the clients that are connected to the twin."""
        client.forget_clients()
        super().stop()
