"""Registers core with Django."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Shared tables, commands and checks; knows no tracker."""

    name = "core"
    verbose_name = "Activity"

    def ready(self) -> None:
        """Register the system checks."""
        from core import checks  # noqa: F401  (importing registers them)
