"""One line for people: what happened, and what to do about it."""

import errno

DISK_FULL = "the disk is full: free space where VAR_DIR and the database are, then run again; nothing stored is lost"


def in_one_line(exc: BaseException) -> str:
    """The words of an error without line breaks, with advice where the words alone do not help."""
    words = " ".join(str(exc).split()) or type(exc).__name__
    if getattr(exc, "errno", None) == errno.ENOSPC or "No space left on device" in words:
        return DISK_FULL
    names = {(cls.__module__, cls.__name__) for cls in type(exc).__mro__}
    unreachable = ("django.db.utils", "OperationalError") in names and not getattr(exc.__cause__, "sqlstate", None)
    return f"{words}; check DATABASE_URL and its server" if unreachable and "DATABASE_URL" not in words else words
