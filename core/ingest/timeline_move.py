"""Moves the timeline of an earlier release, which stored texts in every row, to the table with short keys.

The migration only renames the table of the earlier release, so that it takes no longer for a large timeline. Its rows
move in small transactions, newest first, while collections run. A kill loses nothing: a row is always in exactly one of
the two tables. Code that changes rows of the timeline brings these rows over first.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, ProgrammingError, connection, transaction
from psycopg.errors import LockNotAvailable, UndefinedTable

from core.db.upsert import upsert
from core.ingest.values import account_number
from core.models import Activity

OLD = "core_oldactivity"
FIELDS = (
    "id", "source_system", "external_id", "scope_id", "thread", "activity_type", "occurred_at", "edited_at",
    "deleted_at", "actor_external_id", "actor_name", "source_url", "summary",
)  # fmt: skip
SLICE = 2000
"""Number of rows in one transaction, which takes about half a second. More rows would block collections for longer."""
TAKE = f"DELETE FROM {OLD} WHERE {{condition}} RETURNING {', '.join(FIELDS)}"  # noqa: S608  (only constants)
NEWEST = f"id IN (SELECT id FROM {OLD} WHERE id < %s ORDER BY id DESC LIMIT %s FOR UPDATE SKIP LOCKED)"  # noqa: S608
OF_IDS = "source_system = %s AND external_id = ANY(%s)"
OF_THREADS = "source_system = %s AND thread = ANY(%s)"
OF_SCOPE = "scope_id = %s"
OF_ACCOUNTS = "source_system = %s AND actor_external_id = ANY(%s)"

Row = dict[str, Any]
_finished = False


@contextmanager
def unless_dropped() -> Generator[None]:
    """Run the block in a transaction, and ignore it if another process has just dropped the table."""
    try:
        with transaction.atomic():
            yield
    except ProgrammingError as error:
        if not isinstance(error.__cause__, UndefinedTable):
            raise


def is_moving() -> bool:
    """Return whether rows of an earlier release may remain. Costs one statement until the table is dropped."""
    global _finished
    if not _finished:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s) IS NULL", [OLD])
            _finished = cursor.fetchone()[0]
    return not _finished


def rows_to_move() -> int:
    """Return the number of rows that remain. Above a million, this is an estimate of PostgreSQL."""
    if not is_moving():
        return 0
    with unless_dropped(), connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM (SELECT 1 FROM {OLD} LIMIT 1000000) AS rows")  # noqa: S608
        counted: int = cursor.fetchone()[0]
        if counted == 1_000_000:
            cursor.execute("SELECT greatest(reltuples::bigint, 1000000) FROM pg_class WHERE oid = %s::regclass", [OLD])
            counted = cursor.fetchone()[0]
        return counted
    return 0


def bring_over(source_system: str, external_ids: Sequence[str]) -> None:
    """Move the rows with these external ids, in the caller's transaction."""
    _bring(OF_IDS, [source_system, list(external_ids)])


def bring_over_threads(source_system: str, threads: Sequence[str]) -> None:
    """Move the rows of these threads, in the caller's transaction."""
    _bring(OF_THREADS, [source_system, list(threads)])


def bring_over_scope(scope_id: int) -> None:
    """Move the rows of a scope, in the caller's transaction. A large scope takes about a minute for a million rows."""
    _bring(OF_SCOPE, [scope_id])


def bring_over_accounts(source_system: str, accounts: Iterable[str]) -> None:
    """Move the rows of these accounts, in the caller's transaction."""
    _bring(OF_ACCOUNTS, [source_system, list(accounts)])


def _bring(condition: str, parameters: list[Any]) -> None:
    """Move the rows that match a condition, ``SLICE`` rows at a time so that memory stays flat."""
    if is_moving():
        some = f"id IN (SELECT id FROM {OLD} WHERE {condition} LIMIT {SLICE})"  # noqa: S608
        with unless_dropped():
            while _any(condition, parameters):  # none may be taken if another process has just moved the same rows
                _insert(_take(some, parameters))


def move_slice(below: int, slim: Callable[[list[Row]], None], size: int = SLICE) -> tuple[int, int]:
    """Move the newest ``size`` rows with an id below the given one. Returns their number and their smallest id.

    ``slim`` removes the texts that the tracker can compute. Rows that another transaction is changing are skipped.
    """
    rows: list[Row] = []
    with unless_dropped():
        rows = _take(NEWEST, [below, size])
        slim(rows)
        _insert(rows)
    return len(rows), min((row["id"] for row in rows), default=0)


def drop_if_empty() -> bool:
    """Drop the table of the earlier release if no row is left and no process uses it. Returns whether it is gone."""
    if not is_moving():
        return True
    try:
        with unless_dropped(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {OLD} NOWAIT")  # a waiting lock would stop all pages and collections
            if _any("true", []):
                return False
            cursor.execute(f"DROP TABLE {OLD}")
            cursor.execute("ANALYZE core_activity")
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        return False
    return True


def _any(condition: str, parameters: list[Any]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {OLD} WHERE {condition})", parameters)  # noqa: S608
        return cursor.fetchone()[0]


def _take(condition: str, parameters: list[Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(TAKE.format(condition=condition), parameters)
        return [dict(zip(FIELDS, row, strict=True)) | {"common": False} for row in cursor.fetchall()]


def _insert(rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that are not stored yet, without counting them: the weekly counts contain them already."""
    from core.ingest.timeline import compact_rows  # that module imports this one

    for source in sorted({row["source_system"] for row in rows}):
        moved = [_with_number(row) for row in rows if row["source_system"] == source]
        compact = [columns | {"id": row["id"]} for columns, row in zip(compact_rows(moved), moved, strict=True)]
        _set_move("on")
        upsert(Activity, compact, key=["number", "prefix_id", "code"], keep=list(compact[0]))
        _set_move("")


def _with_number(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the row without its account if the id of the account is not a number. The name of the account remains."""
    try:
        account_number(row["actor_external_id"])
    except ValueError:
        return {**row, "actor_external_id": ""}
    return row


def _set_move(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('core.move', %s, true)", [value])
