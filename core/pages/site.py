"""The admin site with additional pages: the dashboard is the first page, and every page has a menu at the top."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.urls import URLPattern, URLResolver, path

from core.operations.visible import visible
from core.pages.dashboard import dashboard_page
from core.pages.health import health_page
from core.pages.labels import may
from core.pages.lookups import CheckedLookups
from core.pages.runs import progress, retry
from core.pages.search import search_page
from core.pages.thread import find_page, thread_page, whole_text
from core.pages.timeline import timeline_page


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """An admin page. ``route`` is its URL pattern below the admin's URL. Pages with a ``menu`` text are in the menu."""

    route: str
    name: str
    view: Callable[..., HttpResponseBase]
    menu: str = ""

    def is_in_menu(self, request: HttpRequest) -> bool:
        """Return whether the page is in the menu of the user who sent the request."""
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


ACCOUNTS = ("admin:auth_", "admin:otp_totp_")
"""Prefixes of the view names of account forms. Hidden characters are not replaced in these forms, because saving a form
would store the replacements."""


class ActivitySite(admin.AdminSite):
    """Django's admin site with additional pages and a menu. Every model admin works as Django documents it."""

    site_header = site_title = "activity-trackers"
    index_title = "What people did"
    enable_nav_sidebar = True

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return the URL patterns of the pages in ``PAGES``, followed by those of Django's admin."""
        own = [path(page.route, self.admin_view(page.view), name=page.name) for page in PAGES]
        return [*own, *super().get_urls()]

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register models. Their lists check query parameters, even if the model admin comes from a library."""
        checked: Any = admin_class or admin.ModelAdmin
        if not issubclass(checked, CheckedLookups):
            checked = type(checked.__name__, (CheckedLookups, checked), {"__module__": checked.__module__})
        super().register(model_or_iterable, checked, **options)

    def admin_view(self, view: Callable[..., HttpResponseBase], cacheable: bool = False) -> Any:
        """Return Django's admin view, changed so that its pages show hidden characters as code points.

        The pages of ``ACCOUNTS`` are not changed.
        """

        def with_visible_text(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response = view(request, *args, **kwargs)
            match = request.resolver_match
            if isinstance(response, SimpleTemplateResponse) and not (match and match.view_name.startswith(ACCOUNTS)):
                response.add_post_render_callback(_show_hidden)
            return response

        return super().admin_view(update_wrapper(with_visible_text, view), cacheable)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return the template context that all pages share, including the menu."""
        menu = [page for page in PAGES if page.is_in_menu(request)] if self.has_permission(request) else []
        return super().each_context(request) | {"menu": menu}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Return the dashboard."""
        return dashboard_page(request, extra_context)


def _show_hidden(response: HttpResponseBase) -> None:
    """Replace hidden characters in a page with code points. They come only from collected texts."""
    if isinstance(response, SimpleTemplateResponse):
        html = response.content.decode(response.charset)
        if (safe := visible(html)) != html:
            response.content = safe
