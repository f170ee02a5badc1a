"""A process that has loaded the project and forks for each command, because starting Python takes longer than a job.

Reads one JSON object a line: ``order`` (words), ``fault`` (None, or what ``hook/sitecustomize.py`` takes), ``out`` and
``err`` (files). Answers with the process id of the command, then with its exit code (negative: a signal).
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
"""Factor that shortens waits between attempts."""


def main() -> None:
    """Serve until standard input ends; a command runs in a child that leaves by returning from here."""
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
    """Run one command as ``manage.py`` does."""
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
