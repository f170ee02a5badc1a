"""Registers core with Django."""

from importlib import import_module

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Shared tables, commands and checks; knows no tracker."""

    name = "core"
    verbose_name = "Activity"

    def ready(self) -> None:
        """Register the system checks."""
        import_module("core.checks")
