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


def run_program(name: str, *arguments: str | Path) -> None:
    """Run one against the settings' database; OSError with its own last words when it fails.

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
        check=False,
    )  # fmt: skip
    if done.returncode:
        lines: Sequence[str] = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise OSError(f"{name} failed: {next((line for line in lines if 'error:' in line), lines[-1])}")


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
