"""pg_dump and pg_restore: which ones, and how they reach the database without showing its password."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.backends.postgresql.client import DatabaseClient

from config.database.client import programs
from config.database.home import SettingsFault


def run_program(name: str, *arguments: str | Path, holding: Sequence[int] = ()) -> None:
    """Run one against the settings' database; OSError with its own last words when it fails.

    ``holding``: descriptors whose locks the program holds too, should it outlive this process.

    The server's own programs are on the path where there is a server of one's own; the wheel's fit the embedded one,
    and every older server.
    """
    settings: dict[str, Any] = connection.settings_dict | {"HOST": connection.get_connection_params().get("host", "")}
    where, env = DatabaseClient.settings_to_cmd_args_env(settings, [])
    # psql's arguments but its name and the database, which comes last; the password is in the environment.
    place = [*where[1:-1], f"--dbname={where[-1]}"]
    done = subprocess.run(
        [_found(name), *place, "--no-password", *arguments],
        env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        pass_fds=holding, check=False,
    )  # fmt: skip
    if done.returncode:
        raise OSError(f"{name} failed: {_last_words(done.stderr, done.returncode)}")


def _last_words(stderr: bytes, returncode: int) -> str:
    """Return the line that tells most; the words of a full disk, by which errors are recognized, come first."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    for word in ("No space left on device", "error:"):
        if told := next((line for line in lines if word in line), None):
            return told
    if lines:
        return lines[-1]
    return f"ended by signal {-returncode}" if returncode < 0 else f"it said nothing (exit code {returncode})"


def _found(name: str) -> str:
    """The program's place."""
    embedded = "EMBEDDED_HOME" in connection.settings_dict
    on_path = None if embedded else shutil.which(name)
    if on_path:
        return on_path
    try:
        return str(programs() / name)
    except SettingsFault:
        raise OSError(f"there is no {name}: install PostgreSQL's client programs (Debian: postgresql-client)") from None
