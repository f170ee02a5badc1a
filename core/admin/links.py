"""Links above the fields of a row, for example to its thread, to its source, or to all activities of a person."""

from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import unquote
from django.http import HttpRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class RowLink:
    """A link above the fields of a row. ``out`` is true if the link leads to another site."""

    text: str
    address: str
    out: bool = False


class RowLinks:
    """Mixin that shows links above the fields of a row. List it before the admin class."""

    change_form_template = "admin/with_links.html"

    def row_links(self, row: Any) -> list[RowLink]:
        """Return the links of a row. Links to pages of this site come first."""
        raise NotImplementedError

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Return the page of a row with its links. Links to other sites are omitted if they are not http or https."""
        base: Any = super()
        row = base.get_object(request, unquote(object_id))
        links = [link for link in self.row_links(row) if not link.out or is_web(link.address)] if row else []
        return base.change_view(request, object_id, form_url, {"row_links": links, **(extra_context or {})})


def is_web(address: str) -> bool:
    """Return whether a URL is http or https. Other URLs, such as ``javascript:``, may be unsafe to open."""
    return address.startswith(("https://", "http://"))
