"""Classifies exceptions: returns the category, the exit code, and a message of one line.

The first matching rule decides. Errors of libraries are recognized by module and class name, so that no library has to
be imported.
"""

import errno
import socket
from collections.abc import Iterator, Mapping

from core.errors.project import CollectorError
from core.errors.project import CollectorFailureCategory as Category

TRANSPORTS = {"requests", "urllib3", "httpx", "httpcore", "aiohttp"}
CHAT = {"discord", "slack_sdk"}
SOCKET_ERRNOS = {
    errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE, errno.ENETUNREACH, errno.EHOSTUNREACH,
    errno.ENETDOWN, errno.EHOSTDOWN, errno.ENOTCONN, errno.EADDRNOTAVAIL, errno.ENETRESET, errno.ESHUTDOWN,
}  # fmt: skip
WINSOCK = range(10004, 11032)
"""Error codes of Windows sockets: https://learn.microsoft.com/windows/win32/winsock/windows-sockets-error-codes-2"""
SQLSTATES = {
    "08": Category.NETWORK, "28": Category.AUTH, "42501": Category.PERMISSION, "57014": Category.TIMEOUT,
    "55P03": Category.TIMEOUT, "57P": Category.NETWORK, "22": Category.VALIDATION, "23": Category.VALIDATION,
}  # fmt: skip
"""Categories by SQLSTATE prefix: https://www.postgresql.org/docs/current/errcodes-appendix.html"""
SERVER_ENDS = ("08", "57P")
"""Prefixes of SQLSTATEs that report a connection error, or a server that is stopping, starting or has crashed."""
NO_SERVER = ("connection failed", "connection is bad", "connection timeout", "failed to resolve host")
"""Beginnings of psycopg's messages when a connection could not be made. A lost connection has other messages."""
DISK_FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT}
DISK_FULL_STATE = "53100"
"""The SQLSTATE ``disk_full``: https://www.postgresql.org/docs/current/errcodes-appendix.html"""
DISK_FULL_WORDS = ("No space left on device", "Disk quota exceeded")
"""The C library's messages for a full disk. git, pg_dump and PostgreSQL repeat these messages."""
NOT_STARTED = "the embedded database cannot start"
"""Beginning of the embedded database's error message when its server does not start."""


def classify_failure(exc: BaseException) -> Category:
    """Return the category of an exception, or ``unknown``.

    The rules are applied to the exception, then to the members of an exception group, then to the exception's causes.
    """
    return _category(exc, set())


def _category(exc: BaseException, seen: set[int]) -> Category:
    current: BaseException | None = exc
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        if (category := _own(current, seen)) is not None:
            return category
        current = current.__cause__
    return Category.UNKNOWN


def exit_code_for(exc: BaseException) -> int:
    """Return the exit code of a command that ends with this exception.

    The codes are 1 (failed), 2 (wrong configuration), 3 (partial), 75 (locked), or the ``returncode`` of a
    ``CommandError``.
    """
    if isinstance(exc, CollectorError):
        return 1 if exc.after_storing and exc.exit_code == 2 else exc.exit_code
    names = _names(exc)
    if ("django.core.management.base", "CommandError") in names:
        return int(getattr(exc, "returncode", 1))
    if ("django.core.exceptions", "ImproperlyConfigured") in names:
        return 2
    # Without a connection, a setting is wrong or the server is not running. The command stored nothing.
    return 2 if _is_of_django(exc) and str(exc).startswith((*NO_SERVER, NOT_STARTED)) else 1


def without_database(exc: BaseException) -> bool:
    """Return whether the connection to the database could not be made or was lost.

    The driver's error then has no SQLSTATE, because the server could not report an error, or it has the SQLSTATE of a
    server that is stopping or starting.
    """
    if not _is_of_django(exc):
        return False
    driver = exc.__cause__
    lost = driver is not None and ("psycopg", "OperationalError") in _names(driver)
    state = str(getattr(driver, "sqlstate", None) or "")
    return str(exc).startswith(NO_SERVER) or (lost and (not state or state.startswith(SERVER_ENDS)))


def is_full_disk(exc: BaseException) -> bool:
    """Return whether an exception, one of its causes or a group member reports a full disk or a used-up disk quota."""
    seen: set[int] = set()
    remaining: list[BaseException | None] = [exc]
    while remaining:
        current = remaining.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        if (
            getattr(current, "errno", None) in DISK_FULL_ERRNOS
            or getattr(current, "sqlstate", None) == DISK_FULL_STATE
            or any(words in str(current) for words in DISK_FULL_WORDS)
        ):
            return True
        remaining += [current.__cause__, None if current.__suppress_context__ else current.__context__]
        remaining += current.exceptions if isinstance(current, BaseExceptionGroup) else ()
    return False


def _is_of_django(exc: BaseException) -> bool:
    return ("django.db.utils", "OperationalError") in _names(exc)


def _names(exc: BaseException) -> set[tuple[str, str]]:
    return {(str(cls.__module__), cls.__name__) for cls in type(exc).__mro__}


