"""Log failed and locked log-ins with account and address, never with a password.

Names are written as Python literals, so that control characters in them cannot affect a terminal or start a line.
"""

import logging
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

logger = logging.getLogger(__name__)
LONGEST_NAME = 150
"""Characters of a name in the log: the maximum for an account."""


def log_failure(
    sender: object, credentials: Mapping[str, Any], request: HttpRequest | None = None, **_: object
) -> None:
    """Receive Django's ``user_login_failed``."""
    del sender
    if getattr(request, "axes_locked_out", False):
        return  # the lock is logged instead
    name = str(credentials.get("username") or "")[:LONGEST_NAME]
    logger.warning("log-in failed user=%r address=%s", name, getattr(request, "axes_ip_address", None) or "unknown")


def log_lock(sender: object, username: str | None, ip_address: str | None, **_: object) -> None:
    """Receive the signal of a log-in that is refused because too many have failed."""
    del sender
    logger.warning("log-in locked user=%r address=%s", (username or "")[:LONGEST_NAME], ip_address or "unknown")
