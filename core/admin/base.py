"""The base class of the model admins, and links to sources."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import capfirst

from core.admin.lists import EstimatingPaginator, cheap_filter, search_rows
from core.admin.long_texts import LongTexts
from core.pages.lookups import CheckedLookups


class MirrorAdmin(CheckedLookups, LongTexts):
    """Base class of the model admins: read-only by default, with search and filters that are fast for large tables."""

    paginator = EstimatingPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # facets would count the rows for each value of each filter
    list_per_page = 50
    search: Callable[[QuerySet[Any], Any, str], QuerySet[Any]] = staticmethod(search_rows)
    staff_may_change = False
    """Whether staff may change the fields that are not read-only, such as the switch that enables collection."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Use the plural model name as the title of the list. Django's title asks users to select a row to change."""
        title = capfirst(str(self.model._meta.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Return the entries of ``list_filter``, with filter classes that stay fast for large tables."""
        return [cheap_filter(self.model, name) for name in super().get_list_filter(request)]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Return the matching rows, and False because they contain no duplicates."""
        return self.search(queryset, self.get_search_fields(request), search_term), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False, because only commands create rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether ``staff_may_change`` is set and the user is staff."""
        return self.staff_may_change and bool(getattr(request.user, "is_staff", False))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return False, because only commands delete rows."""
        return False


def link(url: str, text: str = "open") -> Any:
    """Return a link that opens a URL in a new tab, or a dash if the URL is not http or https."""
    if not url.startswith(("https://", "http://")):
        return "-"
    return format_html('<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>', url, text)
