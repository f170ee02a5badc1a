"""What is gone at the source stays here, marked with the time when its absence was noticed."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models

from core.models import Activity, Scope
from core.search.documents import DocumentMark, mark_changed, mark_deleted

GONE_FROM_WHOLE = """
    UPDATE {table} AS kept SET deleted_at = %s
    WHERE repository_id = %s AND {number} = ANY(%s) AND deleted_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM unnest(%s::{type}[]) AS here (id) WHERE here.id = kept.{key})
    RETURNING {key}, {number}
"""


def bury_absent(
    model: type[models.Model], number: str, whole: Sequence[int], here: Sequence[Any], *, scope: Scope, now: datetime
) -> list[tuple[Any, int]]:
    """Bury rows of the ``whole`` numbers that are not ``here``; returns their keys and numbers. One statement."""
    if not whole:
        return []
    key = str(model._meta.pk.column)  # pyright: ignore[reportOptionalMemberAccess]  # every model has one
    kind = "text" if isinstance(model._meta.pk, models.CharField) else "bigint"
    statement = GONE_FROM_WHOLE.format(table=model._meta.db_table, number=number, key=key, type=kind)
    with connection.cursor() as cursor:
        cursor.execute(statement, [now, int(scope.external_id), list(whole), list(here)])
        return [(row[0], row[1]) for row in cursor.fetchall()]


def bury(model: type[models.Model], keys: Iterable[Any], now: datetime) -> int:
    """Bury rows by their keys; returns how many were alive."""
    return model._default_manager.filter(pk__in=list(keys), deleted_at=None).update(deleted_at=now)


def bury_activities(external_ids: Iterable[str], now: datetime) -> None:
    """Bury what stands on the timeline."""
    names = list(external_ids)
    if names:
        Activity.objects.filter(source_system="github", external_id__in=names, deleted_at=None).update(deleted_at=now)


def bury_thread_activities(threads: Iterable[str], now: datetime) -> None:
    """Bury everything on the timeline that belongs to these issues, pull requests or discussions."""
    names = list(threads)
    if names:
        Activity.objects.filter(source_system="github", thread__in=names, deleted_at=None).update(deleted_at=now)


def mark_threads(kind: str, numbers: Iterable[int], scope: Scope) -> None:
    """Say that the documents of these issues, pull requests or discussions show something else now."""
    mark_changed(
        DocumentMark(
            source_system="github",
            external_id=f"github:{kind}:{scope.external_id}:{number}",
            kind=kind,
            scope_id=scope.pk,
        )
        for number in set(numbers)
    )


def drop_documents(kind: str, numbers: Iterable[int], scope: Scope, now: datetime) -> None:
    """Say that these documents are gone."""
    mark_deleted("github", (f"github:{kind}:{scope.external_id}:{number}" for number in set(numbers)), now)
