"""Reading a history against ``git log`` alone."""

import subprocess
import tempfile
from pathlib import Path

from django.core.management import call_command
from django.test.utils import override_settings

from bench.collection import seconds
from core.operations.github_ops.git_log import ARGUMENTS

COMMITS, FILES = 10_000, 200


def build(folder: Path) -> None:
    """A history whose commits each change three files of a few hundred lines."""
    parts = [b"blob\nmark :1\ndata 6\nhello\n\n"]
    for n in range(COMMITS):
        message = f"Change {n}: the tide tables\n\nBecause of the moon.\n".encode()
        who = f"Person {n % 50} <person-{n % 50}@example.org> {1_500_000_000 + n * 600} +0000".encode()
        parts += [
            b"commit refs/heads/main\nauthor %s\ncommitter %s\n" % (who, who),
            b"data %d\n" % len(message),
            message,
        ]
        for k in range(3):
            text = "".join(f"line {line} of {(n + k) % 7}\n" for line in range(n % 150)).encode() + b"%d\n" % n
            path = b"src/part%d/file%d.txt" % ((n + k) % 20, (n * 7 + k) % FILES)
            parts += [b"M 100644 inline %s\ndata %d\n" % (path, len(text)), text, b"\n"]
    subprocess.run(["git", "init", "--quiet", "--bare", str(folder)], check=True)
    subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, input=b"".join(parts), check=True)


def measure() -> str:
    """One line."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "sample", "history.git")
        folder.parent.mkdir()
        build(folder)
        command = ["git", "log", "--topo-order", "--reverse", *ARGUMENTS, "main"]
        bare = min(seconds(lambda: subprocess.run(command, cwd=folder, capture_output=True, check=True)) for _ in "12")
        with override_settings(GITHUB_GIT_URL=f"file://{place}"):
            whole = seconds(
                lambda: call_command("collect_github", "sample/history", git_only=True, no_sync=True, progress=False)
            )
        return f"history / git log: {whole:.2f} s / {bare:.2f} s = {whole / bare:.2f} ({COMMITS:,} commits)"
