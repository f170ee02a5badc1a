"""A thread, read as it was written: from the first post on, with what was edited and what is gone."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from core.models import Activity
from core.pages import keyset
from core.pages.names import need, source_names
from core.pages.texts import Renderer, visible
from core.pages.timeline import entry
from core.trackers import EarlierText, TrackerConfig, installed_trackers

PER_PAGE = 50
PIECE = 100_000
"""Characters of one text that a page of it shows."""


def _tracker(source_system: str) -> TrackerConfig | None:
    return next((tracker for tracker in installed_trackers() if tracker.source_system == source_system), None)


def thread_page(request: HttpRequest, source: str) -> TemplateResponse:
    """The page of the thread that ``id`` names."""
    need(request, "core.view_activity")
    name = request.GET.get("id", "").replace("\0", "")
    rows = Activity.objects.filter(source_system=source, thread=name).select_related("scope")
    found = keyset.page(rows, request.GET, PER_PAGE, newest_first=False)
    if not found.rows or not name:
        raise Http404
    tracker, ids = _tracker(source), [row.external_id for row in found.rows]
    bodies = tracker.bodies(ids) if tracker else {}
    earlier = tracker.revisions(ids) if tracker else {}
    notes = tracker.notes(ids) if tracker else {}
    names, renderer = source_names(), Renderer()
    posts = [
        _post(row, names, bodies, earlier, renderer) | {"note": notes.get(row.external_id, "")} for row in found.rows
    ]
    context = admin.site.each_context(request) | {
        "title": visible(found.rows[0].summary)[:120] or name,
        "thread": name,
        "source": source,
        "scope": found.rows[0].scope,
        "posts": posts,
        "page": found,
    }
    return TemplateResponse(request, "admin/thread.html", context)


def _post(
    row: Activity,
    names: dict[str, str],
    bodies: Mapping[str, str],
    earlier: Mapping[str, Sequence[EarlierText]],
    renderer: Renderer,
) -> dict[str, Any]:
    """One activity of a thread; its text where the tracker keeps one, else its line on the timeline."""
    body = bodies.get(row.external_id, "")
    html, whole = renderer.render(body) if body else ("", True)
    before = [
        {"text": renderer.render(text.text), "written_at": text.written_at, "replaced_at": text.replaced_at}
        for text in earlier.get(row.external_id, ())
    ]
    return entry(row, names) | {"html": html, "whole": whole, "length": len(body), "earlier": before}


def whole_text(request: HttpRequest, pk: int) -> TemplateResponse:
    """A text of any length as it was written, without markup, in pieces."""
    need(request, "core.view_activity")
    row = get_object_or_404(Activity.objects.select_related("scope"), pk=pk)
    tracker = _tracker(row.source_system)
    body = (tracker.bodies([row.external_id]) if tracker else {}).get(row.external_id, "")
    pieces = max(1, -(-len(body) // PIECE))
    asked = request.GET.get("piece", "1")
    piece = min(max(int(asked), 1), pieces) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 1
    context = admin.site.each_context(request) | {
        "title": visible(row.summary)[:120] or row.external_id,
        "row": entry(row, source_names()),
        "text": visible(body[(piece - 1) * PIECE : piece * PIECE]),
        "length": len(body),
        "piece": piece,
        "pieces": pieces,
    }
    return TemplateResponse(request, "admin/whole_text.html", context)
