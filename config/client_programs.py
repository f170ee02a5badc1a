"""Runs pg_dump, pg_restore and psql on the database in the settings, without exposing its password."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from django.db import connection
from django.db.backends.postgresql.client import DatabaseClient

from embedded_postgres.client import programs
from embedded_postgres.cluster_paths import SettingsError

EXTENSION = re.compile(r"\d+; \d+ \d+ (?:EXTENSION|COMMENT - EXTENSION) ")
"""Matches the lines of ``pg_restore --list`` that are not restored. Extensions belong to the superuser and stay
installed."""

# Drops all objects before a restore, because objects of a newer version can depend on objects that the backup replaces.
# Objects of extensions are not dropped.
_EMPTY = b"""
BEGIN;
DO $$ DECLARE one record; BEGIN
    FOR one IN
        SELECT object.type, object.identity FROM (
            SELECT 'pg_class'::regclass AS class, oid FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
            UNION ALL
            SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
        ) AS ours, pg_identify_object(class, oid, 0) AS object
        WHERE NOT EXISTS (SELECT FROM pg_depend WHERE classid = class AND objid = oid AND deptype IN ('e', 'i'))
    LOOP
        EXECUTE format('DROP %s IF EXISTS %s CASCADE', one.type, one.identity);
    END LOOP;
END $$;
"""


def run_program(name: str, *arguments: str | Path, holding: Sequence[int] = ()) -> None:
    """Run a PostgreSQL program on the database in the settings. Raises OSError with the program's message if it fails.

    ``holding`` contains file descriptors with locks. The program inherits them, so that the locks are still held if it
    outlives this process. For an external server, a program on PATH is preferred, because its version probably matches
    the server. The ``pg_dump`` of the embedded server cannot dump newer servers.
    """
    connection_arguments, env = _connection_arguments()
    # The last argument is the name of the database. It becomes an option, because pg_restore expects a file there.
    connection_arguments = [*connection_arguments[:-1], f"--dbname={connection_arguments[-1]}"]
    result = subprocess.run(
        [_path_of(name), *connection_arguments, "--no-password", *arguments],
        env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        pass_fds=holding, check=False,
    )  # fmt: skip
    if result.returncode:
        raise OSError(f"{name} failed: {_error_line(result.stderr, result.returncode)}")


def replace_everything(dump: Path) -> None:
    """Restore a dump in one transaction that first empties the schema. Raises OSError if the restore fails.

    ``pg_restore`` writes to a pipe that ``psql`` reads. ``psql`` commits only after the whole dump. If either program
    ends before that, the server rolls the transaction back. Extensions are not changed.
    """
    connection_arguments, env = _connection_arguments()
    with tempfile.NamedTemporaryFile("w", prefix="activity-trackers-") as entries:
        entries.writelines(line for line in _list(dump) if not EXTENSION.match(line))
        entries.flush()
        with tempfile.TemporaryFile() as psql_errors, tempfile.TemporaryFile() as restore_errors:
            psql = subprocess.Popen(
                [
                    _path_of("psql"), *connection_arguments, "--no-password", "--no-psqlrc", "--quiet",
                    "--set=ON_ERROR_STOP=1",
                ],
                env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=psql_errors,
            )  # fmt: skip
            assert psql.stdin is not None  # noqa: S101  (stdin is a pipe)
            try:
                code = _feed(psql.stdin, f"--use-list={entries.name}", dump, restore_errors)
            finally:
                with suppress(BrokenPipeError):
                    psql.stdin.close()
                psql.wait()
            if code and code != -signal.SIGPIPE:
                raise OSError(f"pg_restore failed: {_error_line_of(restore_errors, code)}")
            if psql.returncode or code:
                raise OSError(f"psql failed: {_error_line_of(psql_errors, psql.returncode)}")


def _feed(sink: IO[bytes], entries: str, dump: Path, errors: IO[bytes]) -> int:
    """Write the whole transaction to ``sink``, and return the exit code of pg_restore.

    Writes COMMIT only if the exit code is 0. Returns the negative number of SIGPIPE if psql has ended early.
    """
    with suppress(BrokenPipeError):  # psql has ended; the caller reports its exit code and errors
        sink.write(_EMPTY)
        sink.flush()
        result = subprocess.run(
            [_path_of("pg_restore"), "--no-owner", "--no-privileges", entries, "--file=-", dump],
            stdin=subprocess.DEVNULL, stdout=sink, stderr=errors, check=False,
        )  # fmt: skip
        if result.returncode == 0:
            sink.write(b"COMMIT;\n")
            sink.flush()
        return result.returncode
    return -signal.SIGPIPE


def _list(dump: Path) -> list[str]:
    """Return the lines of a dump's table of contents. Raises OSError if the file is not a dump."""
    result = subprocess.run(
        [_path_of("pg_restore"), "--list", dump], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if result.returncode:
        raise OSError(f"pg_restore failed: {_error_line(result.stderr, result.returncode)}")
    return result.stdout.decode(errors="surrogateescape").splitlines(keepends=True)


def _connection_arguments() -> tuple[list[str], dict[str, str]]:
    """Return psql's arguments for the database in the settings, and the environment, which contains the password.

    The last argument is the name of the database.
    """
    settings: dict[str, Any] = connection.settings_dict | {"HOST": connection.get_connection_params().get("host", "")}
    arguments, env = DatabaseClient.settings_to_cmd_args_env(settings, [])
    return list(arguments[1:]), {**os.environ, **(env or {})}


def _error_line_of(file: IO[bytes], returncode: int) -> str:
    file.seek(0)
    return _error_line(file.read(), returncode)


def _error_line(stderr: bytes, returncode: int) -> str:
    """Return the most informative line of standard error. If standard error is empty, return how the program ended.

    A line about a full disk has priority, because callers recognize this error by its message.
    """
    lines = stderr.decode(errors="replace").strip().splitlines()
    for word in ("No space left on device", "error:"):
        if reason := next((line for line in lines if word.lower() in line.lower()), None):
            return reason
    if lines:
        return lines[-1]
    return f"ended by signal {-returncode}" if returncode < 0 else f"it printed nothing (exit code {returncode})"


def _path_of(name: str) -> str:
    """Return the path of a PostgreSQL program.

    For an external server, a program on PATH is preferred. Otherwise, the program of the embedded server is used.
    Raises OSError if the program is missing.
    """
    embedded = "EMBEDDED_HOME" in connection.settings_dict
    on_path = None if embedded else shutil.which(name)
    if on_path:
        return on_path
    try:
        return str(programs() / name)
    except SettingsError:
        raise OSError(f"{name} is missing: install PostgreSQL's client programs (Debian: postgresql-client)") from None
