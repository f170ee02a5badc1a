"""Registers core with Django."""

from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class CoreConfig(AppConfig):
    """Shared tables, commands and checks; knows no tracker."""

    name = "core"
    verbose_name = "Activity"

    def ready(self) -> None:
        """Register the system checks, and who hears of the end of a run."""
        import_module("core.checks")
        from core.monitoring.hooks import after_run
        from core.runs import run_finished

        run_finished.connect(after_run, dispatch_uid="core.monitoring")


class ActivityAdminConfig(AdminConfig):
    """Django's admin with this project's site; every tracker registers its models as Django documents."""

    default_site = "core.pages.site.ActivitySite"
