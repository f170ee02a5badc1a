"""Lists that are stored as columns: one that arrived short does not replace a longer one."""

from collections.abc import Mapping, Sequence

from django.db import models

from core.ingest.values import Row


def keep_longer_lists(model: type[models.Model], rows: Sequence[Row], short: Mapping[int, Sequence[str]]) -> list[Row]:
    """Return the rows; of the ``short`` columns those with the longer list, the stored or the new one.

    ``short`` has columns by the rows' ids. Rows without a short column cost no query.
    """
    if not short:
        return list(rows)
    stored = {row.pk: row for row in model._default_manager.filter(pk__in=list(short))}

    def restored(row: Row) -> Row:
        if (before := stored.get(row["id"])) is None:
            return row
        lists = {name: getattr(before, name) for name in short.get(row["id"], ())}
        return row | {name: value for name, value in lists.items() if len(value) > len(row[name])}

    return [restored(row) for row in rows]
