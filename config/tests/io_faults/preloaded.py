"""A process that has loaded the project and forks for each command, because starting Python takes longer than a job.

It reads one JSON object per line with these keys: ``order`` (the words of the command), ``fault`` (None, or the
arguments of ``Steps`` in ``hook/sitecustomize.py``), ``out`` and ``err`` (files for output). It writes the process id
of the command, and later its exit code. The exit code is negative if a signal ended the command.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

HOOK = Path(__file__).parent / "hook"
LOADED = (
    "numpy", "tokenizers", "orjson", "requests", "discord", "psycopg", "pgvector.psycopg", "rich.progress", "graphql",
    "core.search.sync", "core.search.verifying", "core.search.embedders.local",
)  # fmt: skip
COMMANDS = ("collect_github", "collect_discord", "sync_index", "verify_index", "backup", "export_activity")


HASTE = 20
"""Factor by which all calls of ``time.sleep`` are shortened, so that thousands of faults can be tested."""


def main() -> None:
    """Run commands until standard input ends. Each command runs in a child process, which ends after the command."""
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(seconds / HASTE)

    import django

    django.setup()
    from django.core.management import get_commands, load_command_class

    for name in LOADED:
        importlib.import_module(name)
    for name in COMMANDS:
        load_command_class(get_commands()[name], name)
    sys.path.insert(0, str(HOOK))
    hook: Any = importlib.reload(importlib.import_module("sitecustomize"))
    while line := sys.stdin.buffer.readline():
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(asked, hook)
            return
        _answer(child)
        _, status = os.waitpid(child, 0)
        _answer(os.waitstatus_to_exitcode(status))


def _answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _become(asked: dict[str, Any], hook: Any) -> None:
    """Redirect the standard streams, inject the fault, and run one command like ``manage.py``."""
    import manage

    for number, name, flags in (
        (0, os.devnull, os.O_RDONLY), (1, asked["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, asked["err"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):  # fmt: skip
        descriptor = os.open(name, flags, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.argv = ["manage.py", *asked["order"]]
    if asked["fault"]:
        hook.arm(hook.Steps(**asked["fault"]))
    manage.main()


if __name__ == "__main__":
    main()
