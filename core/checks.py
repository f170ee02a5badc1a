"""System checks: what is missing, with a hint that says what to do."""

from collections.abc import Sequence
from typing import Any

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.db import OperationalError, connections

from core.errors import ConfigurationError

MINIMUM_POSTGRESQL = 160000


@register(Tags.database)
def check_database(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """PostgreSQL 16 or newer with pgvector at hand (only asked where a command checks its databases)."""
    del app_configs, kwargs
    found: list[CheckMessage] = []
    for alias in databases or ():
        try:
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT current_setting('server_version_num')::int")
                version = int(cursor.fetchone()[0])
                cursor.execute("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")
                has_vector = bool(cursor.fetchone()[0])
        except OperationalError:
            continue  # the connection's own error is clearer, and comes with the first query
        if version < MINIMUM_POSTGRESQL:
            found.append(
                Error(
                    f"PostgreSQL {version // 10000} is too old; 16 or newer is needed.",
                    hint="Point DATABASE_URL to a newer server, or unset it to use the embedded one.",
                    id="core.E001",
                )
            )
        if not has_vector:
            found.append(
                Error(
                    "The database server has no pgvector extension.",
                    hint="Install it on the server (Debian: postgresql-<version>-pgvector), or unset DATABASE_URL.",
                    id="core.E002",
                )
            )
    return found


@register(deploy=True)
def check_tokens(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Without a token GitHub allows 60 requests an hour and no GraphQL (asked by ``check --deploy``)."""
    del app_configs, kwargs
    if settings.GITHUB_TOKENS or settings.GITHUB_APP_ID:
        return []
    return [
        Caution(
            "GITHUB_TOKENS is empty: GitHub then allows 60 requests an hour.",
            hint="Create a token at https://github.com/settings/tokens and put it into .env as GITHUB_TOKENS.",
            id="core.W001",
        )
    ]


@register()
def check_github_app(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A GitHub App needs its id and its private key, and the key must be readable."""
    del app_configs, kwargs
    if not settings.GITHUB_APP_ID and not settings.GITHUB_APP_PRIVATE_KEY_FILE:
        return []
    from core.operations.github_ops.app_auth import read_app_credentials  # HTTP is of no use to most commands

    try:
        read_app_credentials(settings.GITHUB_APP_ID, settings.GITHUB_APP_PRIVATE_KEY_FILE)
    except ConfigurationError as error:
        return [Error(str(error), hint="See the GitHub section of .env.example.", id="core.E003")]
    return []
