"""DATABASE_URL is converted to settings. Errors hide its password. Connections to a silent server time out."""

import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured

from config.database_url import database_settings
from tests.support.misbehaving_servers import Peer, silent


@pytest.mark.parametrize("wrong", ["mysql://h/n", "postgres://u:s3cret@h:port/n", "postgres://u:s3cret@h", "nonsense"])
def test_a_url_that_is_not_usable_is_refused_without_its_password(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL") as refused:
        database_settings(wrong, tmp_path)
    assert "s3cret" not in str(refused.value)


def test_a_url_becomes_settings(tmp_path: Path) -> None:
    entry = database_settings("postgres://u:p%40ss@db:5433/name?sslmode=require", tmp_path)
    assert (entry["PASSWORD"], entry["PORT"]) == ("p@ss", "5433")
    options: Any = entry["OPTIONS"]
    assert (options["sslmode"], options["connect_timeout"], options["keepalives_idle"]) == ("require", "10", "30")


def test_an_address_may_say_how_long_to_wait_for_a_connection(tmp_path: Path) -> None:
    options: Any = database_settings("postgres://db/name?connect_timeout=3&keepalives=0", tmp_path)["OPTIONS"]
    assert (options["connect_timeout"], options["keepalives"], options["tcp_user_timeout"]) == ("3", "0", "60000")


@pytest.mark.parametrize("password", ["s3@cret", "s3/cret", "12/cret", "1#cret", "%zz", "%00", "%ff", "s3 cret"])
def test_a_password_that_is_not_encoded_is_refused(password: str, tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="percent-encode") as refused:
        database_settings(f"postgres://u:{password}@h/name", tmp_path)
    assert "cret" not in str(refused.value)


def test_hosts_and_ports_are_lists_as_libpq_reads_them(tmp_path: Path) -> None:
    entry = database_settings("POSTGRES://a:1,[::1]:2/name?target_session_attrs=any", tmp_path)
    assert (entry["HOST"], entry["PORT"]) == ("a,::1", "1,2")
    assert database_settings("postgres://a,b/name", tmp_path)["PORT"] == ""


def test_a_database_that_never_answers_times_out(tmp_path: Path) -> None:
    with Peer(silent) as server:
        entry: Any = database_settings(f"postgres://u@127.0.0.1:{server.port}/name?connect_timeout=2", tmp_path)
        began = time.monotonic()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(host=entry["HOST"], port=entry["PORT"], user="u", dbname="name", **entry["OPTIONS"])
        assert time.monotonic() - began < 7
