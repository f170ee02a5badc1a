"""The figures of the dashboard, read from the counts by week; a constant number of statements, whatever is kept."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection

from core.pages.names import source_names, type_name

KINDS = 7
"""Kinds with a colour of their own; the others are one."""
MOST_ACTIVE = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """Whole weeks, Monday to Sunday in UTC, of one source or all (an empty one)."""

    first: date
    last: date
    source: str = ""

    @classmethod
    def of(cls, since: date, until: date, source: str = "") -> "Period":
        """The weeks that these days lie in; days in the wrong order are turned round."""
        since, until = min(since, until), max(since, until)
        return cls(first=monday(since), last=monday(until), source=source)

    @property
    def end(self) -> date:
        """The last day."""
        return self.last + timedelta(days=6)

    @property
    def condition(self) -> tuple[str, list[Any]]:
        """SQL over a table ``w`` of weeks and ``s`` of scopes."""
        if self.source:
            return "w.week BETWEEN %s AND %s AND s.source_system = %s", [self.first, self.last, self.source]
        return "w.week BETWEEN %s AND %s", [self.first, self.last]


def monday(day: date) -> date:
    """The first day of its week."""
    return day - timedelta(days=day.weekday())


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Rows for a chart and for people who read tables: a week and one number a column."""

    columns: Sequence[str]
    rows: Sequence[tuple[date, Sequence[int]]]

    @property
    def total(self) -> int:
        """Everything."""
        return sum(sum(numbers) for _, numbers in self.rows)


def _rows(statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def by_week(period: Period) -> tuple[Table, Table]:
    """Activity by source and by kind, every week of the period, the empty ones too."""
    where, parameters = period.condition
    # ``where`` is one of two texts above, here and below.
    found = _rows(
        "SELECT w.week, s.source_system, w.activity_type, sum(w.count) FROM core_activityweek w"
        f" JOIN core_scope s ON s.id = w.scope_id WHERE {where} GROUP BY 1, 2, 3",
        parameters,
    )
    names, sources, kinds = source_names(), defaultdict[str, dict[date, int]](dict), defaultdict[str, int](int)
    for week, source, kind, count in found:
        there = sources[names.get(source, source)]
        there[week] = there.get(week, 0) + count
        kinds[_kind(kind, names)] += count
    top = sorted(kinds, key=lambda kind: (-kinds[kind], kind))[:KINDS]
    split = defaultdict[str, dict[date, int]](dict)
    for week, _, kind, count in found:
        column = _kind(kind, names) if _kind(kind, names) in top else "everything else"
        split[column][week] = split[column].get(week, 0) + count
    order = [*top, *(name for name in split if name not in top)]
    return _table(period, sources, sorted(sources)), _table(period, split, order)


def _kind(activity_type: str, names: Mapping[str, str]) -> str:
    source = activity_type.partition(".")[0]
    return f"{names.get(source, source)}: {type_name(activity_type)}"


def _table(period: Period, columns: Mapping[str, Mapping[date, int]], order: Sequence[str]) -> Table:
    weeks = [period.first + timedelta(weeks=n) for n in range((period.last - period.first).days // 7 + 1)]
    return Table(columns=order, rows=[(week, [columns[name].get(week, 0) for name in order]) for week in weeks])


def weeks_of_activity() -> tuple[date, date] | None:
    """The first and the last week that anything happened in."""
    first, last = _rows("SELECT min(week), max(week) FROM core_activityweek")[0]
    return (first, last) if first else None


def busiest_scopes(period: Period) -> list[dict[str, Any]]:
    """The most active repositories and channels."""
    where, parameters = period.condition
    found = _rows(
        "SELECT s.id, s.name, s.source_system, w.count FROM ("
        " SELECT w.scope_id, sum(w.count) AS count FROM core_activityweek w"
        f" JOIN core_scope s ON s.id = w.scope_id WHERE {where} GROUP BY 1 HAVING sum(w.count) > 0"
        f" ORDER BY 2 DESC, 1 LIMIT {MOST_ACTIVE}) w JOIN core_scope s ON s.id = w.scope_id ORDER BY 4 DESC, 2",
        parameters,
    )
    return [{"id": pk, "name": name, "source": source, "count": count} for pk, name, source, count in found]


def busiest_people(period: Period) -> list[dict[str, Any]]:
    """The most active people, under the name they last went by."""
    where, parameters = period.condition
    found = _rows(
        "SELECT p.source_system, p.actor_external_id, p.count, a.actor_name FROM ("
        " SELECT s.source_system, w.actor_external_id, sum(w.count) AS count FROM core_personweek w"
        f" JOIN core_scope s ON s.id = w.scope_id WHERE {where} GROUP BY 1, 2 HAVING sum(w.count) > 0"
        f" ORDER BY 3 DESC, 1, 2 LIMIT {MOST_ACTIVE}) p LEFT JOIN LATERAL ("
        " SELECT actor_name FROM core_activity a WHERE a.source_system = p.source_system"
        " AND a.actor_external_id = p.actor_external_id ORDER BY a.occurred_at DESC LIMIT 1) a ON true"
        " ORDER BY 3 DESC, 1, 2",
        parameters,
    )
    return [
        {"source": source, "id": pk, "count": count, "name": name or f"nameless {pk}"}
        for source, pk, count, name in found
    ]


def index_state() -> list[dict[str, Any]]:
    """Documents that wait for each index or failed in it; what is in step is not counted one by one."""
    found = _rows(
        "SELECT index, count(*) FILTER (WHERE state = 'dirty'), count(*) FILTER (WHERE state = 'failed'),"
        " min(next_try_at) FROM core_indexentry WHERE state <> 'clean' GROUP BY 1 ORDER BY 1"
    )
    return [{"index": name, "waiting": dirty, "failed": failed, "next_try": at} for name, dirty, failed, at in found]


def storage() -> dict[str, Any]:
    """Bytes of the database and of its largest tables with their indexes; rows are the planner's estimate."""
    tables = _rows(
        "SELECT relname, pg_total_relation_size(oid), greatest(reltuples, 0)::bigint FROM pg_class"
        " WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace"
        " ORDER BY relpages DESC LIMIT 6"
    )
    tables.sort(key=lambda row: -row[1])
    size = _rows("SELECT pg_database_size(current_database())")[0][0]
    return {"size": size, "tables": [{"name": name, "size": bytes_, "rows": rows} for name, bytes_, rows in tables]}
