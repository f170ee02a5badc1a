"""Who may do what in the embedded server: the product works as an ordinary role, which owns its database.

The superuser is used for what only it can do: making the role and the database, and the extension ``vector``.
"""

from contextlib import suppress
from typing import LiteralString, cast

import psycopg
from psycopg import sql

SUPERUSER = "postgres"
ROLE = "activity_trackers"
DATABASE = "activity_trackers"

LOCK = 7313
"""The advisory lock of :func:`prepare_database`; ``core.db.locks`` lists it as ``DATABASE_ROLES``."""
PATIENCE = "60s"
"""How long to wait for a table that another program uses; longer than a page, shorter than a person waits."""

# Everything in this database that belongs to the superuser, but was not made by initdb (ids below 16384) or by an
# extension. Sequences of a column follow their table, and types of a table's rows as well.
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
SELECT found.type, found.identity FROM owned, pg_identify_object(class, oid, 0) AS found
WHERE owned.oid >= 16384 AND owner = %s::regrole AND coalesce(found.schema, '') !~ '^pg_(toast|temp)'
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = class AND objid = oid AND deptype = 'e')
"""
_ALTER = {"composite type": "type", "statistics object": "statistics"}
"""What ALTER calls kinds of objects for which ``pg_identify_object`` has another name."""


def prepare_database(host: str) -> None:
    """Make database, role and extension where they are missing, and hand over what belongs to the superuser.

    Safe to repeat and to run in several processes at once. The role appears in the transaction that hands everything
    over: as long as it is missing, nothing is half done. Raises psycopg's errors.
    """
    with psycopg.connect(host=host, user=SUPERUSER, dbname="postgres", autocommit=True) as server:
        found = server.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
        if found.fetchone() is None:
            create = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'")
            with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):  # another was quicker
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
            words = f"ALTER {_ALTER.get(kind, kind)} {identity} OWNER TO"  # identities are quoted by PostgreSQL
            database.execute(sql.SQL(" ").join([sql.SQL(cast("LiteralString", words)), role]))


def add_extension(host: str, database: str) -> None:
    """Make the extension ``vector`` in another database of the server, such as one for tests."""
    with psycopg.connect(host=host, user=SUPERUSER, dbname=database, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
