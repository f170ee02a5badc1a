"""An installation for fault injection. It runs commands with a fault, and restores its database quickly."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from embedded_postgres.client import ensure_running, stop_server
from embedded_postgres.cluster_paths import ClusterPaths
from embedded_postgres.roles import DATABASE, ROLE, SUPERUSER
from tests.support.activity_references import TEXTS, UNCHECKED

ROOT = Path(__file__).parents[3]
HOOK = Path(__file__).parent / "hook"
PATIENCE = 180.0
"""Maximum seconds for one command. Most commands take one or two seconds, but clients wait after a fault."""
LEDGERS = {"core_collectorrun", "core_apibudget", "core_alert", "core_notice", "core_checkpoint", "core_commonword"}
"""Tables about runs and services. Their rows differ between runs, so they are not compared."""
COUNTERS = {"lsn", "version", "chunked_version", "indexed_version", "attempts", "high_water"}
"""Columns that count writes and attempts. They differ between runs, so they are not compared."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """The number of the step that fails, and how it fails. See ``hook/sitecustomize.py``."""

    at: int
    lasting: bool = False
    way: int = 0

    def __str__(self) -> str:
        return f"{self.at}{' and all after it' if self.lasting else ''}, way {self.way}"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The result of a command."""

    code: int | None
    out: str
    err: str
    seconds: float
    step: str = ""
    """The step that failed. Empty if the command ended before this step."""
    steps: int = 0
    """Number of steps, or 0 if the process was killed."""


