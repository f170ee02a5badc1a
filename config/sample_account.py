"""The account ``demo`` for log-ins to the sample community."""

import os
import secrets
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model

NAME = "demo"


def sample_password() -> str:
    """Return the password of the account ``demo``.

    The first call creates the password and stores it in VAR_DIR, in a file that only this user can read.
    """
    path: Path = settings.VAR_DIR / "demo_password"
    if path.exists() and (password := path.read_text().strip()):
        return password
    password = secrets.token_urlsafe(9)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(password)
    return password


def ensure_sample_account() -> str:
    """Create the account ``demo`` if necessary, and set its password to the stored password. Returns the password."""
    password = sample_password()
    user, _ = get_user_model().objects.get_or_create(username=NAME, defaults={"is_staff": True, "is_superuser": True})
    if not user.check_password(password):
        user.set_password(password)
        user.save()
    return password
