"""Tell errors of the database that concern one document from errors that concern all documents."""

from collections.abc import Generator
from contextlib import contextmanager

from django.db import DatabaseError, DataError, IntegrityError, InternalError, OperationalError

from core.errors import DocumentRefused

OF_THE_SERVER = ("08", "53", "57", "58")
"""Classes of SQLSTATE that concern the server or the connection, such as a full disk, and not the rows of a document.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""
DAMAGED_DATA = "XX"
"""Class of SQLSTATE for damaged files of the database. Such an error may concern only the rows of one document."""


@contextmanager
def document_errors() -> Generator[None]:
    """Raise DocumentRefused if PostgreSQL refuses a statement in the block because of the rows of a document.

    Examples are a value that PostgreSQL cannot store, and a row that must not exist twice. Errors that concern every
    document, such as a lost connection, are raised unchanged.
    """
    try:
        yield
    except (DataError, IntegrityError, OperationalError, InternalError) as error:
        if not _is_of_a_document(error):
            raise
        words = " ".join(str(error).split())[:300]
        raise DocumentRefused(f"PostgreSQL cannot read or store the document: {words}") from error


def _is_of_a_document(error: DatabaseError) -> bool:
    if isinstance(error, DataError | IntegrityError):
        return True
    state = getattr(error.__cause__, "sqlstate", None) or ""
    if isinstance(error, InternalError):
        return state.startswith(DAMAGED_DATA)
    return bool(state) and not state.startswith(OF_THE_SERVER)
