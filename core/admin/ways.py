"""Ways from the page of a row to where people read it: its thread, its source, everything that a person did."""

from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import unquote
from django.http import HttpRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """A link above the fields of a page; ``out``: it leaves this site."""

    words: str
    address: str
    out: bool = False


class Ways:
    """Mixed into an admin class, before it: its pages show links to thread and source above their fields."""

    change_form_template = "admin/with_ways.html"

    def ways(self, row: Any) -> list[Way]:
        """Return the links for a row, those inside this site first."""
        raise NotImplementedError

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Add the links."""
        base: Any = super()
        row = base.get_object(request, unquote(object_id))
        found = [way for way in self.ways(row) if not way.out or is_web(way.address)] if row else []
        return base.change_view(request, object_id, form_url, {"ways": found, **(extra_context or {})})


def is_web(address: str) -> bool:
    """Only http and https become links."""
    return address.startswith(("https://", "http://"))
