"""Find out whether the embedded server ended, or does not start, because the disk is full.

PostgreSQL ends all sessions when it cannot write its write-ahead log, and then recovers. Clients see only a lost
connection or a server in recovery. The server's log names the full disk, if that line could still be written.
Imports the standard library only, because the supervisor runs without site-packages.
"""

import re
import shutil

from embedded_postgres.cluster_paths import ClusterPaths

FULL_DISK = "No space left on device"
"""The message of the C library. Callers may recognize a full disk by it."""
NEEDED = 2 * 16 * 1024 * 1024
"""Free bytes that the server needs: two segments of its write-ahead log, 16 MB each."""
TAIL = 256 * 1024
"""Bytes to read from the end of the server's log: several thousand lines."""
READY = b"database system is ready to accept connections"
FATAL = re.compile(rb"(?:PANIC|FATAL): .*No space left on device")


def log_size(paths: ClusterPaths) -> int:
    """Return the size of the server's log in bytes, or 0 if there is no log."""
    try:
        return paths.log.stat().st_size
    except OSError:
        return 0


def is_disk_full(paths: ClusterPaths, since: int) -> bool:
    """Return whether the server ended because the disk was full, or has too little space to start.

    Reads the log after position ``since`` (in bytes, from :func:`log_size`), and after the server was last ready.
    """
    try:
        with paths.log.open("rb") as log:
            begin = max(0, log_size(paths) - TAIL)
            log.seek(begin)
            tail = log.read()
        if FATAL.search(tail[max(0, since - begin) :]) or FATAL.search(tail.rpartition(READY)[2]):
            return True
        return shutil.disk_usage(paths.path).free < NEEDED
    except OSError:
        return False
