"""The figures of the dashboard. Charts and rankings come from weekly counts. The number of statements is constant."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection

from core.models import Scope
from core.pages.labels import passive_types, source_names, type_name
from core.timeline import names_of
from core.trackers import TrackerConfig, installed_trackers

KINDS = 7
"""Maximum number of activity kinds with their own colour. More colours would be hard to distinguish, so all other kinds
are counted together."""
OTHERS = "everything else"
MAX_RANKED = 10
"""Maximum number of scopes or people in a ranking, so that a ranking fits on the dashboard."""
MAX_WEEKLY_COLUMNS = 53
"""Maximum number of weekly columns in a chart: a year. The chart of a longer period has monthly columns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """Whole weeks, Monday to Sunday in UTC. ``first`` and ``last`` are the Mondays of the first and the last week.

    An empty ``source`` means all sources.
    """

    first: date
    last: date
    source: str = ""
    without_bots: bool = False
    """Whether the ranking of people excludes bots."""

    @classmethod
    def of(cls, since: date, until: date, source: str = "", *, without_bots: bool = False) -> "Period":
        """Return the period of all weeks from one day to another. The order of the two days does not matter."""
        since, until = min(since, until), max(since, until)
        return cls(first=monday(since), last=monday(until), source=source, without_bots=without_bots)

    @property
    def end(self) -> date:
        """Return the last day of the period, a Sunday."""
        return self.last + timedelta(days=6)

    @property
    def by_month(self) -> bool:
        """Return whether the period is too long for weekly columns."""
        return (self.last - self.first).days // 7 + 1 > MAX_WEEKLY_COLUMNS


def monday(day: date) -> date:
    """Return the Monday of a day's week."""
    return day - timedelta(days=day.weekday())


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """The numbers of a chart, which the page also shows as a table.

    A row has the label of a week or month, and a number for each column.
    """

    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[int]]]
    unit: str = "week"

    @property
    def total(self) -> int:
        """Return the sum of all numbers."""
        return sum(sum(numbers) for _, numbers in self.rows)


