"""The embedded server's files, the locks that show which processes are alive, and the detection of a full disk.

    VAR_DIR/postgres/
        data/           the cluster; "data.new-*" is the folder of an unfinished initdb
        socket          the folder of the Unix socket, or a link to a short private folder if the path is too long
        start.lock      locked by a client while it starts the server
        clients.lock    shared by all client processes until they end; if it is free, no process needs the server
        keeper.lock     locked by the supervisor
        server.lock     inherited by every server process; if it is free, no server process is left
        stop            if this file exists, the supervisor stops the server
        server.log      PostgreSQL's log

All locks use flock(2), so the kernel releases them when a process ends, even after SIGKILL.
This module imports only the standard library, because the supervisor runs without site-packages.
"""

import fcntl
import os
import re
import shutil
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

PORT = 5432  # only part of the socket's name, because the server does not listen on TCP
SOCKET_NAME = f".s.PGSQL.{PORT}"
SOCKET_PATH_BYTES = 103
"""Maximum length of a socket's path in bytes.

``sun_path`` has 108 bytes on Linux and 104 on macOS, including the final zero byte.

https://man7.org/linux/man-pages/man7/unix.7.html
"""
SUPERVISOR = "keeper"
"""Name of the supervisor's lock.

The name is the same in all versions since 0.1, so that servers of two versions cannot run in one folder.
"""


class StartError(Exception):
    """The embedded server cannot run now. The message is one line."""


class SettingsError(StartError):
    """The embedded server cannot run with these settings or as this user. The message names the next step."""


@dataclass(frozen=True)
class ClusterPaths:
    """The folder ``VAR_DIR/postgres``, with its files and locks."""

    path: Path

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def socket(self) -> Path:
        return self.path / "socket"

    @property
    def log(self) -> Path:
        return self.path / "server.log"

    @property
    def stop(self) -> Path:
        return self.path / "stop"

    def lock_file(self, name: str) -> Path:
        return self.path / f"{name}.lock"

    def address(self) -> str | None:
        """Return the socket's folder for libpq's parameter ``host``.

        Returns None if the folder does not exist or is not a private folder of the server's owner.
        """
        try:
            folder = str(self.path / self.socket.readlink())
        except OSError:
            folder = str(self.socket)
        try:
            status, owner = os.lstat(folder), self.data.stat().st_uid
        except FileNotFoundError:
            return None
        # A link points to a folder in /tmp. Another user could create a folder with the same name after its removal.
        private = stat.S_ISDIR(status.st_mode) and status.st_uid == owner and not status.st_mode & 0o077
        return folder if private else None

    def postmaster(self) -> tuple[int, str] | None:
        """Return the server's process id and status ("starting", "ready" or "stopping").

        Reads ``postmaster.pid``, which may be left over from an earlier server. Returns None if the file cannot
        be read or is incomplete.
        """
        try:
            lines = (self.data / "postmaster.pid").read_text(errors="replace").split("\n")
            return int(lines[0]), lines[7].strip()
        except (OSError, ValueError, IndexError):
            return None

    def listening(self) -> bool:
        """Return whether a server has finished its start and accepts connections."""
        postmaster, folder = self.postmaster(), self.address()
        if postmaster is None or postmaster[1] != "ready" or folder is None:
            return False
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(f"{folder}/{SOCKET_NAME}")
            except OSError:
                return False
        return True

    def open_file(self, path: Path, flags: int) -> int:
        """Open a file and return its descriptor, which child processes do not inherit.

        A file that root creates gets the owner of the folder.
        """
        descriptor = os.open(path, flags | os.O_NOFOLLOW, 0o600)
        if flags & os.O_CREAT and os.geteuid() == 0:
            owner = self.path.stat()
            os.fchown(descriptor, owner.st_uid, -1)
        return descriptor

    def lock(self, name: str, operation: int = fcntl.LOCK_EX) -> int:
        """Take a lock and return its descriptor. Close the descriptor to release the lock.

        Waits while another process holds the lock. With LOCK_NB in ``operation``, raises BlockingIOError instead.
        """
        path = self.lock_file(name)
        while True:
            descriptor = self.open_file(path, os.O_RDWR | os.O_CREAT)
            try:
                fcntl.flock(descriptor, operation)
                if same_file(descriptor, path):
                    return descriptor
            except OSError:
                os.close(descriptor)
                raise
            os.close(descriptor)  # the folder was deleted and created again in the meantime

    def try_lock(self, name: str) -> int | None:
        """Take a lock without waiting, and return its descriptor, or None if another process holds the lock."""
        try:
            return self.lock(name, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None


def same_file(descriptor: int, path: Path) -> bool:
    """Return whether the path still leads to the open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def server_processes(folder: os.stat_result) -> dict[int, str]:
    """Return the command lines of the PostgreSQL processes that run in this folder, by process id.

    The folder may have been deleted. Processes in other containers, and processes that this user may not inspect, are
    omitted. The result is empty on systems without ``/proc``.
    """
    titles: dict[int, str] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text() == "postgres\n" and os.path.samestat((process / "cwd").stat(), folder):
                titles[int(process.name)] = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue  # the process has ended, or belongs to another user
    return titles


FULL_DISK = "No space left on device"
"""The C library's message for a full disk. ``core.errors`` recognizes a full disk by this text."""
NEEDED = 2 * 16 * 1024 * 1024
"""Minimum free bytes on the disk: the server needs two segments of its write-ahead log, 16 MB each."""
TAIL = 256 * 1024
"""Maximum number of bytes that are read from the end of the server's log: several thousand lines.

More bytes would slow down each failed connection, because each of them reads the log.
"""
READY = b"database system is ready to accept connections"
FATAL = re.compile(rb"(?:PANIC|FATAL): .*No space left on device")


def log_size(paths: ClusterPaths) -> int:
    """Return the size of the server's log in bytes, or 0 if there is no log."""
    try:
        return paths.log.stat().st_size
    except OSError:
        return 0


def is_disk_full(paths: ClusterPaths, since: int) -> bool:
    """Return whether the server ended because of a full disk, or the disk has too little space for a start.

    If PostgreSQL cannot write its write-ahead log, it ends all sessions and recovers. Clients see only a lost
    connection or a server in recovery. The server's log mentions the full disk if that line could still be written.
    This function searches the log after position ``since`` (in bytes, from :func:`log_size`) and after the server was
    last ready.
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
