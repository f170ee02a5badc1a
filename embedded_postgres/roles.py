"""Roles of the embedded server. The project connects as an ordinary role, which owns the database.

The superuser is used only to create the role, the database and the extension ``vector``, and to change owners.
"""

from contextlib import suppress
from typing import LiteralString, cast

import psycopg
from psycopg import sql

SUPERUSER = "postgres"
ROLE = "activity_trackers"
DATABASE = "activity_trackers"

LOCK = 7313
"""Id of the advisory lock of :func:`prepare_database`. ``core.db.locks`` lists this id as ``DATABASE_ROLES``."""
PATIENCE = "60s"
"""Maximum time to wait for a database lock.

A collector stores a page in less time. A longer wait would look to the user as if the command hangs.
"""

# Selects the objects in this database that belong to the superuser, except objects that initdb (ids below 16384) or an
# extension created. Row types and column sequences are not selected, because their owner changes with the table.
_FOREIGN = """
WITH owned AS (
    SELECT 'pg_class'::regclass AS class, oid, relowner AS owner FROM pg_class c
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
        OR (relkind = 'S' AND NOT EXISTS (
            SELECT FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
                AND d.refclassid = 'pg_class'::regclass))
    UNION ALL SELECT 'pg_proc'::regclass, oid, proowner FROM pg_proc
    UNION ALL SELECT 'pg_namespace'::regclass, oid, nspowner FROM pg_namespace WHERE nspname !~ '^pg_'
    UNION ALL SELECT 'pg_ts_config'::regclass, oid, cfgowner FROM pg_ts_config
    UNION ALL SELECT 'pg_ts_dict'::regclass, oid, dictowner FROM pg_ts_dict
    UNION ALL SELECT 'pg_collation'::regclass, oid, collowner FROM pg_collation
    UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, stxowner FROM pg_statistic_ext
    UNION ALL SELECT 'pg_type'::regclass, oid, typowner FROM pg_type WHERE typtype IN ('d', 'e')
)
SELECT object.type, object.identity FROM owned, pg_identify_object(class, oid, 0) AS object
WHERE owned.oid >= 16384 AND owner = %s::regrole AND coalesce(object.schema, '') !~ '^pg_(toast|temp)'
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = class AND objid = oid AND deptype = 'e')
"""
_ALTER = {"composite type": "type", "statistics object": "statistics"}
"""Names of object types in ALTER statements, by their names in ``pg_identify_object``.

Object types with the same name in both are not listed.
"""


def prepare_database(host: str) -> None:
    """Create the database, the role and the extension if they are missing. Make the role the owner of all objects.

    Several processes may call this function at once. Repeated calls change nothing. One transaction creates the role
    and changes the owners, so if the role is missing, no owner has been changed. Raises psycopg's errors.
    """
    with psycopg.connect(host=host, user=SUPERUSER, dbname="postgres", autocommit=True) as server:
        row = server.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
        if row.fetchone() is None:
            create = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'")
            with suppress(
                psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation
            ):  # another process has created it
                server.execute(create.format(sql.Identifier(DATABASE)))
    role = sql.Identifier(ROLE)
    with psycopg.connect(host=host, user=SUPERUSER, dbname=DATABASE) as database:
        database.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
        database.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        if database.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None:
            database.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        database.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(DATABASE), role))
        database.execute("CREATE EXTENSION IF NOT EXISTS vector")
        for kind, identity in database.execute(_FOREIGN, [SUPERUSER]).fetchall():
            words = f"ALTER {_ALTER.get(kind, kind)} {identity} OWNER TO"  # PostgreSQL has quoted the identities
            database.execute(sql.SQL(" ").join([sql.SQL(cast("LiteralString", words)), role]))


def add_extension(host: str, database: str) -> None:
    """Create the extension ``vector`` in another database of the server, for example in a test database."""
    with psycopg.connect(host=host, user=SUPERUSER, dbname=database, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
