"""Builds the entry in Django's DATABASES from DATABASE_URL, or for the embedded server if DATABASE_URL is empty."""

import re
from pathlib import Path

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

EXAMPLE = "postgresql://user:password@localhost:5432/activity_trackers"
CONNECTION_OPTIONS = {
    "connect_timeout": "10",
    "keepalives": "1",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""Time limits for a server that stops responding. Without them, libpq waits for hours. The URL can override them.

A connection attempt takes at most 10 seconds. On an idle connection, probes start after 30 seconds and are repeated
every 10 seconds, and three probes without an answer end the connection. The server must acknowledge sent data within
60,000 milliseconds.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""
_SCHEME = re.compile(r"(?i:postgres|postgresql)://")
_SPACES_AND_CONTROLS = re.compile(r"[\x00-\x20\x7f]")


def database_settings(database_url: str | None, var_dir: Path) -> dict[str, object]:
    """Return the DATABASES entry for a URL, or for the embedded server in ``var_dir`` if the URL is empty.

    Does not start the embedded server. The first connection starts it. Raises ImproperlyConfigured for an unusable URL.
    The message contains no part of the URL, because the URL contains a password.
    """
    if database_url:
        return settings_from_url(database_url)
    return {
        "ENGINE": "embedded_postgres.backend",
        "NAME": "activity_trackers",
        "USER": "activity_trackers",  # an ordinary role, see embedded_postgres.roles
        "EMBEDDED_HOME": str(var_dir / "postgres"),
    }


def settings_from_url(url: str) -> dict[str, object]:
    """Return the DATABASES entry for a URL.

    Raises ImproperlyConfigured for an unusable URL. The message contains no part of the URL.
    """
    try:
        return _parse(url)
    except ValueError as error:
        # "from None", because a decoding error contains the password
        reason = "it is not UTF-8" if isinstance(error, UnicodeError) else str(error)
        raise ImproperlyConfigured(
            f"DATABASE_URL is not usable: {reason}. Write it as {EXAMPLE} (percent-encode special characters)."
        ) from None


def _parse(url: str) -> dict[str, object]:
    """Parse the URL with libpq, and return the DATABASES entry.

    Raises ValueError for an unusable URL, and for a URL that libpq accepts but that is probably a mistake.

    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
    """
    if _SPACES_AND_CONTROLS.search(url):
        raise ValueError("it contains a space or a control character")
    scheme = _SCHEME.match(url)
    if scheme is None:
        raise ValueError("it does not begin with postgresql://")
    rest = url[scheme.end() :]
    # With an unencoded "@" or "/", a part of the password would become the host or the name of the database. Error
    # messages show these names.
    authority, _, name = rest.partition("?")[0].partition("/")
    if authority.count("@") > 1 or "@" in name or "/" in name or "#" in rest:
        raise ValueError("the boundaries between its user, password, host and database are ambiguous")
    try:
        options = {key: str(value) for key, value in conninfo_to_dict(f"postgresql://{rest}").items()}
    except psycopg.Error:  # the driver's message contains the URL
        raise ValueError("it is not a URL that PostgreSQL accepts") from None
    user, password, host, port, dbname = (
        options.pop(key, "") for key in ("user", "password", "host", "port", "dbname")
    )
    if not dbname:
        raise ValueError("the name of the database is missing")
    if not all(part == "" or (part.isascii() and part.isdigit() and 0 < int(part) < 65536) for part in port.split(",")):
        raise ValueError("the port is not a number between 1 and 65535")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": dbname,
        "USER": user,
        "PASSWORD": password,
        "HOST": host,
        "PORT": port if port.strip(",") else "",
        "OPTIONS": CONNECTION_OPTIONS | options,
    }