def _own(exc: BaseException, seen: set[int]) -> Category | None:
    """Return the category of an exception or its group members, or ``None``. The exception's own causes are ignored."""
    for rule in (_by_name, _by_status, _by_transport, _by_type, _by_sqlstate):
        if (category := rule(exc)) is not None:
            return category
    if isinstance(exc, BaseExceptionGroup):
        members: Iterator[Category] = (_category(member, seen) for member in exc.exceptions)
        return next((one for one in members if one is not Category.UNKNOWN), None)
    return None


def _by_name(exc: BaseException) -> Category | None:
    for module, name in _names(exc):
        if name == "CommandError" and module.startswith("django."):
            return Category.COMMAND
    if any(name == "ValidationError" for _, name in _names(exc)):
        return Category.VALIDATION
    return exc.category if isinstance(exc, CollectorError) else None


def _roots(exc: BaseException) -> set[str]:
    return {module.partition(".")[0] for module, _ in _names(exc)}


def _status(exc: BaseException) -> int | None:
    """Return the HTTP status of an error or of its response, or ``None`` if neither has a status."""
    for holder in (exc, getattr(exc, "response", None)):
        for name in ("status_code", "status", "code"):
            value = getattr(holder, name, None)
            if isinstance(value, int) and not isinstance(value, bool) and 100 <= value < 600:
                return value
    return None


def _by_status(exc: BaseException) -> Category | None:
    roots = _roots(exc)
    if not roots & (TRANSPORTS | CHAT | {"pinecone", "urllib"}):
        return None
    names = {name for _, name in _names(exc)}
    if "RateLimited" in names and "discord" in roots:
        return Category.RATE_LIMIT
    if "LoginFailure" in names and "discord" in roots:
        return Category.AUTH
    status = _status(exc)
    if status is None:
        return None
    if status == 429 or (status == 403 and _is_limit(exc)):
        return Category.RATE_LIMIT
    if status in {401, 403}:
        return Category.AUTH
    if status >= 500 or status == 408:
        return Category.NETWORK
    return Category.UNKNOWN if status >= 400 and roots & (CHAT | {"pinecone"}) else None


def _is_limit(exc: BaseException) -> bool:
    """Return whether a 403 reports one of GitHub's rate limits.

    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
    """
    response = getattr(exc, "response", None)
    body, headers = getattr(response, "text", ""), getattr(response, "headers", None)
    lower = {str(k).lower(): str(v) for k, v in headers.items()} if isinstance(headers, Mapping) else {}
    if "retry-after" in lower or lower.get("x-ratelimit-remaining") == "0":
        return True
    return "rate limit" in f"{exc} {body if isinstance(body, str) else ''}".lower()


def _by_transport(exc: BaseException) -> Category | None:
    if not _roots(exc) & (TRANSPORTS | {"pinecone"}):
        return None
    names = " ".join(name for _, name in _names(exc))
    if "NewConnectionError" in names:  # urllib3 derives it from a timeout error, but it means refused or unreachable
        return Category.NETWORK
    if "Timeout" in names:
        return Category.TIMEOUT
    if _roots(exc) & TRANSPORTS:
        return Category.NETWORK
    return Category.NETWORK if "Connection" in names else None


def _by_type(exc: BaseException) -> Category | None:
    if isinstance(exc, PermissionError):
        return Category.PERMISSION
    if isinstance(exc, TimeoutError):
        return Category.TIMEOUT
    if isinstance(exc, (ConnectionError, socket.gaierror, socket.herror)):
        return Category.NETWORK
    if isinstance(exc, OSError):
        winsock = getattr(exc, "winerror", None) or (exc.args[3] if len(exc.args) > 3 else None)
        reached = exc.errno in SOCKET_ERRNOS or (isinstance(winsock, int) and winsock in WINSOCK)
        return Category.NETWORK if reached else Category.UNKNOWN
    if isinstance(exc, ValueError):
        return Category.VALIDATION
    if ("django.db.utils", "Error") in _names(exc):
        return Category.NETWORK if without_database(exc) and not is_full_disk(exc) else Category.UNKNOWN
    return None


def _by_sqlstate(exc: BaseException) -> Category | None:
    if "psycopg" not in _roots(exc):
        return None
    state = str(getattr(exc, "sqlstate", None) or "")
    categories = [category for prefix, category in SQLSTATES.items() if state.startswith(prefix)]
    if categories:
        return categories[0]
    names = {name for _, name in _names(exc)}
    return Category.NETWORK if "OperationalError" in names and not state else Category.UNKNOWN


DISK_FULL = (
    "the disk is full: free space on the disks of VAR_DIR and the database, then run again; stored data is not lost"
)


def in_one_line(exc: BaseException) -> str:
    """Return the message of an error as one line.

    If the disk is full, return advice instead of the message. If the database is unreachable, add advice to the
    message.
    """
    words = " ".join(str(exc).split()) or type(exc).__name__
    if is_full_disk(exc):
        return DISK_FULL
    if without_database(exc):
        return f"{words}; check DATABASE_URL, and that the database server is running"
    return words
