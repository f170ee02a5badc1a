"""Messages about alerts, one for all alerts of the same kind, collector and category."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from django.conf import settings
from django.urls import reverse

from core.models import Alert, CollectorRun, Notice

MOST_LINES = 40
ADVICE = {
    "auth": "Replace the token that the line names (.env), then run the collector again.",
    "permission": "Give the token the missing right, or disable the scope in the admin; then run the collector again.",
    "validation": "Correct the setting or the argument that the line names; nothing was touched.",
    "rate_limit": "The next run goes on where this one stopped. If it stays so, add a token or run more often.",
    "network": "The source or the way to it was down. The next run goes on; if it stays so, see its status page.",
    "timeout": "The source or the database was too slow. The next run goes on where this one stopped.",
    "command": "Read the line; run the command by hand with --traceback if it does not say enough.",
    "interrupted": "Look for what ended the process (memory, a restart). Nothing is lost: the next run goes on.",
    "stale": "See whether cron runs (collector_status, systemctl list-timers) and what the last run of the scope says.",
    "unknown": "Read the run in the admin; run the command by hand with --traceback if that does not say enough.",
}


def wanted() -> bool:
    """Return whether Slack is set up. Without Slack no messages are written, so none are sent later either."""
    return bool(settings.SLACK_BOT_TOKEN and settings.SLACK_CHANNEL)


def write_opened(alerts: Sequence[Alert], now: datetime) -> None:
    """Write the messages about new alerts."""
    for (kind, collector, category), group in _grouped(alerts):
        first = group[0]
        number = f"{len(group)} scopes" if len(group) > 1 else first.scope or "the whole run"
        what = f"not collected in time: {number}" if kind == "stale" else f"{_ended(first)}: {number} ({category})"
        _write(
            now, title=f"{collector}: {what}", lines=[_line(alert) for alert in group],
            advice=ADVICE.get(category, ADVICE["unknown"]),
            path=_page(first.run) if kind == "run" else reverse("admin:core_scope_changelist"),
        )  # fmt: skip


def write_resolved(alerts: Sequence[Alert], runs: Mapping[int, CollectorRun | None], now: datetime) -> None:
    """Write the messages about resolved alerts."""
    for (kind, collector, _), group in _grouped(alerts, by_category=False):
        what = "fresh again" if kind == "stale" else "recovered"
        number = f"{len(group)} scopes" if len(group) > 1 else group[0].scope or "the whole run"
        lines = [f"{alert.scope or collector}: was open since {alert.opened_at:%Y-%m-%d %H:%M} UTC" for alert in group]
        _write(now, title=f"{collector}: {what}: {number}", lines=lines, advice="", path=_page(runs.get(group[0].pk)))


def _ended(alert: Alert) -> str:
    if alert.category == "interrupted":
        return "interrupted"
    return "partly collected" if alert.run and alert.run.outcome == CollectorRun.Outcome.PARTIAL else "failed"


def _line(alert: Alert) -> str:
    if alert.kind == Alert.Kind.STALE or not alert.scope:
        return alert.detail or "no reason is known"
    return f"{alert.scope}: {alert.detail}"


def _page(run: CollectorRun | None) -> str:
    return reverse("admin:core_collectorrun_change", args=[run.pk]) if run else reverse("admin:core_alert_changelist")


def _grouped(
    alerts: Iterable[Alert], *, by_category: bool = True
) -> Iterator[tuple[tuple[str, str, str], list[Alert]]]:
    def of(alert: Alert) -> tuple[str, str, str]:
        return alert.kind, alert.collector, alert.category if by_category else ""

    for key, group in groupby(sorted(alerts, key=of), key=of):
        yield key, list(group)


def _write(now: datetime, *, title: str, lines: list[str], advice: str, path: str) -> None:
    if not wanted():
        return
    visible_lines = lines[:MOST_LINES] + ([f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else [])
    Notice.objects.create(title=title[:200], lines=visible_lines, advice=advice, path=path, created_at=now)
