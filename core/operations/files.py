"""Files that are whole or not there, and a workspace that no name leads out of."""

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote


@contextmanager
def open_atomic(path: Path, encoding: str = "utf-8") -> Generator[IO[str]]:
    """Write a text file beside its place and move it there when the block ends well; else nothing is left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding=encoding, newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)  # noqa: PTH101  (mkstemp's file is closed to others; a new file is not)
        os.replace(name, path)  # noqa: PTH105  (a name, not a path object)
    finally:
        Path(name).unlink(missing_ok=True)  # it is there only when something went wrong


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
