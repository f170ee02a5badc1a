"""A run as it goes on, and another try for what could not be read."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from core.models import CollectorRun, SkippedItem
from core.pages.names import need
from core.runs import is_alive

SHOWN = 50


def state(run: CollectorRun, now: datetime) -> dict[str, Any]:
    """Where a run is; ``alive`` is None for one that has ended."""
    running = run.outcome == CollectorRun.Outcome.RUNNING
    told: dict[str, Any] = run.progress or {}
    seconds = ((run.finished_at or now) - run.started_at).total_seconds()
    seen, total = int(told.get("seen") or 0), told.get("total")
    return {
        "outcome": run.outcome,
        "running": running,
        "alive": is_alive(run) if running else None,
        "seconds": round(seconds),
        "phase": told.get("phase", ""),
        "scope": told.get("scope", ""),
        "stream": str(told.get("stream", "")).replace("_", " "),
        "seen": seen,
        "total": total if isinstance(total, int) and total >= seen else None,
        "streams": told.get("streams", {}),
        "told_at": run.progress_at.isoformat() if run.progress_at else "",
    }


def progress(request: HttpRequest, pk: int) -> JsonResponse:
    """What the page of a run asks for while it goes on."""
    need(request, "core.view_collectorrun")
    return JsonResponse(state(get_object_or_404(CollectorRun, pk=pk), timezone.now()))


def run_context(run: CollectorRun) -> dict[str, Any]:
    """What the page of a run shows besides its fields."""
    skipped = run.skipped.order_by("cleared_at", "-last_seen_at")  # pyright: ignore[reportAttributeAccessIssue]
    return {
        "run": run,
        "state": state(run, timezone.now()),
        "skipped": list(skipped[:SHOWN]),
        "skipped_total": skipped.count(),
        "scopes": run.scopes[:SHOWN],
        "scopes_total": len(run.scopes),
    }


@require_POST
def retry(request: HttpRequest) -> HttpResponse:
    """Ask the next run for another try of one skipped item, or of all that a run left."""
    need(request, "core.change_skippeditem")
    wanted = SkippedItem.objects.all()
    item, run = request.POST.get("item", ""), request.POST.get("run", "")
    chosen = wanted.filter(pk=int(item)) if item.isdigit() else wanted.filter(run=int(run)) if run.isdigit() else None
    number = chosen.update(retry_requested_at=timezone.now()) if chosen is not None else 0
    said = "1 item" if number == 1 else f"{number} items"
    messages.success(request, f"The next run tries {said} again.") if number else messages.info(
        request, "Nothing waits."
    )
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return redirect(back if safe else "admin:core_skippeditem_changelist")
