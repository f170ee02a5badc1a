"""One line for people: what happened, and what to do about it."""

from core.errors.classify import is_full_disk, without_database

DISK_FULL = "the disk is full: free space where VAR_DIR and the database are, then run again; nothing stored is lost"


def in_one_line(exc: BaseException) -> str:
    """The words of an error without line breaks, with advice where the words alone do not help."""
    words = " ".join(str(exc).split()) or type(exc).__name__
    if is_full_disk(exc):
        return DISK_FULL
    return f"{words}; check DATABASE_URL and its server" if without_database(exc) else words
