"""The admin with pages of its own: the dashboard first, and a menu in the head of every page."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path

from core.pages import PAGES
from core.pages.dashboard import dashboard_page


class ActivitySite(admin.AdminSite):
    """Django's own site, so that every model's admin goes on as documented by Django."""

    site_header = site_title = "activity-trackers"
    index_title = "What people did"
    enable_nav_sidebar = True

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Our pages, then Django's."""
        own = [path(page.route, self.admin_view(page.view), name=page.name) for page in PAGES]
        return [*own, *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page knows: also the menu."""
        menu = [page for page in PAGES if page.may_be_seen(request)] if self.has_permission(request) else []
        return super().each_context(request) | {"menu": menu}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The dashboard."""
        return dashboard_page(request, extra_context)
