"""Inserts many rows at once with PostgreSQL's binary COPY.

The format is described at https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS-BINARY
"""

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from django.db import connection

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"
_LENGTH = struct.Struct(">i").pack
_COUNT = struct.Struct(">h").pack
_BIGINT = struct.Struct(">q").pack
_INTEGER = struct.Struct(">i").pack
_HALFVEC = struct.Struct(">hh").pack
_NULL = b"\xff\xff\xff\xff"
"""Length that stands for NULL."""
_EPOCH, _MICROSECOND = datetime(2000, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
PART = 1 << 18
"""Number of buffered bytes above which the buffer is sent to the server.

A smaller buffer would cost more time, and a larger buffer more memory.
"""


def bigint(value: int) -> bytes:
    """Encode a value of the type bigint."""
    return _BIGINT(value)


def smallint(value: int) -> bytes:
    """Encode a value of the type smallint, which has two bytes."""
    return _COUNT(value)


def integer(value: int) -> bytes:
    """Encode a value of the type integer, which has four bytes."""
    return _INTEGER(value)


def text(value: str) -> bytes:
    """Encode a value of the type text or varchar.

    The value must not contain NUL, because PostgreSQL refuses it. Raises UnicodeEncodeError for unpaired surrogates.
    """
    return value.encode()


def timestamptz(value: datetime) -> bytes:
    """Encode a value of the type timestamptz, which is a number of microseconds since 2000. It needs a time zone."""
    return _BIGINT((value - _EPOCH) // _MICROSECOND)


def halfvec(big_endian: bytes) -> bytes:
    """Encode a value of the type halfvec. ``big_endian`` contains its half-precision numbers in big-endian order."""
    return _HALFVEC(len(big_endian) // 2, 0) + big_endian


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[bytes | None]]) -> int:
    """Append rows to a table, and return their number. The functions above must have encoded all fields of the rows.

    ``None`` is NULL.
    """
    count, width, buffer = 0, _COUNT(len(columns)), bytearray(HEADER)
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.cursor() as cursor:
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)"
        with cursor.cursor.copy(statement) as copy:
            for row in rows:
                buffer += width
                for field in row:
                    if field is None:
                        buffer += _NULL
                        continue
                    buffer += _LENGTH(len(field))
                    buffer += field
                count += 1
                if len(buffer) > PART:
                    copy.write(bytes(buffer))
                    buffer.clear()
            copy.write(bytes(buffer) + END)
    return count
