"""A database server that says nothing is given up."""

import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.database import database_settings
from tests.support.misbehaving_servers import Peer, silent


def test_a_database_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    with Peer(silent) as server:
        found: Any = database_settings(f"postgres://u@127.0.0.1:{server.port}/name?connect_timeout=2", tmp_path)
        began = time.monotonic()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(host=found["HOST"], port=found["PORT"], user="u", dbname="name", **found["OPTIONS"])
        assert time.monotonic() - began < 7