@dataclass
class Installation:
    """A VAR_DIR in ``folder`` with an embedded database, and the environment of its commands."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    """Environment variables for all commands, such as the URLs of the services."""
    variant: dict[str, str] = field(default_factory=dict)
    """Additional environment variables for the commands of the current job."""
    preloaded: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)
    """Processes that fork for each command. The key is the ``variant`` of a process as JSON."""

    @property
    def var(self) -> Path:
        return self.folder / "var"

    @property
    def home(self) -> ClusterPaths:
        return ClusterPaths(self.var / "postgres")

    def manage(
        self, *order: str, fault: Fault | None = None, var: Path | None = None, patience: float = PATIENCE
    ) -> Ended:
        """Run a command, and inject ``fault`` unless it is None.

        If ``var`` is a different VAR_DIR, the command runs in a new Python process.
        """
        report, out, err = (self.folder / name for name in ("report", "stdout", "stderr"))
        report.unlink(missing_ok=True)
        spec = None
        if fault is not None:
            spec = {"at": fault.at, "lasting": fault.lasting, "way": fault.way, "report": str(report)}
        began = time.monotonic()
        if var is None or var == self.var:
            code = self._fork({"order": order, "fault": spec, "out": str(out), "err": str(err)}, patience)
        else:
            code = self._start(order, spec, var, out, err)
        return Ended(
            code=code, out=out.read_text(), err=err.read_text(), seconds=time.monotonic() - began,
            step=_noted(report, "step"), steps=int(_noted(report, "steps") or 0),
        )  # fmt: skip

    def _environment(self, var: Path) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME", "TMPDIR") if name in os.environ}
        env = kept | {"VAR_DIR": str(var), "WORKSPACE_DIR": str(self.folder / "workspace")}
        return env | {"DJANGO_SETTINGS_MODULE": "config.settings"} | self.environment | self.variant

    def _start(self, order: Sequence[str], spec: object, var: Path, out: Path, err: Path) -> int | None:
        """Run a command in a new Python process.

        Returns its exit code, or None if it was killed after ``PATIENCE`` seconds.
        """
        hooked = {"IO_FAULT": json.dumps(spec), "PYTHONPATH": str(HOOK)} if spec else {}
        with out.open("w") as stdout, err.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), *order],
                cwd=ROOT, env=self._environment(var) | hooked, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
            )  # fmt: skip
            try:
                return process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                return None

    def _fork(self, asked: Mapping[str, object], patience: float) -> int | None:
        """Run a command in a child of the preloaded process.

        Returns its exit code, or None if it was killed after ``patience`` seconds.
        """
        name = json.dumps(self.variant)
        if name not in self.preloaded:
            self.preloaded[name] = subprocess.Popen(
                [sys.executable, "-m", "config.tests.io_faults.preloaded"],
                cwd=ROOT, env=self._environment(self.var), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
            )  # fmt: skip
        given, answers = self.preloaded[name].stdin, self.preloaded[name].stdout
        assert given is not None
        assert answers is not None
        given.write(f"{json.dumps(asked)}\n".encode())
        process = int(answers.readline())
        ended, _, _ = select.select([answers], [], [], patience)
        if not ended:
            os.kill(process, signal.SIGKILL)
        code = int(answers.readline())
        return code if ended else None

    def clear(self) -> None:
        """Remove the folders of the jobs, and all folders in VAR_DIR except the folder of the database."""
        shutil.rmtree(self.folder / "workspace", ignore_errors=True)
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        shutil.rmtree(self.folder / "fresh", ignore_errors=True)
        for path in self.var.iterdir():
            if path.is_dir() and path.name != "postgres":
                shutil.rmtree(path)

    def session(self, database: str = "postgres") -> "psycopg.Connection[Any]":
        """Open a session on the embedded server, and start the server if it is not running.

        If the server refuses the session, try again for up to a minute.
        """
        give_up = time.monotonic() + 60
        while True:
            try:
                host = ensure_running(self.home)
                return psycopg.connect(host=host, user=SUPERUSER, dbname=database, autocommit=True)
            except psycopg.OperationalError:  # a killed server may be in recovery
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.1)

    def keep_as(self, template: str) -> None:
        """Save a copy of the database under the name ``template``."""
        self._copy(DATABASE, template)

    def reset(self, template: str) -> None:
        """Replace the database with the copy that has the name ``template``."""
        self._copy(template, DATABASE)

    def _copy(self, source: str, target: str) -> None:
        names = {"source": sql.Identifier(source), "target": sql.Identifier(target), "owner": sql.Identifier(ROLE)}
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
        with self.session() as session:
            session.execute(end, [source])
            session.execute(sql.SQL("DROP DATABASE IF EXISTS {target} WITH (FORCE)").format(**names))
            session.execute(sql.SQL("CREATE DATABASE {target} TEMPLATE {source} OWNER {owner}").format(**names))

    def rows(self) -> "State":
        """Return the rows to compare, by table.

        ``LEDGERS``, Django's own tables, generated ids with the references to them, and ``COUNTERS`` are left out.
        """
        found: State = {}
        with self.session(DATABASE) as session:
            serial = {
                (table, column)
                for table, column in session.execute(
                    "SELECT table_name, column_name FROM information_schema.columns"
                    " WHERE table_schema = 'public' AND is_identity = 'YES'"
                )
            }
            references = session.execute(
                "SELECT c.conrelid::regclass::text, a.attname, c.confrelid::regclass::text, b.attname"
                " FROM pg_constraint c"
                " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]"
                " JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = c.confkey[1]"
                " WHERE c.contype = 'f'"
            ).fetchall()
            serial |= {(table, column) for table, column, other, key in references if (other, key) in serial}
            serial |= UNCHECKED
            tables = session.execute(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            )
            for (table,) in tables.fetchall():
                if table in LEDGERS or table.startswith(("django_", "auth_")):
                    continue
                left_out = [column for owner, column in serial if owner == table] + sorted(COUNTERS)
                query = sql.SQL("SELECT to_jsonb(t) - %s::text[] FROM {} t").format(sql.Identifier(table))
                rows = [row for (row,) in session.execute(query, [left_out])]
                found[table] = [
                    row for row in rows if not row.get("cleared_at")
                ]  # only runs with faults leave cleared skips, for items that a retry collected
            if "core_externalidprefix" in found:
                found |= {name: [row for (row,) in session.execute(query)] for name, query in TEXTS.items()}
        return found

    def stop(self) -> None:
        """Stop the preloaded processes and the server."""
        for process in self.preloaded.values():
            process.kill()
            process.communicate()
        stop_server(self.var)


State = dict[str, list[dict[str, Any]]]


def times_of_reading(first: State, second: State) -> set[tuple[str, str]]:
    """Return the columns that differ between two runs without faults, which must be columns of times.

    Raises ValueError if the name of such a column does not end in ``_at`` or ``_on``.
    """
    found: set[tuple[str, str]] = set()
    for table, rows in first.items():
        for column in rows[0] if rows else ():
            values, others = (Counter(_text(row[column]) for row in some) for some in (rows, second[table]))
            if values != others:
                if not column.endswith(("_at", "_on")):
                    raise ValueError(f"{table}.{column} differs between two undisturbed runs")
                found.add((table, column))
    return found


def comparable(state: State, times: set[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the rows of each table as sorted JSON texts. Values in the columns of ``times`` become true or false.

    True means that the value is not null.
    """
    return {
        table: sorted(
            _text({
                column: value is not None if (table, column) in times else value for column, value in row.items()
            })
            for row in rows
        )
        for table, rows in state.items()
    }  # fmt: skip


def difference(expected: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Return one line about missing, additional and changed values, or an empty text if the states are equal."""
    changes: list[str] = []
    for name in sorted({*expected, *found}):
        wanted, present = expected.get(name), found.get(name)
        if wanted == present:
            continue
        if isinstance(wanted, list) and isinstance(present, list):
            missing, more = Counter(wanted) - Counter(present), Counter(present) - Counter(wanted)
            examples = [f"-{line[:300]}" for line in list(missing)[:1]] + [f"+{line[:300]}" for line in list(more)[:1]]
            changes.append(f"{name}: {missing.total()} missing, {more.total()} more {' '.join(examples)}")
        else:
            changes.append(f"{name}: {str(present)[:200]} instead of {str(wanted)[:200]}")
    return "; ".join(changes)


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _noted(report: Path, word: str) -> str:
    """Return the text after ``word`` in the first line of a report that begins with it, or an empty text."""
    if not report.exists():
        return ""
    lines = (line.partition(" ") for line in report.read_text().splitlines())
    return next((rest for first, _, rest in lines if first == word), "")
