"""The contract types of ``.importlinter``: they find the trackers by name, and read lists from one line."""

from typing import Any

from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract

TRACKERS = "*_activity_tracker"
"""In an option: every root package with this name, as an entry of a list or beside each other in a layer."""
LISTS = frozenset({"containers", "exhaustive_ignores", "forbidden_modules", "ignore_imports", "source_modules"})
"""Options whose entries may also be separated by commas; import-linter itself reads one entry from each line."""


class TrackerLayers(LayersContract):
    """Layers whose ``layers`` and ``containers`` may name all trackers at once."""

    def __init__(self, name: str, session_options: dict[str, Any], contract_options: dict[str, Any]) -> None:
        super().__init__(name, session_options, _expanded(contract_options, session_options))


class TrackerForbidden(ForbiddenContract):
    """Forbidden imports whose ``source_modules`` may name all trackers at once."""

    def __init__(self, name: str, session_options: dict[str, Any], contract_options: dict[str, Any]) -> None:
        super().__init__(name, session_options, _expanded(contract_options, session_options))


def _expanded(options: dict[str, Any], session_options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with each list as a list, and with the names of the trackers in place of ``TRACKERS``."""
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
