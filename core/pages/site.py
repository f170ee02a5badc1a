"""The admin with pages of its own: the dashboard first, and a menu in the head of every page."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.urls import URLPattern, URLResolver, path

from core.operations.visible import visible
from core.pages import PAGES
from core.pages.dashboard import dashboard_page
from core.pages.lookups import CheckedLookups

ACCOUNTS = ("admin:auth_", "admin:otp_totp_")
"""How the names of views begin whose forms can be saved with what they show."""


class ActivitySite(admin.AdminSite):
    """Django's own site, so that every model's admin goes on as documented by Django."""

    site_header = site_title = "activity-trackers"
    index_title = "What people did"
    enable_nav_sidebar = True

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Our pages, then Django's."""
        own = [path(page.route, self.admin_view(page.view), name=page.name) for page in PAGES]
        return [*own, *super().get_urls()]

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register a list, also one of a library, with parameters that are checked before they are used."""
        given: Any = admin_class or admin.ModelAdmin
        if not issubclass(given, CheckedLookups):
            given = type(given.__name__, (CheckedLookups, given), {"__module__": given.__module__})
        super().register(model_or_iterable, given, **options)

    def admin_view(self, view: Callable[..., HttpResponseBase], cacheable: bool = False) -> Any:
        """Show what hides in collected texts, on pages of ours and on Django's own; accounts stay as they are typed."""

        def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response = view(request, *args, **kwargs)
            match = request.resolver_match
            if isinstance(response, SimpleTemplateResponse) and not (match and match.view_name.startswith(ACCOUNTS)):
                response.add_post_render_callback(_show_hidden)
            return response

        return super().admin_view(update_wrapper(shown, view), cacheable)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page knows: also the menu."""
        menu = [page for page in PAGES if page.may_be_seen(request)] if self.has_permission(request) else []
        return super().each_context(request) | {"menu": menu}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The dashboard."""
        return dashboard_page(request, extra_context)


def _show_hidden(response: HttpResponseBase) -> None:
    """Replace hidden characters in a rendered page; its own words have none."""
    if isinstance(response, SimpleTemplateResponse):
        html = response.content.decode(response.charset)
        if (safe := visible(html)) != html:
            response.content = safe
