"""Logs failed and locked log-ins with the account's name and the client's address, but never with a password.

Names are written as Python literals, so that control characters in a name cannot affect a terminal or start a new line.
"""

import logging
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

logger = logging.getLogger(__name__)
LONGEST_NAME = 150
"""Maximum number of characters of a name in the log. Django limits account names to the same length."""


def log_failure(
    sender: object, credentials: Mapping[str, Any], request: HttpRequest | None = None, **_: object
) -> None:
    """Log a failed log-in. Receives Django's signal ``user_login_failed``."""
    del sender
    if getattr(request, "axes_locked_out", False):
        return  # log_lock logs this attempt
    name = str(credentials.get("username") or "")[:LONGEST_NAME]
    logger.warning("log-in failed user=%r address=%s", name, getattr(request, "axes_ip_address", None) or "unknown")


def log_lock(sender: object, username: str | None, ip_address: str | None, **_: object) -> None:
    """Log a log-in that is refused because of too many failures. Receives django-axes' signal ``user_locked_out``."""
    del sender
    logger.warning("log-in locked user=%r address=%s", (username or "")[:LONGEST_NAME], ip_address or "unknown")
