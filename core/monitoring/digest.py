"""The daily digest: new activity, runs, stale scopes, the index and open alerts."""

from datetime import datetime, timedelta

from django.db.models import Count
from django.urls import reverse

from core.models import Activity, CollectorRun, Notice
from core.monitoring.alerts import open_alerts
from core.monitoring.freshness import freshness
from core.operations.output import number_of
from core.search.namespaces import entries_waiting

MOST_LINES = 15
"""Maximum number of activity types, and of open alerts, in a digest, so that it stays readable."""


def write_digest(now: datetime) -> bool:
    """Write the digest for the day of ``now`` unless it exists. Return whether this call wrote it."""
    _, is_new = Notice.objects.get_or_create(
        name=f"digest:{now:%Y-%m-%d}",
        defaults={
            "title": f"Activity in the 24 hours before {now:%Y-%m-%d %H:%M} UTC",
            "lines": digest_lines(now), "path": reverse("admin:index"), "created_at": now,
        },
    )  # fmt: skip
    return is_new


def digest_lines(now: datetime) -> list[str]:
    """Return lines with activity by type, runs, scopes and the index, followed by the open alerts."""
    since = now - timedelta(days=1)
    recent = Activity.objects.filter(occurred_at__gte=since, occurred_at__lte=now, deleted_at=None)
    kinds = recent.values_list("type__name").annotate(Count("pk")).order_by("-pk__count", "type__name")
    activity = [f"{kind.replace('_', ' ')}: {number:,}" for kind, number in kinds[:MOST_LINES]]
    runs = CollectorRun.objects.filter(started_at__gte=since).values_list("outcome").annotate(Count("pk"))
    scopes = freshness(now)
    stale = sum(one.stale for one in scopes)
    waiting = entries_waiting()
    alerts = open_alerts()
    return [
        *(activity or ["No activities were collected for these 24 hours."]),
        "Runs: " + (", ".join(f"{number} {outcome}" for outcome, number in runs.order_by("outcome")) or "none"),
        f"Scopes: {len(scopes) - stale} fresh, {stale} stale",
        (
            f"Index: {number_of(waiting.count(), 'document')} waiting, "
            f"{waiting.filter(state='failed').count():,} of them failed"
        ),
        f"Open alerts: {len(alerts)}",
        *(f"{alert.collector} {alert.scope}".rstrip() + f": {alert.category}" for alert in alerts[:MOST_LINES]),
    ]
