"""Each dump of an earlier release in ``dumps/`` can be upgraded to this version. Ids and the index stay the same."""

import json
import lzma
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.tests.test_backup import manage
from embedded_postgres.client import ensure_running, programs, stop_server
from embedded_postgres.cluster_paths import ClusterPaths
from embedded_postgres.roles import DATABASE, ROLE, SUPERUSER
from samples.discord import SampleDiscord
from samples.server import SampleServer

DUMPS = sorted((Path(__file__).parent / "dumps").glob("*.dump.xz"))
pytestmark = pytest.mark.slow


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    """Yield a VAR_DIR, and stop its server after the test."""
    yield tmp_path / "var"
    stop_server(tmp_path / "var")


@pytest.fixture(params=DUMPS, ids=lambda path: path.name.removesuffix(".dump.xz"))
def dump(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return the unpacked dump of a release."""
    file = tmp_path / "release.dump"
    file.write_bytes(lzma.decompress(request.param.read_bytes()))
    return file


def in_place(var: Path, dump: Path) -> None:
    """Create a data folder like that of version 0.1.0. In that version, the superuser owns all database objects."""
    where = ["--host", ensure_running(ClusterPaths(var / "postgres")), "--username", SUPERUSER]
    subprocess.run([programs() / "createdb", *where, "--template=template0", DATABASE], check=True)
    subprocess.run([programs() / "pg_restore", *where, "--no-owner", f"--dbname={DATABASE}", dump], check=True)


def by_restore(var: Path, dump: Path) -> None:
    """Restore the dump into a new data folder, as people do when they move to another machine."""
    done = manage(var, f"restore {dump}", DATABASE_URL="")
    assert done.returncode == 0, done.stderr


def ids(var: Path) -> dict[str, Any]:
    """Return the types of all activities by external id."""
    done = manage(var, "export_activity", DATABASE_URL="")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["external_id"]: row["activity_type"] for row in rows}


def ids_of_release(var: Path) -> dict[str, Any]:
    """Return the types of all activities by external id, before the upgrade."""
    with psycopg.connect(
        host=ensure_running(ClusterPaths(var / "postgres")), user=SUPERUSER, dbname=DATABASE
    ) as connection:
        return dict(connection.execute("SELECT external_id, activity_type FROM core_activity").fetchall())


def check_vectors(var: Path) -> None:
    """Check that the index contains every chunk of the ledger, and that no document must be indexed again."""
    with psycopg.connect(host=ensure_running(ClusterPaths(var / "postgres")), user=ROLE, dbname=DATABASE) as connection:
        counts = """
            SELECT (SELECT count(*) FROM core_vector), (SELECT sum(chunks) FROM core_indexentry),
                (SELECT count(*) FROM core_indexentry WHERE state <> 'clean' OR content_hash = '')
        """
        stored, expected, waiting = connection.execute(counts).fetchone() or (0, 0, 0)
    assert stored == expected > 100
    assert waiting == 0


def owners(var: Path) -> set[str]:
    """Return the owners of the tables."""
    with psycopg.connect(host=ensure_running(ClusterPaths(var / "postgres")), user=ROLE, dbname=DATABASE) as connection:
        return {row[0] for row in connection.execute("SELECT tableowner FROM pg_tables WHERE schemaname = 'public'")}


@pytest.mark.parametrize("arrive", [in_place, by_restore])
def test_a_release_is_upgraded_goes_on_collecting_and_keeps_its_ids_and_its_index(
    arrive: Any, dump: Path, var: Path
) -> None:
    assert DUMPS
    arrive(var, dump)
    before = ids_of_release(var)
    with SampleServer() as github, SampleDiscord() as discord:
        more = {
            "GITHUB_API_URL": github.url, "GITHUB_GIT_URL": github.url, "GITHUB_TOKENS": github.token(),
            "DISCORD_API_BASE": discord.url, "DISCORD_BOT_TOKEN": discord.token, "DISCORD_BOT_TOKENS": "",
            "DATABASE_URL": "", "EMBEDDER": "local", "VECTOR_INDEX": "pgvector",
        }  # fmt: skip
        done = manage(var, "migrate --noinput -v0", **more)
        assert done.returncode == 0, done.stderr
        assert owners(var) == {ROLE}
        check_vectors(var)
        done = manage(var, "export_activity", **more)
        assert "activities of the earlier release would be missing. Run move_timeline first." in done.stderr
        assert len([kind for kind in before.values() if kind.startswith("github.")]) > 300
        assert len([kind for kind in before.values() if kind.startswith("discord.")]) > 50
        for order in (
            f"collect_github {github.truth()['full_name']}", f"collect_discord {discord.guild.id}", "verify_index"
        ):  # fmt: skip
            done = manage(var, order, **more)
            assert done.returncode == 0, done.stdout + done.stderr
        assert "the index matches the ledger" in done.stdout
        after = ids(var)
    assert {key: after.get(key) for key in before} == before


def test_the_way_back_removes_what_a_newer_version_added(dump: Path, var: Path) -> None:
    by_restore(var, dump)
    assert manage(var, "migrate --noinput -v0", DATABASE_URL="").returncode == 0
    assert manage(var, "move_timeline", DATABASE_URL="").returncode == 0
    kept = ids(var)
    done = manage(var, f"restore --force {dump}", DATABASE_URL="")
    assert done.returncode == 0, done.stderr
    with psycopg.connect(host=ensure_running(ClusterPaths(var / "postgres")), user=ROLE, dbname=DATABASE) as connection:
        assert connection.execute("SELECT to_regclass('axes_accessattempt')").fetchone() == (None,)
    assert manage(var, "migrate --noinput -v0", DATABASE_URL="").returncode == 0
    assert manage(var, "move_timeline", DATABASE_URL="").returncode == 0
    assert ids(var) == kept
