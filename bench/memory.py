"""Measures the peak memory of a run that collects few items and of a run that collects many."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench import histories
from samples.community import SampleCommunity
from samples.server import SampleServer

FEW, MANY = 10_000, 200_000
FEW_COMMITS, MANY_COMMITS = 2_000, 200_000
BEGIN = (
    "import re, sys, django; django.setup(); from django.core.management import call_command; "
    "from core.operations.github_ops.limits import PER_MINUTE; PER_MINUTE.update(core=10**9, graphql=10**9); "
    "call_command('migrate', verbosity=0); "
)
END = "; print('peak', int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) // 1024)"
ITEMS = BEGIN + "call_command('collect_github', sys.argv[1], no_sync=True, progress=False)" + END
COMMITS = BEGIN + "call_command('collect_github', sys.argv[1], git_only=True, no_sync=True, progress=False)" + END


def peak_of_items(items: int) -> int:
    """Return the peak memory in MiB of a process that collects ``items`` issues and comments into its own database."""
    community = SampleCommunity.synthetic(issues=items // 10, comments=items * 9 // 10, seed=items)
    with SampleServer(community, comment_limit=10**9) as server:
        environment = {"GITHUB_API_URL": server.url, "GITHUB_GIT_URL": server.url, "GITHUB_TOKENS": server.token()}
        return _peak(ITEMS, server.truth()["full_name"], environment)


def peak_of_commits(commits: int) -> int:
    """Return the peak memory in MiB of a process that collects a history of ``commits`` commits."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as root:
        folder = Path(root, "sample", "history.git")
        folder.parent.mkdir()
        histories.write(folder, histories.tiny(commits))
        return _peak(COMMITS, "sample/history", {"GITHUB_GIT_URL": f"file://{root}"})


def _peak(program: str, name: str, environment: Mapping[str, str]) -> int:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as var:
        done = subprocess.run(
            [sys.executable, "-c", program, name], env=os.environ | environment | {"VAR_DIR": var},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return int(done.stdout.rpartition("peak ")[2])


def measure() -> str:
    """Return two lines: the peak memory for few and many items, and for few and many commits."""
    few, many = peak_of_commits(FEW_COMMITS), peak_of_commits(MANY_COMMITS)
    return (
        f"peak memory: {peak_of_items(FEW)} MiB for {FEW:,} items, {peak_of_items(MANY)} MiB for {MANY:,}\n"
        f"peak memory: {few} MiB for {FEW_COMMITS:,} commits, {many} MiB for {MANY_COMMITS:,}"
    )
