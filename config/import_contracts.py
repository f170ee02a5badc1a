"""The contract types of ``.importlinter`` that find the trackers by the name of their package."""

from typing import Any

from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract

TRACKERS = "*_activity_tracker"
"""In an option: every root package with this name, on a line of its own or beside each other in a layer."""


class TrackerLayers(LayersContract):
    """Layers whose ``layers`` and ``containers`` may name all trackers at once."""

    def __init__(self, name: str, session_options: dict[str, Any], contract_options: dict[str, Any]) -> None:
        super().__init__(name, session_options, _expanded(contract_options, session_options))


class TrackerForbidden(ForbiddenContract):
    """Forbidden imports whose ``source_modules`` may name all trackers at once."""

    def __init__(self, name: str, session_options: dict[str, Any], contract_options: dict[str, Any]) -> None:
        super().__init__(name, session_options, _expanded(contract_options, session_options))


def _expanded(options: dict[str, Any], session_options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with the names of the trackers in place of ``TRACKERS``."""
    trackers = sorted(root for root in session_options["root_packages"] if root.endswith(TRACKERS.removeprefix("*")))

    def expanded(name: str, value: Any) -> Any:
        lines: list[str] = value if isinstance(value, list) else [value]
        if TRACKERS not in lines:
            return value
        names = [" | ".join(trackers)] if name == "layers" else trackers
        return [line for option in lines for line in (names if option == TRACKERS else [option])]

    return {name: expanded(name, value) for name, value in options.items()}
