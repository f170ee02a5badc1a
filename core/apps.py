"""Registers core's system checks, signal receivers and secrets with Django."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import SimpleAdminConfig
from django.core.checks import CheckMessage, Tags, register

SECRETS = ("SECRET_KEY", "SLACK_BOT_TOKEN", "PINECONE_API_KEY", "EMBEDDING_API_KEY", "METRICS_TOKEN")
"""Settings of core that contain a secret. Trackers list their own in ``TrackerConfig.secret_settings``."""


class CoreConfig(AppConfig):
    """Shared tables, commands and checks. Core imports no tracker."""

    name = "core"
    verbose_name = "Activity"

    def ready(self) -> None:
        """Register the system checks, the signal receivers and the secrets."""
        import_module("core.checks")
        from django.db.backends.signals import connection_created

        from core.db.limits import limit_new_connection
        from core.monitoring.alerts import after_run
        from core.runs import run_finished
        from core.timeline_upgrade import after_run as continue_upgrade

        run_finished.connect(after_run, dispatch_uid="core.monitoring")
        run_finished.connect(continue_upgrade, dispatch_uid="core.timeline_upgrade")
        connection_created.connect(limit_new_connection, dispatch_uid="core.db.limits")
        _register_secrets()


def _register_secrets() -> None:
    """Register the secrets in the settings of core and the trackers, so that ``redact`` removes them from texts."""
    from core.logs import register_secret
    from core.trackers import installed_trackers

    names = [*SECRETS, *(name for tracker in installed_trackers() for name in tracker.secret_settings)]
    for name in names:
        value: Any = getattr(settings, name, "")
        for secret in [value] if isinstance(value, str) else value:
            register_secret(secret)
    for database in settings.DATABASES.values():
        register_secret(str(database.get("PASSWORD") or ""))


class ActivityAdminConfig(SimpleAdminConfig):
    """Django's admin with this project's site. Trackers register their models as Django's documentation describes.

    The admin modules are loaded only with the URLs or by the admin's checks. Other commands start in half the time
    without these modules, which matters because cron starts them often.
    """

    default_site = "core.pages.site.ActivitySite"

    def ready(self) -> None:
        """Register a check that loads the admin modules, and then the admin's own checks, which need these modules."""
        register(_load_admin, Tags.admin)
        super().ready()


def _load_admin(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    del app_configs, kwargs
    import_module("django.contrib.admin").autodiscover()
    return []
