"""The live progress of a run, and the request to retry skipped items."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from core.collectors.progress import INDEXING
from core.ingest.skips import request_retry
from core.models import CollectorRun, SkippedItem
from core.operations.output import duration_in_words, number_of
from core.operations.visible import visible
from core.pages.labels import need
from core.pages.parameters import free_text, row_id
from core.runs import is_alive

MAX_ROWS = 50
"""Maximum number of scopes, and of skipped items, on the page of a run, so that the page loads quickly."""


def state(run: CollectorRun, now: datetime) -> dict[str, Any]:
    """Return the state of a run for its page and for JSON.

    ``alive`` is whether the process of the run still exists. It is ``None`` for a run that has ended.
    """
    running = run.outcome == CollectorRun.Outcome.RUNNING
    reported: dict[str, Any] = run.progress or {}
    seconds = ((run.finished_at or now) - run.started_at).total_seconds()
    seen, total = int(reported.get("seen") or 0), reported.get("total")
    return {
        "outcome": run.outcome,
        "running": running,
        "alive": is_alive(run) if running else None,
        "seconds": round(seconds),
        "phase": reported.get("phase", ""),
        "scope": visible(str(reported.get("scope") or "")),
        "stream": visible(str(reported.get("stream") or "")).replace("_", " "),
        "seen": seen,
        "total": total if isinstance(total, int) and total >= seen else None,
        "streams": reported.get("streams", {}),
        "where": _where(reported),
        "figures": _figures(reported),
        "reported_at": run.progress_at.isoformat() if run.progress_at else "",
    }


def progress_in_words(run: CollectorRun) -> str:
    """Return the progress and the remaining time of a run in words.

    The text is empty if the run has ended or has not reported progress.
    """
    if run.outcome != CollectorRun.Outcome.RUNNING or not run.progress:
        return ""
    return ": ".join(filter(None, [_where(run.progress), _figures(run.progress)]))


def _where(reported: Mapping[str, Any]) -> str:
    if reported.get("phase") == INDEXING:
        return "search index"
    return visible(f"{reported.get('scope') or ''} {str(reported.get('stream') or '').replace('_', ' ')}".strip())


def _figures(reported: Mapping[str, Any]) -> str:
    """Return a text such as ``120 of 3,100 chunks, 52 a second, 57 s left``.

    If the total is unknown or exceeded, the text contains neither the total nor the remaining time.
    """
    seen, total, rate, left = (reported.get(name) for name in ("seen", "total", "rate", "seconds_left"))
    noun = "chunk" if reported.get("phase") == INDEXING else "item"
    seen = int(seen or 0)
    whole = number_of(total, noun) if isinstance(total, int) and total >= seen and total else ""
    parts = [f"{seen:,} of {whole}" if whole else number_of(seen, noun)]
    parts += (
        [f"{rate:,.0f} a second" if rate >= 10 else f"{rate:.1f} a second"] if isinstance(rate, int | float) else []
    )
    parts += [f"{duration_in_words(left)} left"] if isinstance(left, int | float) and whole else []
    return ", ".join(parts)


def progress(request: HttpRequest, pk: int) -> JsonResponse:
    """Return the state of a run as JSON. The page of a run requests it while the run continues."""
    need(request, "core.view_collectorrun")
    return JsonResponse(state(get_object_or_404(CollectorRun, pk=pk), timezone.now()))


def run_context(run: CollectorRun) -> dict[str, Any]:
    """Return the template context that the page of a run needs in addition to the context of the admin."""
    skipped = run.skipped.order_by("cleared_at", "-last_seen_at")  # pyright: ignore[reportAttributeAccessIssue]
    return {
        "run": run,
        "state": state(run, timezone.now()),
        "skipped": list(skipped[:MAX_ROWS]),
        "skipped_total": skipped.count(),
        "scopes": run.scopes[:MAX_ROWS],
        "scopes_total": len(run.scopes),
    }


@require_POST
def retry(request: HttpRequest) -> HttpResponse:
    """Request that the next run retry one skipped item, or all skipped items of a run."""
    need(request, "core.change_skippeditem")
    skipped = SkippedItem.objects.all()
    item, run = row_id(request.POST.get("item")), row_id(request.POST.get("run"))
    chosen = skipped.filter(pk=item) if item else skipped.filter(run=run) if run else None
    number = request_retry(chosen) if chosen is not None else 0
    messages.success(request, f"The next run will retry {number_of(number, 'item')}.") if number else messages.info(
        request, "There are no items to retry."
    )
    back = free_text(request.POST.get("next"))
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    # Paths on this site begin with a slash. redirect() may take any other text for the name of a view.
    return redirect(back if safe and back.startswith("/") else "admin:core_skippeditem_changelist")
