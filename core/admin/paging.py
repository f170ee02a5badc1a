"""Pages of large tables."""

import re
from typing import Any, cast

from django.core.paginator import Paginator
from django.db import connection, models
from django.utils.functional import cached_property

LARGE = 50_000
REACH = 10_000
"""Rows that can be paged through in a large table: a page further on costs as much as reading all before it."""


def estimated_rows(model: type[models.Model]) -> int:
    """Rows of a whole table by the planner's statistics."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])
        return max(0, int(cursor.fetchone()[0]))


class EstimatingPaginator(Paginator):  # pyright: ignore[reportMissingTypeArgument]  # not generic at run time
    """Counts up to ``LARGE`` rows exactly, and takes the planner's word for more: counting a million takes seconds."""

    is_estimate = False
    reach = REACH

    @cached_property
    def count(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]  # as Django's own is
        """Rows of the list."""
        rows = cast("Any", self.object_list)
        if not rows.query.where and (whole := estimated_rows(rows.model)) > LARGE:
            self.is_estimate = True
            return whole
        exact = int(rows.order_by()[: LARGE + 1].count())
        if exact <= LARGE:
            return exact
        self.is_estimate = True
        planned = re.search(r"rows=(\d+)", rows.order_by().explain())
        return max(exact, int(planned[1]) if planned else 0)

    @property
    def is_cut(self) -> bool:
        """Whether not all of it can be paged through."""
        return self.count > LARGE

    @cached_property
    def num_pages(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]  # as Django's own is
        """Pages that can be opened."""
        return -(-REACH // self.per_page) if self.is_cut else max(1, -(-self.count // self.per_page))
