"""Names for the processes that index documents, so that another one can say who is at work."""

import os
import socket
import sys
from pathlib import Path

from django.db import connection

from core.db.locks import DOCUMENTS

LONGEST = 63
"""Bytes of an ``application_name``: https://www.postgresql.org/docs/current/runtime-config-logging.html"""


def introduce() -> None:
    """Give this database session the name of the command and its process."""
    program = Path(sys.argv[0]).name
    command = sys.argv[1] if program == "manage.py" and len(sys.argv) > 1 else program
    name = f"{command} (process {os.getpid()} on {socket.gethostname()})"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('application_name', %s, false)", [name.encode()[:LONGEST].decode("ascii", "ignore")]
        )


def holder_name() -> str:
    """Return the name of another session that has claimed documents, empty when there is none any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE l.locktype = 'advisory' AND l.classid = %s AND l.objsubid = 2 AND l.granted"
            " AND a.datname = current_database() AND l.pid <> pg_backend_pid() ORDER BY a.backend_start LIMIT 1",
            [DOCUMENTS],
        )
        row = cursor.fetchone()
    return str(row[0]) if row and row[0] else ""
