"""Registers core with Django."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import SimpleAdminConfig
from django.core.checks import CheckMessage, Tags, register


class CoreConfig(AppConfig):
    """Shared tables, commands and checks; knows no tracker."""

    name = "core"
    verbose_name = "Activity"

    def ready(self) -> None:
        """Register the system checks, and who hears of the end of a run."""
        import_module("core.checks")
        from django.db.backends.signals import connection_created

        from core.db.limits import limit_new_connection
        from core.monitoring.hooks import after_run
        from core.runs import run_finished

        run_finished.connect(after_run, dispatch_uid="core.monitoring")
        connection_created.connect(limit_new_connection, dispatch_uid="core.db.limits")
        _hide_secrets()


def _hide_secrets() -> None:
    """From now on no secret of the settings is in any text that is redacted, whatever it looks like."""
    from core.logs.redaction import register_secret

    names = (
        "SECRET_KEY",
        "DISCORD_BOT_TOKEN",
        "SLACK_BOT_TOKEN",
        "PINECONE_API_KEY",
        "EMBEDDING_API_KEY",
        "METRICS_TOKEN",
    )
    values = [str(getattr(settings, name, "")) for name in names]
    values += [*settings.GITHUB_TOKENS, *settings.DISCORD_BOT_TOKENS]
    values += [str(one.get("PASSWORD") or "") for one in settings.DATABASES.values()]
    for value in values:
        register_secret(value)


class ActivityAdminConfig(SimpleAdminConfig):
    """Django's admin with this project's site; every tracker registers its models as Django documents.

    The modules of the admin are loaded with the URLs, or when they are checked: commands that show no page, which cron
    starts all the time, begin in half the time without them.
    """

    default_site = "core.pages.site.ActivitySite"

    def ready(self) -> None:
        """Register the checks of the admin, and before them what they check."""
        register(_load_admin, Tags.admin)
        super().ready()


def _load_admin(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    del app_configs, kwargs
    import_module("django.contrib.admin").autodiscover()
    return []
