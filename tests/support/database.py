"""Pytest plugin for a fast test database: a PostgreSQL cluster without fsync, a migrated template, and a fast flush.

The root ``conftest.py`` loads the plugin for all tests. With ``DATABASE_URL``, only the fast flush is active.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import django
import psycopg
import pytest
from django.apps import apps
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management import call_command
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import TransactionTestCase
from psycopg import sql
from pytest_django import DjangoDbBlocker

from core.ingest import timeline_move
from embedded_postgres.client import ensure_running
from embedded_postgres.cluster_paths import ClusterPaths
from embedded_postgres.roles import ROLE, SUPERUSER, add_extension, prepare_database

CLUSTER = "tests"
"""Folder in ``VAR_DIR`` that contains the cluster of the tests. Collected data is in another cluster."""
WITHOUT_DISK_WAITS = ("fsync", "full_page_writes", "synchronous_commit")
"""PostgreSQL settings that are switched off in the cluster of the tests.

Without these settings, a power cut can damage the cluster. If this happens, delete its folder, which contains only
test data.
"""
TEMPLATE = "template_activity_trackers_"
ONE_AT_A_TIME = 3_507_911
"""Key of the advisory lock that lets only one worker at a time create the template. The number is arbitrary."""
UNCHANGED = {"django_content_type", "auth_permission", "django_migrations"}
"""Tables that ``migrate`` fills. The fast flush does not empty these tables."""
DJANGO_SQL_FLUSH = DatabaseOperations.sql_flush


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hash passwords with one iteration, because Django's default of about a million iterations takes a second.

    The format of the stored hashes stays the same.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PBKDF2PasswordHasher, "iterations", 1)
        yield


@pytest.fixture(scope="session", autouse=True)
def upgraded_timeline() -> Iterator[None]:
    """Tests begin with a database without a timeline of an earlier release, so that no test asks for it first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timeline_move, "_finished", True)
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Use a separate cluster for tests, and create the database of each worker as a copy of a migrated template."""
    if "EMBEDDED_HOME" not in connection.settings_dict:
        return
    home = Path(connection.settings_dict["EMBEDDED_HOME"]).parent / CLUSTER / "postgres"
    connection.settings_dict["EMBEDDED_HOME"] = str(home)
    os.environ["VAR_DIR"] = str(home.parent)  # for processes that tests start
    host = ensure_running(ClusterPaths(home))
    with (
        django_db_blocker.unblock(),
        psycopg.connect(host=host, user=SUPERUSER, dbname="postgres", autocommit=True) as server,
    ):
        server.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
        for name in WITHOUT_DISK_WAITS:
            server.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(name)))
        server.execute("SELECT pg_reload_conf()")
        prepare_database(host)
        server.execute(sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {}").format(sql.Identifier(ROLE)))
        connection.settings_dict["TEST"]["TEMPLATE"] = migrated_template(server)


def migrated_template(server: "psycopg.Connection[Any]") -> str:
    """Return the name of a template database with all migrations applied.

    Creates a new template if a migration or the version of Django has changed.
    """
    texts = hashlib.sha256(f"{django.__version__} {ROLE}".encode())
    for app in apps.get_app_configs():
        for file in sorted(Path(app.path, "migrations").glob("*.*")):
            texts.update(file.read_bytes() if file.suffix in {".py", ".sql"} else b"")
    name = TEMPLATE + texts.hexdigest()[:12]
    existing = [row[0] for row in server.execute("SELECT datname FROM pg_database").fetchall()]
    if name in existing:
        return name
    for old in existing:
        if old.startswith(TEMPLATE):
            server.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(old)))
    unfinished = (
        TEMPLATE + "unfinished"
    )  # renamed only when it is complete, so that a killed process never leaves an incomplete template
    create = sql.SQL("CREATE DATABASE {} TEMPLATE template0 OWNER {}")
    server.execute(create.format(sql.Identifier(unfinished), sql.Identifier(ROLE)))
    add_extension(server.info.host, unfinished)
    original_name = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = unfinished
    try:
        call_command("migrate", verbosity=0, interactive=False, run_syncdb=True)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = original_name
    server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(unfinished), sql.Identifier(name)))
    return name


@cache
def may_skip_triggers() -> bool:
    """Return whether the database role of the tests may switch off triggers and foreign keys."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_parameter_privilege('session_replication_role', 'SET')")
        return bool(cursor.fetchone()[0])


def nonempty_tables(tables: Sequence[str]) -> list[str]:
    """Return the tables that contain rows. Runs one query."""
    parts = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")" for table in tables)  # noqa: S608  (names of our tables)
    with connection.cursor() as cursor:
        cursor.execute(parts)
        return [row[0] for row in cursor.fetchall()]


def delete_rows(
    self: DatabaseOperations, style: Any, tables: Sequence[str], *, reset_sequences: bool = False,
    allow_cascade: bool = False,
) -> list[str]:  # fmt: skip
    """Return statements that delete all rows from the nonempty tables, except the tables in ``UNCHANGED``.

    They replace Django's statement, because truncating all tables takes half a second. Returns Django's statement if
    sequences must be reset, or if the database role may not switch off triggers.
    """
    if reset_sequences or not may_skip_triggers():
        return DJANGO_SQL_FLUSH(self, style, tables, reset_sequences=reset_sequences, allow_cascade=allow_cascade)
    full = nonempty_tables([table for table in tables if table not in UNCHANGED])
    deletions = [f'DELETE FROM "{table}"' for table in full]  # noqa: S608  (names of our tables)
    return ["SET LOCAL session_replication_role = replica", *deletions] if full else []


def fast_flush(self: TransactionTestCase) -> None:
    """Empty the database after a test that commits, except for content types and permissions."""
    call_command(
        "flush", verbosity=0, interactive=False, reset_sequences=False, inhibit_post_migrate=may_skip_triggers()
    )


@pytest.fixture(scope="session", autouse=True)
def use_fast_flush() -> Iterator[None]:
    """Replace Django's flush with the fast flush in all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", delete_rows)
        patch.setattr(TransactionTestCase, "_fixture_teardown", fast_flush)
        yield
