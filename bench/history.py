"""Measures the time to collect a Git history, relative to the time of ``git log`` alone."""

import subprocess
import tempfile
from pathlib import Path

from django.core.management import call_command
from django.test.utils import override_settings

from bench import histories
from bench.collection import seconds
from core.operations.github_ops.git_log import ARGUMENTS

ROUNDS = 3
SHAPES = {"realistic": (histories.realistic, 5_000), "tiny commits": (histories.tiny, 10_000)}


def measure() -> str:
    """Return one line for each shape of history, with the best times of several rounds.

    Each round first runs ``git log`` and then the collection.
    """
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder_name:
        for shape, (make, commits) in SHAPES.items():
            folder = Path(folder_name, "sample", f"{commits}.git")
            folder.parent.mkdir(exist_ok=True)
            histories.write(folder, make(commits))
            times = [(_bare(folder), _whole(folder_name, folder, turn)) for turn in range(ROUNDS)]
            bare, whole = (min(side) for side in zip(*times, strict=True))
            lines.append(
                f"history / git log, {shape}: {whole:.2f} s / {bare:.2f} s = {whole / bare:.2f} ({commits:,} commits)"
            )
    return "\n".join(lines)


def _bare(folder: Path) -> float:
    """Return the seconds that ``git log`` takes. Its output is discarded."""
    command = ["git", "log", "--topo-order", "--reverse", *ARGUMENTS, "main"]
    return seconds(lambda: subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True))


def _whole(root: str, folder: Path, turn: int) -> float:
    """Return the seconds that a collection of the same history takes.

    The repository has another name in each round, so that the database does not contain its commits yet.
    """
    name = f"sample/{folder.stem}-{turn}"
    Path(root, f"{name}.git").symlink_to(folder)
    with override_settings(GITHUB_GIT_URL=f"file://{root}"):
        return seconds(lambda: call_command("collect_github", name, git_only=True, no_sync=True, progress=False))
