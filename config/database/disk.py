"""Whether a full disk is why the embedded server ended or does not start. Standard library only.

PostgreSQL ends all sessions when it cannot write its log of changes, and then recovers. Clients learn only that
the connection is lost or that the server is in recovery. Its log names the disk, if that line could still be written.
"""

import re
import shutil

from config.database.home import Home

FULL_DISK = "No space left on device"
"""The C library's words, by which ``core.errors`` recognizes a full disk."""
NEEDED = 2 * 16 * 1024 * 1024
"""Bytes below which the server cannot go on: it writes its log of changes in files of 16 MB."""
TAIL = 256 * 1024
"""Bytes at the end of the server's log that are read."""
READY = b"database system is ready to accept connections"
FATAL = re.compile(rb"(?:PANIC|FATAL): .*No space left on device")


def log_size(home: Home) -> int:
    """Return the size of the server's log in bytes; 0 when there is none."""
    try:
        return home.log.stat().st_size
    except OSError:
        return 0


def is_disk_full(home: Home, since: int) -> bool:
    """Return whether the server ended because the disk was full, or has too little space to start.

    Reads what it logged after ``since`` (bytes, of :func:`log_size`), and since it was last ready.
    """
    try:
        with home.log.open("rb") as log:
            begin = max(0, log_size(home) - TAIL)
            log.seek(begin)
            tail = log.read()
        if FATAL.search(tail[max(0, since - begin) :]) or FATAL.search(tail.rpartition(READY)[2]):
            return True
        return shutil.disk_usage(home.path).free < NEEDED
    except OSError:
        return False
