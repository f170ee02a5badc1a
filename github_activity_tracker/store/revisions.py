"""Earlier texts are kept when a page brings later ones."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, models
from psycopg import sql

from core.db.upsert import upsert
from core.ingest.records import Record
from github_activity_tracker.models import Revision


def keep_earlier_texts(model: type[models.Model], records: Sequence[Record], kind: str) -> None:
    """Keep what these rows replace, in the caller's transaction and before they are written; at most two statements."""
    if not records:
        return
    names = [name for name in ("title", "body") if name in records[0].row]
    known = _kept(model, [record.row["id"] for record in records], ("id", "updated_at", *names))
    replaced: list[dict[str, Any]] = []
    for row in (record.row for record in records):
        old = known.get(row["id"])
        if old and old["updated_at"] <= row["updated_at"] and any(old[name] != row[name] for name in names):
            replaced.append(
                {
                    "repository_id": row["repository_id"],
                    "kind": kind,
                    "object_id": row["id"],
                    "title": old.get("title"),
                    "body": old["body"],
                    "written_at": old["updated_at"],
                    "replaced_at": row["updated_at"],
                }
            )
        if old is None or old["updated_at"] <= row["updated_at"]:
            known[row["id"]] = row  # it may come again, edited between two pages
    upsert(Revision, replaced, key=["kind", "object_id", "written_at", "replaced_at"])


def _kept(model: type[models.Model], ids: list[int], names: Sequence[str]) -> dict[int, dict[str, Any]]:
    """Rows by id. Asked by hand: the ORM takes ten times as long to say so many ids, and mostly there are no rows."""
    statement = sql.SQL("SELECT {} FROM {} WHERE id = ANY(%s)").format(
        sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(model._meta.db_table)
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [ids])
        return {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}
