"""Sends large parameters to PostgreSQL separately from their statement."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper


@contextmanager
def separate_parameters() -> Generator[CursorWrapper]:
    """Open a cursor that sends parameters separately from the text of a statement.

    By default, Django inserts quoted parameters into the text. For large parameters, this takes several times as long
    in Python, and PostgreSQL must also parse the longer text.
    """
    connection.ensure_connection()
    server_side: Any = psycopg.Cursor(connection.connection)
    make = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with make(server_side) as cursor:
        yield cursor
