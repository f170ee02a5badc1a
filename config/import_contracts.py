"""Contract types for ``.importlinter``. Their options may contain comma-separated lists and ``TRACKERS``."""

from typing import Any

from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract

TRACKERS = "*_activity_tracker"
"""Pattern that stands for all trackers, which are the root packages with a matching name.

In a list, the pattern is replaced by one entry for each tracker. In ``layers``, it is replaced by one layer that
contains all trackers.
"""
LISTS = frozenset({"containers", "exhaustive_ignores", "forbidden_modules", "ignore_imports", "source_modules"})
"""Options that may have several comma-separated entries in one line. import-linter alone expects one entry per line."""


class TrackerLayers(LayersContract):
    """A layers contract. Its options ``layers`` and ``containers`` may contain the pattern ``TRACKERS``."""

    def __init__(self, name: str, session_options: dict[str, Any], contract_options: dict[str, Any]) -> None:
        super().__init__(name, session_options, _expanded(contract_options, session_options))


class TrackerForbidden(ForbiddenContract):
    """A contract of forbidden imports. Its lists, such as ``source_modules``, may contain the pattern ``TRACKERS``."""

    def __init__(self, name: str, session_options: dict[str, Any], contract_options: dict[str, Any]) -> None:
        super().__init__(name, session_options, _expanded(contract_options, session_options))


def _expanded(options: dict[str, Any], session_options: dict[str, Any]) -> dict[str, Any]:
    """Split the comma-separated lists in the options, and replace ``TRACKERS`` with the names of the trackers."""
    trackers = sorted(root for root in session_options["root_packages"] if root.endswith(TRACKERS.removeprefix("*")))

    def expanded(name: str, value: Any) -> Any:
        lines: list[str] = value if isinstance(value, list) else [value]
        if name == "layers":
            return [" | ".join(trackers) if line == TRACKERS else line for line in lines]
        if name not in LISTS:
            return value
        entries = [entry.strip() for line in lines for entry in line.split(",")]
        return [one for entry in entries for one in (trackers if entry == TRACKERS else [entry])]

    return {name: expanded(name, value) for name, value in options.items()}
