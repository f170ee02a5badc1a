"""pg_dump, pg_restore and psql: which ones, and how they reach the database without showing its password."""

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
"""Lines of ``pg_restore --list`` that are left out: extensions belong to the superuser, and stay."""

# What newer versions added may refer to what a backup holds, so everything goes before anything comes back. What
# belongs to an extension stays.
_EMPTY = b"""
BEGIN;
DO $$ DECLARE one record; BEGIN
    FOR one IN
        SELECT found.type, found.identity FROM (
            SELECT 'pg_class'::regclass AS class, oid FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
            UNION ALL
            SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
        ) AS ours, pg_identify_object(class, oid, 0) AS found
        WHERE NOT EXISTS (SELECT FROM pg_depend WHERE classid = class AND objid = oid AND deptype IN ('e', 'i'))
    LOOP
        EXECUTE format('DROP %s IF EXISTS %s CASCADE', one.type, one.identity);
    END LOOP;
END $$;
"""


def run_program(name: str, *arguments: str | Path, holding: Sequence[int] = ()) -> None:
    """Run one against the settings' database; OSError with its own last words when it fails.

    ``holding``: descriptors whose locks the program holds too, should it outlive this process.

    The server's own programs are on the path where there is a server of one's own; the wheel's fit the embedded one,
    and every older server.
    """
    place, env = _place()
    # psql's arguments but its name and the database, which comes last; the password is in the environment.
    place = [*place[:-1], f"--dbname={place[-1]}"]
    done = subprocess.run(
        [_found(name), *place, "--no-password", *arguments],
        env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        pass_fds=holding, check=False,
    )  # fmt: skip
    if done.returncode:
        raise OSError(f"{name} failed: {_last_words(done.stderr, done.returncode)}")


def replace_everything(dump: Path) -> None:
    """Restore a dump in one transaction that first removes everything else from the schema; OSError when it fails.

    ``pg_restore`` writes into ``psql``, which commits only when all of the dump has arrived: whatever ends before, the
    server rolls back. Extensions are left alone.
    """
    place, env = _place()
    with tempfile.NamedTemporaryFile("w", prefix="activity-trackers-") as entries:
        entries.writelines(line for line in _list(dump) if not EXTENSION.match(line))
        entries.flush()
        with tempfile.TemporaryFile() as psql_words, tempfile.TemporaryFile() as restore_words:
            psql = subprocess.Popen(
                [_found("psql"), *place, "--no-password", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"],
                env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=psql_words,
            )  # fmt: skip
            assert psql.stdin is not None  # noqa: S101  (a pipe was asked for)
            try:
                code = _feed(psql.stdin, f"--use-list={entries.name}", dump, restore_words)
            finally:
                with suppress(BrokenPipeError):
                    psql.stdin.close()
                psql.wait()
            if code and code != -signal.SIGPIPE:
                raise OSError(f"pg_restore failed: {_words(restore_words, code)}")
            if psql.returncode or code:
                raise OSError(f"psql failed: {_words(psql_words, psql.returncode)}")


def _feed(sink: IO[bytes], entries: str, dump: Path, words: IO[bytes]) -> int:
    """Write the whole transaction; returns pg_restore's exit code. Without 0 there is no COMMIT."""
    with suppress(BrokenPipeError):  # psql has ended; its exit code and its words say why
        sink.write(_EMPTY)
        sink.flush()
        done = subprocess.run(
            [_found("pg_restore"), "--no-owner", "--no-privileges", entries, "--file=-", dump],
            stdin=subprocess.DEVNULL, stdout=sink, stderr=words, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            sink.write(b"COMMIT;\n")
            sink.flush()
        return done.returncode
    return -signal.SIGPIPE


def _list(dump: Path) -> list[str]:
    """The table of contents of a dump; OSError for a file that is none."""
    done = subprocess.run(
        [_found("pg_restore"), "--list", dump], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        raise OSError(f"pg_restore failed: {_last_words(done.stderr, done.returncode)}")
    return done.stdout.decode(errors="surrogateescape").splitlines(keepends=True)


def _place() -> tuple[list[str], dict[str, str]]:
    """psql's arguments for the settings' database, whose name comes last, and the environment with the password."""
    settings: dict[str, Any] = connection.settings_dict | {"HOST": connection.get_connection_params().get("host", "")}
    arguments, env = DatabaseClient.settings_to_cmd_args_env(settings, [])
    return list(arguments[1:]), {**os.environ, **(env or {})}


def _words(file: IO[bytes], returncode: int) -> str:
    file.seek(0)
    return _last_words(file.read(), returncode)


def _last_words(stderr: bytes, returncode: int) -> str:
    """Return the line that tells most; the words of a full disk, by which errors are recognized, come first."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    for word in ("No space left on device", "error:"):
        if reason := next((line for line in lines if word.lower() in line.lower()), None):
            return reason
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
    except SettingsError:
        raise OSError(f"there is no {name}: install PostgreSQL's client programs (Debian: postgresql-client)") from None
