"""Metrics for Prometheus, computed from the database at each scrape, so that all processes report the same values.

https://prometheus.io/docs/practices/naming/
"""

from collections.abc import Iterable, Iterator

from django.db.models import Count, Max, Q
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from core.models import Alert, ApiBudget, CollectorRun, Notice, SkippedItem
from core.monitoring.freshness import freshness
from core.search.namespaces import entries_waiting

PREFIX = "activity_trackers"
Row = tuple[list[str], float]


def metrics() -> bytes:
    """Return the metrics in the text format of Prometheus, version 0.0.4."""
    registry = CollectorRegistry()
    registry.register(FromDatabase())
    return generate_latest(registry)


class FromDatabase(Collector):
    """Reads the metrics from the database. The number of statements does not depend on the number of rows."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield all metric families."""
        yield from _of_runs()
        yield from _of_scopes()
        yield from _of_index()
        yield from _of_limits()

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Yield nothing. Otherwise the registration of this collector would read the database."""
        yield from ()


def _family(name: str, words: str, labels: list[str], rows: Iterable[Row]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"{PREFIX}_{name}", words, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def _of_runs() -> Iterator[GaugeMetricFamily]:
    by_outcome = CollectorRun.objects.values_list("collector", "outcome").annotate(Count("pk")).order_by()
    yield _family("runs", "Runs in the ledger.", ["collector", "outcome"], (([c, o], n) for c, o, n in by_outcome))
    good = Q(outcome=CollectorRun.Outcome.SUCCEEDED)
    times = list(
        CollectorRun.objects.values_list("collector")
        .annotate(Max("started_at"), done=Max("finished_at", filter=good))
        .order_by()
    )
    rows = [([c], started.timestamp()) for c, started, _ in times if started]
    yield _family("last_run_timestamp_seconds", "Start of the last run.", ["collector"], rows)
    rows = [([c], done.timestamp()) for c, _, done in times if done]
    yield _family("last_success_timestamp_seconds", "End of the last run that succeeded.", ["collector"], rows)
    last = CollectorRun.objects.exclude(finished_at=None).order_by("collector", "-pk").distinct("collector")
    ended = [(run, run.finished_at - run.started_at) for run in last if run.finished_at]
    rows = [([run.collector], took.total_seconds()) for run, took in ended]
    yield _family("last_run_duration_seconds", "Duration of the last run that ended.", ["collector"], rows)
    rows = [([run.collector], float(run.requests)) for run, _ in ended]
    yield _family("last_run_requests", "Requests of the last run that ended.", ["collector"], rows)


def _of_scopes() -> Iterator[GaugeMetricFamily]:
    scopes, labels = freshness(timezone.now()), ["source", "scope"]
    rows = [([s.source_system, s.name], s.last_completed_at.timestamp()) for s in scopes if s.last_completed_at]
    yield _family("scope_last_completed_timestamp_seconds", "Time of the last complete collection.", labels, rows)
    rows = [([s.source_system, s.name], s.age.total_seconds()) for s in scopes]
    yield _family("scope_age_seconds", "Seconds since the last complete collection.", labels, rows)
    rows = [([s.source_system, s.name], float(s.stale)) for s in scopes]
    yield _family("scope_stale", "1 if the scope is stale (FRESHNESS_HOURS), else 0.", labels, rows)


def _of_index() -> Iterator[GaugeMetricFamily]:
    entries = entries_waiting()
    counts = dict(entries.values_list("state").annotate(Count("pk")).order_by())
    rows = [([state], float(counts.get(state, 0))) for state in ("dirty", "failed")]
    yield _family("documents_waiting", "Documents that are outdated in the search index.", ["state"], rows)


def _of_limits() -> Iterator[GaugeMetricFamily]:
    labels, budgets = ["source", "account", "resource"], list(ApiBudget.objects.all())
    for name, words in (("remaining", "Remaining requests of a budget."), ("limit", "Maximum requests of a budget.")):
        rows = [
            ([b.source_system, b.account, b.resource], float(getattr(b, name)))
            for b in budgets
            if getattr(b, name) is not None
        ]
        yield _family(f"api_budget_{name}", words, labels, rows)
    skips = SkippedItem.objects.filter(cleared_at=None).values_list("collector", "reason").annotate(Count("pk"))
    labels = ["collector", "reason"]
    yield _family("skipped_items", "Items not collected.", labels, (([c, r], n) for c, r, n in skips.order_by()))
    alerts = Alert.objects.filter(resolved_at=None).values_list("kind").annotate(Count("pk")).order_by()
    yield _family("open_alerts", "Open alerts.", ["kind"], (([kind], n) for kind, n in alerts))
    waiting = Notice.objects.filter(state=Notice.State.WAITING).count()
    yield _family("notices_waiting", "Messages that Slack has not accepted yet.", [], [([], float(waiting))])
