"""Run pg_dump, pg_restore and psql against the database of the settings, without showing its password."""

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
"""Lines of ``pg_restore --list`` to leave out: extensions belong to the superuser and stay installed."""

# Drops everything first, because objects of a newer version may refer to objects of the backup. Objects of extensions
# stay.
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
    """Run a program of PostgreSQL against the database of the settings; raises OSError with its message if it fails.

    ``holding`` are descriptors of locks that the program inherits, in case it outlives this process.
    With a server of its own, PATH has the programs that fit it. Those of the wheel fit the embedded server and every
    older one.
    """
    connection_arguments, env = _connection_arguments()
    # The name of the database comes last, and the password is in the environment.
    connection_arguments = [*connection_arguments[:-1], f"--dbname={connection_arguments[-1]}"]
    result = subprocess.run(
        [_path_of(name), *connection_arguments, "--no-password", *arguments],
        env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        pass_fds=holding, check=False,
    )  # fmt: skip
    if result.returncode:
        raise OSError(f"{name} failed: {_error_line(result.stderr, result.returncode)}")


def replace_everything(dump: Path) -> None:
    """Restore a dump in one transaction that first empties the schema; raises OSError if it fails.

    ``pg_restore`` writes into ``psql``, which commits only after the whole dump. If either program ends early, the
    server rolls back. Extensions stay as they are.
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
    """Write the whole transaction and return the exit code of pg_restore; COMMIT follows only exit code 0."""
    with suppress(BrokenPipeError):  # psql has ended; its exit code and its errors say why
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
    """Return the table of contents of a dump; raises OSError if the file is not a dump."""
    result = subprocess.run(
        [_path_of("pg_restore"), "--list", dump], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if result.returncode:
        raise OSError(f"pg_restore failed: {_error_line(result.stderr, result.returncode)}")
    return result.stdout.decode(errors="surrogateescape").splitlines(keepends=True)


def _connection_arguments() -> tuple[list[str], dict[str, str]]:
    """Return psql's arguments for the database of the settings, its name last, and an environment with the password."""
    settings: dict[str, Any] = connection.settings_dict | {"HOST": connection.get_connection_params().get("host", "")}
    arguments, env = DatabaseClient.settings_to_cmd_args_env(settings, [])
    return list(arguments[1:]), {**os.environ, **(env or {})}


def _error_line_of(file: IO[bytes], returncode: int) -> str:
    file.seek(0)
    return _error_line(file.read(), returncode)


def _error_line(stderr: bytes, returncode: int) -> str:
    """Return the most informative line; a full disk comes first, because callers recognize it by the message."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    for word in ("No space left on device", "error:"):
        if reason := next((line for line in lines if word.lower() in line.lower()), None):
            return reason
    if lines:
        return lines[-1]
    return f"ended by signal {-returncode}" if returncode < 0 else f"it printed nothing (exit code {returncode})"


def _path_of(name: str) -> str:
    """Return the path of a program: from PATH for a server of its own, else from the wheel."""
    embedded = "EMBEDDED_HOME" in connection.settings_dict
    on_path = None if embedded else shutil.which(name)
    if on_path:
        return on_path
    try:
        return str(programs() / name)
    except SettingsError:
        raise OSError(f"{name} is missing: install PostgreSQL's client programs (Debian: postgresql-client)") from None
