"""Where the embedded server lives on disk, and the locks that tell who is alive.

    VAR_DIR/postgres/
        data/           the cluster; "data.new-*" is an initdb that has not finished
        socket          folder of the Unix socket, or a link to a short private one when the path is too long
        start.lock      held by the client that starts or stops the server
        clients.lock    shared by every client process for its life; nobody holds it = nobody needs the server
        keeper.lock     held by the keeper
        server.lock     inherited by every server process: free = none of them is left
        stop            asks the keeper to stop the server
        server.log      what PostgreSQL and the keeper say

All locks are flock(2): the kernel releases them when a process dies, however it dies.
The keeper runs without site-packages, so this module and what it imports need the standard library only.
"""

import fcntl
import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

PORT = 5432  # part of the socket's name; nothing listens on TCP
SOCKET_NAME = f".s.PGSQL.{PORT}"
# sockaddr_un holds 108 bytes on Linux and 104 on macOS, with the final zero:
# https://man7.org/linux/man-pages/man7/unix.7.html
SOCKET_PATH_BYTES = 103


class StartFailed(Exception):
    """The embedded server cannot run now; the message is one line and says what to do."""


class SettingsFault(StartFailed):
    """It cannot run with these settings, or not for this user."""


@dataclass(frozen=True)
class Home:
    """``VAR_DIR/postgres``."""

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
        """The socket's folder for libpq's ``host``; None where there is none that can be trusted."""
        try:
            folder = str(self.path / self.socket.readlink())
        except OSError:
            folder = str(self.socket)
        try:
            found, owner = os.lstat(folder), self.data.stat().st_uid
        except FileNotFoundError:
            return None
        # A link leads to a folder below /tmp, where others can put one of the same name once ours is gone.
        private = stat.S_ISDIR(found.st_mode) and found.st_uid == owner and not found.st_mode & 0o077
        return folder if private else None

    def postmaster(self) -> tuple[int, str] | None:
        """Process id and status ("starting", "ready", "stopping") as the server wrote them; they may be stale."""
        try:
            lines = (self.data / "postmaster.pid").read_text(errors="replace").split("\n")
            return int(lines[0]), lines[7].strip()
        except (OSError, ValueError, IndexError):
            return None

    def listening(self) -> bool:
        """True when a server that has finished its start accepts connections."""
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
        """A descriptor that children do not inherit; what root makes belongs to the owner of the folder."""
        descriptor = os.open(path, flags | os.O_NOFOLLOW, 0o600)
        if flags & os.O_CREAT and os.geteuid() == 0:
            owner = self.path.stat()
            os.fchown(descriptor, owner.st_uid, -1)
        return descriptor

    def lock(self, name: str, operation: int = fcntl.LOCK_EX) -> int:
        """Wait for a lock; closing the descriptor releases it. With LOCK_NB, BlockingIOError when it is taken."""
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
            os.close(descriptor)  # the folder was deleted and made again meanwhile

    def try_lock(self, name: str) -> int | None:
        """Take a lock at once, or None when somebody holds it."""
        try:
            return self.lock(name, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None


def same_file(descriptor: int, path: Path) -> bool:
    """False when the path meanwhile names another file, or none."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def server_processes(folder: os.stat_result) -> dict[int, str]:
    """Titles by process id of the PostgreSQL processes that work in this folder, even when it has been deleted.

    Empty where there is no ``/proc``. Processes of other users or in other containers are not seen.
    """
    found: dict[int, str] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text() == "postgres\n" and os.path.samestat((process / "cwd").stat(), folder):
                found[int(process.name)] = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue  # it ended, or it is somebody else's
    return found
