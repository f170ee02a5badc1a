"""The end state of a command: all tables and files, without values that differ between two undisturbed runs."""

import hashlib
import json
import re
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from psycopg import sql

from bench.signals.stage import Place, Stage
from core.operations.output import number_of
from embedded_postgres.client import programs
from tests.support.activity_references import TEXTS, UNCHECKED

HISTORY = frozenset({"core_collectorrun", "django_migrations"})
"""Tables that are not compared. The ledger of runs has an additional row for a stopped run.

The table of migrations contains only names and times. If a migration had not been applied, its tables would be missing.
"""
MINUTES = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")
"""Matches times in readable texts, such as the title of a digest. Times differ between runs and are not compared."""
Column = tuple[str, str]
NOT_COMPARED: set[tuple[str, str]] = {
    ("core_document", "version"),
    ("core_document", "chunked_version"),
    ("core_indexentry", "indexed_version"),
    ("core_apibudget", "resets_at"),
    ("core_notice", "attempts"),
}
"""Columns that are not compared.

The versions count writes, and an interrupted run can repeat a write. ``attempts`` also counts an attempt that a signal
ended. ``resets_at`` is the time at which a budget is reset, and changes during the trials. States and content hashes
are compared, and show whether the index is in step.
"""
Table = list[dict[str, Any]]

COLUMNS = """
    SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
        AND a.attidentity = '' AND a.attgenerated = '' AND NOT EXISTS (
            SELECT 1 FROM pg_constraint f JOIN pg_attribute i ON i.attrelid = f.confrelid AND i.attnum = f.confkey[1]
            WHERE f.contype = 'f' AND f.conrelid = c.oid AND f.conkey = ARRAY[a.attnum] AND i.attidentity <> '')
    ORDER BY 1, 2
"""
"""Query for the columns to compare: all columns except identity columns and references to them.

Numbers from sequences differ between runs, because transactions that are rolled back also consume numbers.
"""


INDEXES = """
    SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relnamespace = 'public'::regnamespace
"""


class State:
    """An end state: the rows of each table by table name, and the digest of each file by file name."""

    def __init__(self, tables: Mapping[str, Table], files: Mapping[str, str]) -> None:
        self.tables, self.files = tables, files

    def differing_columns(self, other: "State") -> set[Column]:
        """Return the columns with other values in ``other``. Each column is compared separately, in any row order."""
        return {
            (name, column)
            for name, rows in self.tables.items()
            for column in (rows[0] if rows else {})
            if _values(rows, column) != _values(other.tables.get(name, []), column)
        }

    def differences(self, other: "State", but: set[Column]) -> list[str]:
        """Return a line for each table and file that differs. The columns in ``but`` are not compared."""
        lines: list[str] = []
        for name in sorted({*self.tables, *other.tables}):
            mine, others = (_rows(state.tables.get(name), name, but) for state in (self, other))
            if mine != others:
                more, fewer = list((others - mine).elements()), list((mine - others).elements())
                examples = f"{more[:1]} instead of {fewer[:1]}"
                count = f"{number_of(len(more), 'new row')}, {len(fewer):,} missing"
                lines.append(f"{name}: {count}, such as {examples[:1200]}")
        for name in sorted({*self.files, *other.files}):
            if self.files.get(name) != other.files.get(name):
                kind = "differs" if name in self.files and name in other.files else "exists in only one of the states"
                lines.append(f"file {name} {kind}")
        return lines


def read_state(stage: Stage, place: Place) -> State:
    """Read the end state: the tables, the indexes, the messages posted to Slack, and all files in the folder ``out``.

    Hidden files are included.
    """
    tables: dict[str, Table] = {}
    with stage.connect(place.database) as connection:
        columns: dict[str, list[str]] = {}
        for table, column in connection.execute(COLUMNS):
            if (table, column) not in UNCHECKED:
                columns.setdefault(table, []).append(column)
        for table, names in columns.items():
            if table not in HISTORY:
                chosen = sql.SQL(", ").join(map(sql.Identifier, names))
                found = connection.execute(sql.SQL("SELECT {} FROM {}").format(chosen, sql.Identifier(table)))
                tables[table] = [dict(zip(names, map(_plain, row), strict=True)) for row in found]
        if "core_externalidprefix" in columns:
            for name, query in TEXTS.items():
                tables[name] = [
                    {key: _plain(value) for key, value in row[0].items()} for row in connection.execute(query.encode())
                ]
        tables["core_alert"] = [row for row in tables.get("core_alert", []) if not _is_over(row)]
        tables["indexes"] = [{"name": name, "is_valid": valid} for name, valid in connection.execute(INDEXES)]
    tables["posted to Slack"] = [{"text": _plain(message.get("text"))} for message in stage.slack.messages]
    out = place.folder / "out"
    written = [path for path in out.rglob("*") if path.is_file()]
    return State(tables, {str(path.relative_to(out)): _digest(path) for path in written})


def _is_over(alert: dict[str, Any]) -> bool:
    """Return whether an alert is resolved and was about an interrupted run. Undisturbed runs have no such alerts."""
    return alert["category"] == '"interrupted"' and alert["resolved_at"] != "null"


def _digest(path: Path) -> str:
    """Return the digest of a file. For a backup, only its SQL statements are hashed, because its header has a time."""
    content = path.read_bytes()
    if path.suffix == ".dump":
        listing = subprocess.run([programs() / "pg_restore", "--file=-", path], capture_output=True, check=False)
        words = [
            line for line in listing.stdout.splitlines() if not line.startswith((b"--", rb"\restrict", rb"\unrestrict"))
        ]
        content = b"\n".join(words) if listing.returncode == 0 else listing.stderr
    return hashlib.blake2b(content).hexdigest()


def _plain(value: object) -> str:
    return MINUTES.sub("(minute)", json.dumps(value, sort_keys=True, default=str))


def _values(rows: Table, column: str) -> Counter[str]:
    return Counter(row[column] for row in rows)


def _rows(table: Table | None, name: str, but: set[Column]) -> Counter[tuple[tuple[str, str], ...]]:
    return Counter(
        tuple((column, value) for column, value in row.items() if (name, column) not in but) for row in table or []
    )
