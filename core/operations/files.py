"""Files that are whole or not there, and a workspace that no name leads out of."""

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
"""How the names of files begin and end that wait for being moved to their place; no other file is ever removed."""
PRIVATE = 0o600
"""The mode of files that hold what was collected: only their owner reads them."""


class NewFile(NamedTuple):
    """A file that is being written: its name, and a descriptor that holds its lock."""

    path: Path
    descriptor: int


@contextmanager
def new_file(target: Path, mode: int | None = None) -> Generator[NewFile]:
    """Yield an empty file beside ``target``, and move it there when the block ends well; else nothing is left.

    The file is locked while it is written, so that the next writer in this folder knows and removes what a killed
    process has left there. ``mode``: the permissions; ``None``: those of any new file. Raises OSError.
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
            new.path.unlink(missing_ok=True)  # it is there only when something went wrong
        finally:
            os.close(new.descriptor)
    _sync_folder(target.parent)


@contextmanager
def open_atomic(path: Path, encoding: str = "utf-8", mode: int | None = None) -> Generator[IO[str]]:
    """Write a text file beside its place and move it there when the block ends well; else nothing is left.

    What is no regular file, such as ``/dev/null`` or a pipe, is written to directly, and a link leads to its file.
    ``mode``: see :func:`new_file`.
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
    """Remove the files that interrupted writers of this project have left in a folder.

    Those that a living process writes are locked, and stay; so does everything with another name.
    """
    prefix, suffix = TEMPORARY
    for path in folder.glob(f"{prefix}*{suffix}"):
        with suppress(OSError):  # another user's, or removed meanwhile
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(descriptor)


def _locked_file(folder: Path) -> NewFile:
    """Make an empty file that only this process removes; mode 0600."""
    prefix, suffix = TEMPORARY
    while True:
        descriptor, name = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=folder)
        try:
            with suppress(OSError):  # a file system without locks: then nothing is ever removed there
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return NewFile(Path(name), descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # another process removed it before it was locked


def _usual_mode() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _sync_folder(folder: Path) -> None:
    """Make a renaming durable, where the file system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)


class Workspace:
    """A folder for what can be fetched again."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, *names: str) -> Path:
        """A path below the root, one part a name; whatever a name holds, it stays one part, and differs from others."""
        parts = [self._part(name) for name in names]
        return self.root.joinpath(*parts)

    @staticmethod
    def _part(name: str) -> str:
        if not name:
            raise ValueError("an empty name is no part of a path")
        safe = quote(name, safe="")
        return safe.replace(".", "%2E") if set(name) == {"."} else safe[:200]