def _rows(statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


@dataclass(frozen=True, kw_only=True, slots=True)
class Activities:
    """The counts of a period: by source and by kind for every week or month, and by scope."""

    by_source: Table
    by_kind: Table
    by_scope: Mapping[int, int]


def activities(period: Period) -> Activities:
    """Read the counts of a period with one statement, and return them. Weeks without activities have zeros."""
    counted = _rows(
        "SELECT w.week, t.name, w.scope_id, w.count FROM ("
        "SELECT week, type_id, scope_id, sum(count) AS count FROM core_activityweek"
        " WHERE week BETWEEN %s AND %s AND type_id IN ("
        "SELECT id FROM core_activitytype WHERE starts_with(name, %s) AND name <> ALL(%s))"
        " GROUP BY GROUPING SETS ((week, type_id), (scope_id))"
        ") AS w LEFT JOIN core_activitytype t ON t.id = w.type_id",
        [period.first, period.last, f"{period.source}." if period.source else "", passive_types()],
    )
    weekly = [(week, kind, count) for week, kind, _, count in counted if week is not None]
    names, sources, kinds = source_names(), defaultdict[str, dict[date, int]](dict), defaultdict[str, int](int)
    for week, kind, count in weekly:
        source = kind.partition(".")[0]
        weeks = sources[str(names.get(source, source))]
        weeks[week] = weeks.get(week, 0) + count
        kinds[_kind(kind, names)] += count
    top = sorted((kind for kind in kinds if kinds[kind]), key=lambda kind: (-kinds[kind], kind))[:KINDS]
    split = defaultdict[str, dict[date, int]](dict)
    for week, kind, count in weekly:
        column = _kind(kind, names) if _kind(kind, names) in top else OTHERS
        split[column][week] = split[column].get(week, 0) + count
    return Activities(
        by_source=_table(period, sources, sorted(sources)),
        by_kind=_table(period, split, [*top, *([OTHERS] if any(split[OTHERS].values()) else [])]),
        by_scope={scope: count for _, _, scope, count in counted if scope is not None and count},
    )


def _kind(activity_type: str, names: Mapping[str, str]) -> str:
    source = activity_type.partition(".")[0]
    return f"{names.get(source, source)}: {type_name(activity_type)}"


def _table(period: Period, columns: Mapping[str, Mapping[date, int]], order: Sequence[str]) -> Table:
    weeks = [period.first + timedelta(weeks=n) for n in range((period.last - period.first).days // 7 + 1)]
    rows: dict[str, list[int]] = {}
    for week in weeks:
        numbers = [columns[name].get(week, 0) for name in order]
        label = month_of(week) if period.by_month else f"{week:%Y-%m-%d}"
        rows[label] = [a + b for a, b in zip(rows.get(label, [0] * len(order)), numbers, strict=True)]
    return Table(columns=order, rows=list(rows.items()), unit="month" if period.by_month else "week")


def month_of(week: date) -> str:
    """Return the month that contains most days of a week, such as ``2025-03``. It is the month of the Thursday."""
    return f"{week + timedelta(days=3):%Y-%m}"


def weeks_of_activity() -> tuple[date, date] | None:
    """Return the Mondays of the first and the last counted week, or ``None`` if there are no counts."""
    first, last = _rows("SELECT min(week), max(week) FROM core_activityweek")[0]
    return (first, last) if first else None


def busiest_scopes(counts: Mapping[int, int]) -> list[dict[str, Any]]:
    """Return the repositories and channels with the most activities, in descending order."""
    top = sorted(counts, key=lambda scope: (-counts[scope], scope))[:MAX_RANKED]
    scopes = Scope.objects.in_bulk(top)
    return [
        {"name": scopes[pk].name, "source": scopes[pk].source_system, "count": counts[pk]} for pk in top if pk in scopes
    ]


def busiest_people(period: Period) -> list[dict[str, Any]]:
    """Return the most active people with their latest names. Passive activities, such as mentions, do not count."""
    bots = [f"{tracker.source_system}:{pk}" for tracker in _trackers_without_bots(period) for pk in tracker.bots()]
    ranking = _rows(
        # The counts are added before they are joined, because there are far fewer people than counts.
        "SELECT t.source_system, w.actor, sum(w.count) FROM ("
        "SELECT actor, type_id, sum(count) AS count FROM core_personweek WHERE week BETWEEN %s AND %s GROUP BY 1, 2"
        ") AS w JOIN core_activitytype t ON t.id = w.type_id"
        " WHERE (%s = '' OR t.source_system = %s) AND t.name <> ALL(%s)"
        " AND NOT (t.source_system || ':' || w.actor = ANY(%s))"
        " GROUP BY 1, 2 HAVING sum(w.count) > 0 ORDER BY 3 DESC, 1, w.actor::text LIMIT %s",
        [period.first, period.last, period.source, period.source, passive_types(), bots, MAX_RANKED],
    )
    sources, names = source_names(), names_of((source, pk) for source, pk, _ in ranking)
    return [
        {
            "source": source,
            "source_name": sources.get(source, source),
            "id": str(pk),
            "count": count,
            "name": names.get((source, pk)) or f"account {pk}",
        }
        for source, pk, count in ranking
    ]


def _trackers_without_bots(period: Period) -> list[TrackerConfig]:
    """Return the trackers for which the ranking of a period excludes bots."""
    return [t for t in installed_trackers() if period.without_bots and period.source in {"", t.source_system}]


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexState:
    """The state of the search index: one row for each index with waiting or failed documents.

    If there are no rows, ``word`` is the state, such as ``Not built``, and ``advice`` is a sentence for the user.
    ``tone`` determines the colour of ``word``.
    """

    rows: Sequence[Mapping[str, Any]]
    word: str
    tone: str
    advice: str


def index_state() -> IndexState:
    """Return the state of the search index. Without a namespace that serves queries, the state is ``Not built``."""
    rows = _behind()
    if rows:
        return IndexState(rows=rows, word="", tone="", advice="")
    documents, serving = _rows(
        "SELECT EXISTS (SELECT 1 FROM core_document WHERE deleted_at IS NULL),"
        " EXISTS (SELECT 1 FROM core_namespace WHERE state = 'serving')"
    )[0]
    if not documents:
        return IndexState(rows=(), word="Empty", tone="", advice="Nothing has been collected yet.")
    if not serving:
        return IndexState(rows=(), word="Not built", tone="partial", advice="Run sync_index to build it.")
    return IndexState(rows=(), word="In step", tone="succeeded", advice="No documents are waiting, and none failed.")


def _behind() -> list[dict[str, Any]]:
    """Return the numbers of waiting and failed documents of each index that has such documents."""
    behind = _rows(
        "SELECT CASE n.state WHEN 'serving' THEN n.index ELSE n.index || ', ' || n.state END,"
        " count(*) FILTER (WHERE e.state = 'dirty'), count(*) FILTER (WHERE e.state = 'failed'), min(e.next_try_at)"
        " FROM core_indexentry e JOIN core_namespace n ON n.id = e.namespace_id"
        " WHERE e.state <> 'clean' GROUP BY 1 ORDER BY 1"
    )
    return [{"index": name, "waiting": dirty, "failed": failed, "next_try": at} for name, dirty, failed, at in behind]


def storage() -> dict[str, Any]:
    """Return the size of the database in bytes, and the size and estimated number of rows of its six largest tables.

    The size of a table includes its indexes. The estimate comes from PostgreSQL's planner. It is ``None`` until
    PostgreSQL has analyzed the table, usually a minute or more after the first collection.
    """
    tables = _rows(
        "SELECT relname, pg_total_relation_size(oid) AS size, nullif(reltuples, -1)::bigint FROM pg_class"
        " WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace"
        " ORDER BY size DESC LIMIT 6"
    )
    size = _rows("SELECT pg_database_size(current_database())")[0][0]
    return {"size": size, "tables": [{"name": name, "size": bytes_, "rows": rows} for name, bytes_, rows in tables]}
