"""Display names of sources, activity types and times, and checks of users' permissions."""

from datetime import datetime
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince

from core.models import CollectorRun
from core.trackers import installed_trackers


def source_names() -> dict[str, str]:
    """Return the display names of the installed trackers by source system."""
    return {tracker.source_system: str(tracker.verbose_name) for tracker in installed_trackers()}


def type_name(activity_type: str) -> str:
    """Return the tracker's label for an activity type.

    Without such a label, return the words of the type: ``issue comment`` for ``github.issue_comment``.
    """
    source = activity_type.partition(".")[0]
    for tracker in installed_trackers():
        if tracker.source_system == source and activity_type in tracker.type_names:
            return tracker.type_names[activity_type]
    return activity_type.partition(".")[2].replace("event.", "").replace("_", " ") or activity_type


def passive_types() -> list[str]:
    """Return the passive activity types, such as mentions. In such an activity, the named person did not act."""
    return sorted(kind for tracker in installed_trackers() for kind in tracker.passive_types)


def may(request: HttpRequest, permission: str) -> bool:
    """Return whether the user of a request has a permission, such as ``core.view_activity``."""
    return bool(cast("Any", request.user).has_perm(permission))


def need(request: HttpRequest, permission: str) -> None:
    """Raise PermissionDenied if the user of a request lacks a permission."""
    if not may(request, permission):
        raise PermissionDenied


def took(run: CollectorRun) -> str:
    """Return the duration of a run, or a dash while the run continues."""
    return span((run.finished_at - run.started_at).total_seconds()) if run.finished_at else "-"


def ago(moment: datetime) -> str:
    """Return the difference between a time and now in its largest unit, such as ``3 hours ago`` or ``in 2 days``."""
    now = timezone.now()
    if moment > now:
        return f"in {timesince(now, moment, depth=1)}"
    words = timesince(moment, now, depth=1)
    return "just now" if words.startswith("0") else f"{words} ago"


def span(seconds: float) -> str:
    """Return a duration as ``1 h 02 min``, ``3 min 05 s`` or ``4.2 s``."""
    whole = int(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 60} min {whole % 60:02} s" if whole >= 60 else f"{seconds:.1f} s"
