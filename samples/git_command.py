"""Run git with settings that do not depend on the user or the machine."""

import os
import shutil
import subprocess
from pathlib import Path

SETTINGS = {"safe.directory": "*", "init.defaultBranch": "main", "core.autocrlf": "false", "gc.auto": "0"}


def run_git(folder: Path, *arguments: str, feed: bytes = b"", protocol: str = "") -> bytes:
    """Run git in a folder with ``feed`` as its input, and return its output.

    ``protocol`` is the value of a ``Git-Protocol`` header. Raises ``subprocess.CalledProcessError`` if git fails.
    """
    program = shutil.which("git") or "git"
    return subprocess.run(
        [program, *arguments],
        cwd=folder,
        env=_environment(program, protocol),
        input=feed,
        capture_output=True,
        check=True,
    ).stdout


def _environment(program: str, protocol: str) -> dict[str, str]:
    settings = {"GIT_CONFIG_COUNT": str(len(SETTINGS)), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    for n, (key, value) in enumerate(SETTINGS.items()):
        settings |= {f"GIT_CONFIG_KEY_{n}": key, f"GIT_CONFIG_VALUE_{n}": value}
    path = os.pathsep.join((str(Path(program).parent), os.defpath))
    return settings | {"PATH": path, "HOME": os.devnull, "LC_ALL": "C", "TZ": "UTC", "GIT_PROTOCOL": protocol}
