"""What a result must be."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """Nothing is no condition. Times are aware, ``until`` is exclusive."""

    source: str | None = None
    kind: str | None = None
    scope: str | None = None
    author: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def asked(self) -> Mapping[str, str | datetime]:
        """The conditions that there are, by name."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}


def like(name: str) -> str:
    """A pattern for ILIKE that fits this very name, in upper or lower case."""
    return name.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
