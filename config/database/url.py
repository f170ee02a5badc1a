"""DATABASE_URL -> Django's settings of one PostgreSQL server.

Accepts what libpq accepts: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
The standard library's splitter is not enough: it takes "+" for a blank, knows no list of hosts, and repeats the
password in some of its errors.
"""

import re
from urllib.parse import unquote

from django.core.exceptions import ImproperlyConfigured

EXAMPLE = "postgresql://user:password@localhost:5432/activity_trackers"
CONNECTION_OPTIONS = {
    "connect_timeout": "10",
    "keepalives": "1",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""Bounds for a server that stops answering, unless the address has its own; the driver alone would wait for hours.

Seconds to connect, seconds and number of probes on a silent connection, milliseconds until sent data is acknowledged.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""
_URL = re.compile(
    r"(?i:postgres|postgresql)://"
    r"(?:(?P<user>[^:@/?#]*)(?::(?P<password>[^@/?#]*))?@)?"
    r"(?P<hosts>[^@/?#]*)"
    r"(?:/(?P<name>[^/?#]*))?"
    r"(?:\?(?P<options>[^#]*))?"
)
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(?::(?P<port>[0-9]*))?")
_SPACES_AND_CONTROLS = re.compile(r"[\x00-\x20\x7f]")


def settings_from_url(url: str) -> dict[str, object]:
    """Django's DATABASES entry; raises ImproperlyConfigured, whose text holds nothing of the URL."""
    try:
        return _parse(url)
    except ValueError as error:
        # "from None": the cause of a decoding error would show the undecoded password.
        reason = "it is not UTF-8" if isinstance(error, UnicodeError) else str(error)
        raise ImproperlyConfigured(
            f"DATABASE_URL is not usable: {reason}. Write it as {EXAMPLE} (percent-encode special characters)."
        ) from None


def _parse(url: str) -> dict[str, object]:
    if _SPACES_AND_CONTROLS.search(url):
        raise ValueError("it contains a blank or a control character")
    if not re.match(r"(?i)postgres(ql)?://", url):
        raise ValueError("it does not begin with postgresql://")
    parts = _URL.fullmatch(url)
    if parts is None:
        raise ValueError("user, password, host and database cannot be told apart")
    hosts, ports = _hosts(parts["hosts"])
    fields = {
        "user": _decoded(parts["user"] or ""),
        "password": _decoded(parts["password"] or ""),
        "host": hosts,
        "port": ports,
        "dbname": _decoded(parts["name"] or ""),
    }
    options = _options(parts["options"] or "")
    fields |= {key: options.pop(key) for key in list(options) if key in fields}  # libpq: the query part wins
    if not fields["dbname"]:
        raise ValueError("the name of the database is missing")
    if not all(port == "" or 0 < int(port) < 65536 for port in _ports(fields["port"])):
        raise ValueError("the port is not between 1 and 65535")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": fields["dbname"],
        "USER": fields["user"],
        "PASSWORD": fields["password"],
        "HOST": fields["host"],
        "PORT": fields["port"],
        "OPTIONS": CONNECTION_OPTIONS | options,
    }


def _hosts(text: str) -> tuple[str, str]:
    """The hosts and the ports, each joined by commas, as libpq and Django take them."""
    found = [_HOST.fullmatch(part) for part in text.split(",")]
    matches = [match for match in found if match is not None]
    if len(matches) < len(found):
        raise ValueError("the host or the port is malformed")
    hosts = [_decoded(match["host"]) for match in matches]
    ports = [match["port"] or "" for match in matches]
    bare = [host[1:-1] if host.startswith("[") else host for host in hosts]
    return ",".join(bare), ",".join(ports) if any(ports) else ""


def _ports(text: str) -> list[str]:
    ports = text.split(",")
    if not all(port == "" or (port.isascii() and port.isdigit()) for port in ports):
        raise ValueError("the port is not a number")
    return ports


def _options(text: str) -> dict[str, str]:
    """The query part. "+" stays a plus: libpq decodes percent signs only."""
    options: dict[str, str] = {}
    for pair in filter(None, text.split("&")):
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise ValueError("an option is not written as name=value")
        options[_decoded(key)] = _decoded(value)
    return options


def _decoded(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise ValueError("a percent sign is not followed by two hexadecimal digits")
    decoded = unquote(text, errors="strict")
    if "\0" in decoded:
        raise ValueError("it contains %00")
    return decoded
