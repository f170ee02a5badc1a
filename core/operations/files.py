"""Atomic file writes, and paths that always stay inside the workspace folder."""

import errno
import fcntl
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import quote

TEMPORARY = (".activity-trackers-", ".tmp")
"""Prefix and suffix of temporary files. Only files with this prefix and suffix are ever removed."""
PRIVATE = 0o600
"""Mode of files with collected data. Only the owner may read and write them."""


class NewFile(NamedTuple):
    """A file that is being written: its path and its open, locked descriptor."""

    path: Path
    descriptor: int


@contextmanager
def new_file(target: Path, mode: int | None = None) -> Generator[NewFile]:
    """Yield an empty temporary file in the folder of ``target``, and rename it to ``target`` after the block.

    After an error, the temporary file is removed and ``target`` is unchanged. The file is locked while it is written.
    The next writer in this folder can therefore recognize and remove the files of killed processes. ``mode`` is the
    file's mode; ``None`` means the usual mode of new files. Raises OSError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(target.parent)
    new = _locked_file(target.parent)
    try:
        yield new
        os.fsync(new.descriptor)
        os.fchmod(new.descriptor, _usual_mode() if mode is None else mode)
        new.path.replace(target)
    finally:
        try:
            new.path.unlink(missing_ok=True)  # it still exists only after an error
        finally:
            os.close(new.descriptor)
    _sync_folder(target.parent)


@contextmanager
def open_atomic(path: Path, encoding: str = "utf-8", mode: int | None = None) -> Generator[IO[str]]:
    """Yield a text file that replaces ``path`` when the block ends without an error.

    Special files such as ``/dev/null`` or a pipe are written directly. If ``path`` is a symbolic link, its target is
    replaced. For ``mode``, see :func:`new_file`.
    """
    if path.exists() and not path.is_file():
        with path.open("w", encoding=encoding, newline="") as file:
            yield file
        return
    with (
        new_file(path.resolve(), mode) as new,
        os.fdopen(new.descriptor, "w", encoding=encoding, newline="", closefd=False) as file,
    ):
        yield file


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files that killed processes of this project left in a folder.

    Files of running processes stay, because they are locked. Files with other names are never touched.
    """
    prefix, suffix = TEMPORARY
    for path in folder.glob(f"{prefix}*{suffix}"):
        with suppress(OSError):  # the file belongs to another user, or another process removed it
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(descriptor)


def _locked_file(folder: Path) -> NewFile:
    """Create an empty, locked temporary file with mode 0600."""
    prefix, suffix = TEMPORARY
    while True:
        descriptor, name = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=folder)
        try:
            with suppress(OSError):  # this file system has no locks, so abandoned files stay
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return NewFile(Path(name), descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # another process removed the file before the lock


def _usual_mode() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _sync_folder(folder: Path) -> None:
    """Make a rename in this folder survive a power failure, if the file system supports it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)


class Workspace:
    """A folder for data that can be downloaded again, such as clones."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, *names: str) -> Path:
        """Return a path below the root with one component for each name. Names may contain any characters.

        Names are percent-encoded and cut to 200 characters. Raises ValueError for an empty name.
        """
        parts = [self._part(name) for name in names]
        return self.root.joinpath(*parts)

    @staticmethod
    def _part(name: str) -> str:
        if not name:
            raise ValueError("a path component must not be empty")
        safe = quote(name, safe="")
        return safe.replace(".", "%2E") if set(name) == {"."} else safe[:200]
