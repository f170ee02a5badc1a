"""The database: DATABASE_URL, or an embedded PostgreSQL that starts by itself under VAR_DIR.

The keeper imports this package without site-packages, so Django is imported only where it is needed.
"""

from pathlib import Path


def database_settings(database_url: str | None, var_dir: Path) -> dict[str, object]:
    """Django's DATABASES entry. Nothing starts here: the embedded server does with the first connection.

    Raises ImproperlyConfigured for a URL that is not usable; its text holds nothing of the URL.
    """
    if database_url:
        from config.database.url import settings_from_url

        return settings_from_url(database_url)
    return {
        "ENGINE": "config.database.backend",
        "NAME": "activity_trackers",
        "USER": "activity_trackers",  # an ordinary role: config.database.roles
        "EMBEDDED_HOME": str(var_dir / "postgres"),
    }


def stop_server(var_dir: Path) -> None:
    """Stop the embedded server of this folder; returns when it has ended."""
    from config.database.client import stop
    from config.database.home import Home

    stop(Home(var_dir / "postgres"))
