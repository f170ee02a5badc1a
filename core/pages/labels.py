"""What sources, types and times are called on pages, and who may see them."""

from datetime import datetime
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince

from core.models import CollectorRun
from core.trackers import installed_trackers


def source_names() -> dict[str, str]:
    """The installed trackers' names, by source system."""
    return {tracker.source_system: str(tracker.verbose_name) for tracker in installed_trackers()}


def type_name(activity_type: str) -> str:
    """``github.issue_comment`` as ``issue comment``, or what its tracker calls it."""
    source = activity_type.partition(".")[0]
    for tracker in installed_trackers():
        if tracker.source_system == source and activity_type in tracker.type_names:
            return tracker.type_names[activity_type]
    return activity_type.partition(".")[2].replace("event.", "").replace("_", " ") or activity_type


def passive_types() -> list[str]:
    """Return the activity types of all trackers that are no activity of the person they name."""
    return sorted(kind for tracker in installed_trackers() for kind in tracker.passive_types)


def may(request: HttpRequest, permission: str) -> bool:
    """Whether this person has a permission, such as ``core.view_activity``."""
    return bool(cast("Any", request.user).has_perm(permission))


def need(request: HttpRequest, permission: str) -> None:
    """PermissionDenied for those who have it not."""
    if not may(request, permission):
        raise PermissionDenied


def took(run: CollectorRun) -> str:
    """How long a run took; a dash while it goes on."""
    return span((run.finished_at - run.started_at).total_seconds()) if run.finished_at else "-"


def ago(moment: datetime) -> str:
    """Return how long ago it was, in its largest unit: ``3 hours ago``; what lies ahead is ``in 2 days``."""
    now = timezone.now()
    if moment > now:
        return f"in {timesince(now, moment, depth=1)}"
    words = timesince(moment, now, depth=1)
    return "just now" if words.startswith("0") else f"{words} ago"


def span(seconds: float) -> str:
    """``1 h 02 min``, ``3 min 05 s``, ``4.2 s``."""
    whole = int(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 60} min {whole % 60:02} s" if whole >= 60 else f"{seconds:.1f} s"
