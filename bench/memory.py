"""Measures the peak memory of a run that collects few items and of a run that collects many."""

import os
import subprocess
import sys
import tempfile

from samples.community import SampleCommunity
from samples.server import SampleServer

FEW, MANY = 10_000, 200_000
PEAK = (
    "import re, sys, django; django.setup(); from django.core.management import call_command; "
    "from core.operations.github_ops.limits import PER_MINUTE; PER_MINUTE.update(core=10**9, graphql=10**9); "
    "call_command('migrate', verbosity=0); "
    "call_command('collect_github', sys.argv[1], no_sync=True, progress=False); "
    "print('peak', int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) // 1024)"
)


def peak(items: int) -> int:
    """Return the peak memory in MiB of a process that collects ``items`` items into its own database."""
    community = SampleCommunity.synthetic(issues=items // 10, comments=items * 9 // 10, seed=items)
    with (
        SampleServer(community, comment_limit=10**9) as server,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as var,
    ):
        environment = {
            "VAR_DIR": var,
            "GITHUB_API_URL": server.url,
            "GITHUB_GIT_URL": server.url,
            "GITHUB_TOKENS": server.token(),
        }
        name = server.truth()["full_name"]
        done = subprocess.run(
            [sys.executable, "-c", PEAK, name], env=os.environ | environment, capture_output=True, text=True, check=True
        )
        return int(done.stdout.rpartition("peak ")[2])


def measure() -> str:
    """Return one line: the peak memory for few and for many items."""
    few, many = peak(FEW), peak(MANY)
    return f"peak memory: {few} MiB for {FEW:,} items, {many} MiB for {MANY:,}"
