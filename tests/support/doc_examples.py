"""Follows the instructions of a documentation page in a copy of the repository."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = re.compile(r"^`([\w/.]+)`:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^    ((?:\.venv/bin/|make |cp |[A-Z_]+=\S+ \.venv/bin/).*)$", re.MULTILINE)


def copy_repository(target: Path) -> Path:
    """Copy all files that git does not ignore, and link the virtual environment.

    Commands in the copy use a separate database, because its VAR_DIR is in the copy.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    (target / ".venv").symlink_to((ROOT / ".venv").resolve())
    return target


def run(order: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command line without a shell. Expands ``*``, and moves NAME=value words at its start to the environment.

    Raises no exception if the command fails.
    """
    words = shlex.split(order, comments=True)
    words = [path for word in words for path in (sorted(map(str, cwd.glob(word))) if "*" in word else [word])]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DJANGO_"))}
    env.pop("VAR_DIR", None)
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        env[name] = value
    return subprocess.run(words, cwd=cwd, env=env | more, capture_output=True, text=True, check=False, timeout=300)


def files(page: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the content of each file that a page shows."""
    for match in FILE.finditer(page):
        yield match[1], match[2]


def commands(page: str) -> list[str]:
    """Return the commands on a page in order. Lines that end with a backslash are joined with the next line."""
    blocks = [(m.start(), m[1]) for pattern in (SHELL, INDENTED) for m in pattern.finditer(page)]
    lines = [line for _, text in sorted(blocks) for line in text.replace("\\\n", " ").splitlines()]
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
