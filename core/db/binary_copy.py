"""Many rows into a table at once: PostgreSQL's binary COPY.

The format: https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS-BINARY
"""

import struct
from collections.abc import Iterable, Sequence

from django.db import connection

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"
_LENGTH = struct.Struct(">i").pack
_COUNT = struct.Struct(">h").pack
_BIGINT = struct.Struct(">q").pack
_INTEGER = struct.Struct(">i").pack
_HALFVEC = struct.Struct(">hh").pack
PART = 1 << 18
"""Bytes handed over at once."""


def bigint(value: int) -> bytes:
    """A bigint."""
    return _BIGINT(value)


def integer(value: int) -> bytes:
    """An integer of four bytes."""
    return _INTEGER(value)


def text(value: str) -> bytes:
    """A text or varchar; it must hold neither NUL nor lone surrogates."""
    return value.encode()


def halfvec(big_endian: bytes) -> bytes:
    """A halfvec from its big-endian half-precision numbers."""
    return _HALFVEC(len(big_endian) // 2, 0) + big_endian


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[bytes]]) -> int:
    """Append rows whose fields are encoded as above; returns how many."""
    count, width, held = 0, _COUNT(len(columns)), bytearray(HEADER)
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.cursor() as cursor:
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)"
        with cursor.cursor.copy(statement) as copy:
            for row in rows:
                held += width
                for field in row:
                    held += _LENGTH(len(field))
                    held += field
                count += 1
                if len(held) > PART:
                    copy.write(bytes(held))
                    held.clear()
            copy.write(bytes(held) + END)
    return count
