"""Tests with a connection pooler. Session mode works. Other modes are refused before anything is stored."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

ROOT = Path(__file__).parents[2]
PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed"),
]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def pooler(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Run pgbouncer in front of the test database, and yield its DATABASE_URL. The parameter is the pool mode."""
    assert PGBOUNCER is not None
    connection.ensure_connection()
    info = connection.connection.info
    port, owner = _free_port(), Path(info.host).stat()
    settings = tmp_path / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\n* = host={info.host} port={info.port} user={info.user}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"pool_mode = {request.param}\nmax_client_conn = 20\ndefault_pool_size = 5\n"
        "ignore_startup_parameters = extra_float_digits,options\n"
    )
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder.owner() == "root" and folder.is_relative_to("/tmp/pytest-of-root"):
            folder.chmod(0o755)
    as_owner: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid} if os.getuid() == 0 else {}
    with subprocess.Popen(
        [PGBOUNCER, "-q", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/", **as_owner
    ) as process:
        url = f"postgresql://{info.user}@127.0.0.1:{port}/{info.dbname}"
        for _ in range(100):
            try:
                psycopg.connect(url, connect_timeout=2).close()
                break
            except psycopg.OperationalError:
                assert process.poll() is None, process.stderr and process.stderr.read()
                time.sleep(0.1)
        yield url
        process.terminate()


def manage(url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a management command with ``url`` as DATABASE_URL, and without GitHub tokens."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "DATABASE_URL": url, "GITHUB_TOKENS": "", "GITHUB_API_URL": "http://127.0.0.1:9"},
    )  # fmt: skip


def runs() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_collectorrun")
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("pooler", "command"),
    [
        ("transaction", ["collect_github", "a/b"]),
        ("transaction", ["sync_index"]),
        ("transaction", ["collect_all"]),
        ("statement", ["collect_github", "a/b"]),
    ],
    indirect=["pooler"],
)
def test_a_pooler_that_shares_sessions_is_refused_before_anything_is_stored(pooler: str, command: list[str]) -> None:
    done = manage(pooler, *command)
    assert (done.returncode, runs()) == (2, 0), done.stderr
    assert "pool_mode to session" in done.stderr


@pytest.mark.parametrize("pooler", ["session"], indirect=True)
def test_a_pooler_in_session_mode_is_accepted(pooler: str) -> None:
    done = manage(pooler, "sync_index")
    assert done.returncode == 0, done.stderr
