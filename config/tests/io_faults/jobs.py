"""The jobs that run with faults, and the functions that return the end state to compare."""

import hashlib
import stat
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.tests.io_faults.installation import Ended, Installation, comparable, times_of_reading
from embedded_postgres.client import ensure_running, programs, stop_server
from embedded_postgres.cluster_paths import ClusterPaths
from embedded_postgres.roles import DATABASE, SUPERUSER
from tests.support.pinecone_twin import Twin

CODES = {0, 1, 2, 3, 75}
"""Allowed exit codes: 0 succeeded, 1 failed, 2 wrong configuration, 3 partial, 75 busy."""
OWN_TEMPORARY = (".activity-trackers-*", "data.new-*", ".secret_key-*", "*.lock", "tmp_*")
"""Patterns of temporary files that no command may leave behind."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A command that runs with faults, with its preparation and the function that reads its end state."""

    name: str
    order: Callable[[Installation], list[str]]
    template: str
    """Name of the saved database with which the job starts."""
    state: Callable[[Installation], Mapping[str, Any]]
    folders: tuple[str, ...] = ()
    """Folders of the installation that must have no temporary files after the run without a fault."""
    var: str = "var"
    weight: int = 3
    """Relative share of the random faults. Slow jobs have a smaller share."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Additional environment variables for the commands of this job."""
    clear: Callable[[Installation], None] = lambda _installation: None
    """Function that resets state outside of the database and the folders. ``begin`` calls it first."""

    def run(self, installation: Installation, fault: Any = None) -> Ended:
        return installation.manage(*self.order(installation), fault=fault, var=installation.folder / self.var)

    def begin(self, installation: Installation) -> None:
        """Reset the database, the folders and all other state."""
        self.clear(installation)
        installation.variant = dict(self.environment)
        installation.reset(self.template)
        installation.clear()
        (installation.folder / "out").mkdir()

    def left_behind(self, installation: Installation) -> list[str]:
        """Return the temporary files in the job's folders."""
        places = [installation.folder / name for name in self.folders]
        found = [path for place in places for pattern in OWN_TEMPORARY for path in place.rglob(pattern)]
        return [
            path.name for path in found if path.suffix != ".lock" or "postgres" not in path.parts
        ]  # the lock files in "postgres" belong to the server


class Rows:
    """Returns the rows of a database in comparable form.

    The first two calls must follow runs without faults. Columns that differ between these calls contain times of
    collection, and their values are not compared.
    """

    def __init__(self) -> None:
        self.times: set[tuple[str, str]] = set()
        self.first: dict[str, Any] | None = None

    def __call__(self, installation: Installation) -> Mapping[str, Any]:
        found = installation.rows()
        if self.first is None:
            self.first = found
        elif not self.times:
            self.times = times_of_reading(self.first, found) or {("", "")}
        return comparable(found, self.times)


def export_state(installation: Installation) -> Mapping[str, Any]:
    """Return the file mode and the hash of each exported file by name."""
    return {
        path.name: f"{stat.S_IMODE(path.stat().st_mode):o} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in (installation.folder / "out").iterdir()
    }


def backup_state(installation: Installation) -> Mapping[str, Any]:
    """Return the file mode and the SQL statements of each backup by name."""
    found: dict[str, Any] = {}
    for path in (installation.folder / "out").iterdir():
        command = [programs() / "pg_restore", "--file=-", path]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = [line for line in done.stdout.splitlines() if not line.startswith(("--", "\\restrict", "\\unrestrict"))]
        found[path.name] = [f"{stat.S_IMODE(path.stat().st_mode):o}", f"{done.returncode} {done.stderr}", *lines]
    return found


def index_state(rows: Rows) -> Callable[[Installation], dict[str, Any]]:
    """Return a function for ``Job.state``. It returns the rows and the output of ``verify_index``."""

    def state(installation: Installation) -> dict[str, Any]:
        checked = installation.manage("verify_index")
        return dict(rows(installation)) | {"verify_index": f"{checked.code} {checked.out} {checked.err}"}

    return state


def pinecone_job(twin: Twin) -> Job:
    """Return a job that syncs the index to the twin of Pinecone."""
    rows = Rows()

    def state(installation: Installation) -> Mapping[str, Any]:
        stored = {name: sorted(f"{row['id']} {row['sha256']}" for row in found) for name, found in twin.rows().items()}
        return index_state(rows)(installation) | stored

    return Job(
        name="pinecone", order=lambda _: ["sync_index"], template="changed", state=state,
        clear=lambda _installation: twin.reset(),
        environment={"VECTOR_INDEX": "pinecone", "PINECONE_HOST": twin.url, "PINECONE_API_KEY": "a-key-of-tests"},
    )  # fmt: skip


def start_state(installation: Installation) -> Mapping[str, Any]:
    """Return the end state of a first start.

    It consists of the database schema, the result of ``migrate --check``, whether the file of the secret key has more
    than 40 bytes, and its file mode.
    """
    fresh = installation.folder / "fresh"
    key = fresh / "secret_key"
    fresh_one = Installation(installation.folder, installation.environment)
    host = ensure_running(ClusterPaths(fresh / "postgres"))
    dump = [programs() / "pg_dump", "--schema-only", f"--host={host}", f"--username={SUPERUSER}", DATABASE]
    done = subprocess.run(dump, capture_output=True, text=True, check=False)
    schema = [line for line in done.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]
    migrated = fresh_one.manage("migrate", "--check", var=fresh)
    return {
        "schema": schema, "migrated": f"{migrated.code} {migrated.err}",
        "key": (key.stat().st_size > 40, f"{stat.S_IMODE(key.stat().st_mode):o}"),
    }  # fmt: skip


def stop_fresh(installation: Installation) -> None:
    """Stop the database server of the previous first start, if there was one."""
    fresh: Path = installation.folder / "fresh"
    if fresh.exists():
        stop_server(fresh)


def jobs(repository: str, guild: str) -> list[Job]:
    """Return all jobs, which use the sample repository and the sample Discord server."""
    return [
        Job(
            name="collect", order=lambda _: ["collect_github", repository, "--no-sync"], template="empty",
            state=Rows(), folders=("workspace",),
        ),
        Job(
            name="discord", order=lambda _: ["collect_discord", guild, "--no-sync"], template="empty", state=Rows(),
        ),
        Job(name="sync", order=lambda _: ["sync_index"], template="changed", state=index_state(Rows())),
        Job(
            name="backup", order=lambda one: ["backup", str(one.folder / "out" / "all.dump")], template="collected",
            state=backup_state, folders=("out",),
        ),
        Job(
            name="export", template="collected", state=export_state, folders=("out",),
            order=lambda one: ["export_activity", "--bodies", "--output", str(one.folder / "out" / "all.jsonl")],
        ),
        Job(
            name="start", order=lambda _: ["migrate", "--verbosity", "0"], template="empty", state=start_state,
            folders=("fresh",), var="fresh", clear=stop_fresh, weight=1,
        ),
    ]  # fmt: skip
