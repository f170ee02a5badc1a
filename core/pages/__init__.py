"""Pages of the admin that are more than a list of rows. Each is one view, and one line below."""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseBase

from core.pages.health import health_page
from core.pages.labels import may
from core.pages.runs import progress, retry
from core.pages.search import search_page
from core.pages.thread import find_page, thread_page, whole_text
from core.pages.timeline import timeline_page


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """An address below the admin's own; pages with a ``menu`` word stand in the head of every page."""

    route: str
    name: str
    view: Callable[..., HttpResponseBase]
    menu: str = ""

    def may_be_seen(self, request: HttpRequest) -> bool:
        """Whether the menu shows it to this person."""
        return bool(self.menu) and may(request, "core.view_activity")


PAGES = [
    Page(route="search/", name="search", view=search_page, menu="Search"),
    Page(route="timeline/", name="timeline", view=timeline_page, menu="Timeline"),
    Page(route="timeline/<slug:source>/thread/", name="thread", view=thread_page),
    Page(route="timeline/<slug:source>/find/", name="find", view=find_page),
    Page(route="timeline/<int:pk>/text/", name="whole_text", view=whole_text),
    Page(route="health/", name="health", view=health_page, menu="Health"),
    Page(route="runs/<int:pk>/progress/", name="run_progress", view=progress),
    Page(route="retry/", name="retry", view=retry),
]
