"""System checks of the database and of the trackers. The hint of each message says what to do."""

from collections.abc import Sequence
from typing import Any

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import OperationalError, connections

from core.trackers import installed_trackers

MINIMUM_POSTGRESQL = 160000
"""The oldest supported version in the format of ``server_version_num``: the major version times 10,000.

PostgreSQL 16 is the oldest version with which CI runs the tests.
"""


@register(Tags.database)
def check_database(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Require PostgreSQL 16 or newer with pgvector.

    Django runs this check only in commands that check databases, such as ``migrate``.
    """
    del app_configs, kwargs
    messages: list[CheckMessage] = []
    for alias in databases or ():
        try:
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT current_setting('server_version_num')::int")
                version = int(cursor.fetchone()[0])
                cursor.execute("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")
                has_vector = bool(cursor.fetchone()[0])
        except OperationalError:
            continue  # the first query of the command reports the connection error more clearly
        if version < MINIMUM_POSTGRESQL:
            messages.append(
                Error(
                    f"PostgreSQL {version // 10000} is too old; it must be version 16 or newer.",
                    hint="Point DATABASE_URL to a newer server, or unset it to use the embedded server.",
                    id="core.E001",
                )
            )
        if not has_vector:
            messages.append(
                Error(
                    "The database server has no pgvector extension.",
                    hint="Install it on the server (Debian: postgresql-<version>-pgvector), or unset DATABASE_URL.",
                    id="core.E002",
                )
            )
    return messages


@register()
def check_trackers(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Run the checks of every installed tracker, and require that its settings exist."""
    del app_configs, kwargs
    messages: list[CheckMessage] = []
    for tracker in installed_trackers():
        messages += [
            Error(
                f"{tracker.verbose_name} needs the setting {name}, which does not exist.",
                hint="Define it in config/settings.py, and read its value from the environment.",
                id="core.E004",
            )
            for name in (*tracker.setting_names, *tracker.secret_settings)
            if not hasattr(settings, name)
        ]
        messages += tracker.checks()
    return messages


@register(deploy=True)
def check_trackers_in_production(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Run the deployment checks of every installed tracker. Django runs this check only for ``check --deploy``."""
    del app_configs, kwargs
    return [message for tracker in installed_trackers() for message in tracker.deployment_checks()]
