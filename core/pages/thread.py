"""A thread, read as it was written: from the first post on, with what was edited and what is gone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Count, Max, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode

from core.models import Activity, Document
from core.operations.markdown import unix_lines
from core.operations.visible import visible
from core.pages import keyset
from core.pages.labels import need, source_names, type_name
from core.pages.parameters import free_text, whole_number, written
from core.pages.sentences import Words, entry, folded, words_of
from core.pages.texts import Renderer
from core.trackers import EarlierText, PostDetails, ThreadHead, activity_address, person_address, tracker_of

PER_PAGE = 50
BEFORE = 5
"""Activities that a page shows before the one that was looked for."""
PIECE = 100_000
"""Characters of one text that a page of it shows."""
MOST_PEOPLE = 12
LONGEST_HUNK = 4000
"""Characters of a diff that a page shows: its end, where the comment stands."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Texts:
    """What a tracker keeps of the activities of a page, by external id."""

    bodies: Mapping[str, str]
    earlier: Mapping[str, Sequence[EarlierText]]
    details: Mapping[str, PostDetails]
    notes: Mapping[str, str]
    renderer: Renderer


def thread_page(request: HttpRequest, source: str) -> TemplateResponse:
    """The page of the thread that ``id`` names."""
    need(request, "core.view_activity")
    name = free_text(request.GET.get("id"))
    rows = thread_rows(source, name)
    found = keyset.page(rows, request.GET, PER_PAGE, newest_first=False)
    if not found.rows or not name:
        raise Http404
    scope, words = found.rows[0].scope, words_of(found.rows)
    texts, names = _texts(source, [row.external_id for row in found.rows], scope.external_id), source_names()
    posts = [_post(row, words, names, texts) for row in found.rows]
    head = words.heads.get(name)
    context = admin.site.each_context(request) | {
        "title": _title(head, found.rows[0]),
        "head": head,
        "number": visible(head.number) if head and head.title else "",
        "head_url": _web(head.url if head else "") or _web(found.rows[0].source_url),
        "thread": name,
        "source": source,
        "source_name": names.get(source, source),
        "scope": scope,
        "groups": folded(posts),
        "page": found,
    }
    people = _participants(source, name)
    context |= {"people": people[:MOST_PEOPLE], "more_people": len(people) - MOST_PEOPLE}
    return TemplateResponse(request, "admin/thread.html", context)


def thread_rows(source: str, thread: str) -> QuerySet[Activity]:
    """Return the activities of a thread without those that only happened to somebody, such as a subscription."""
    tracker = tracker_of(source)
    rows = Activity.objects.filter(source_system=source, thread=thread).select_related("scope")
    return rows.exclude(activity_type__in=tracker.passive_types) if tracker and tracker.passive_types else rows


def find_page(request: HttpRequest, source: str) -> HttpResponse:
    """Lead to an activity in its thread: that of the external ``id``, or that of ``thread`` which is at ``url``."""
    need(request, "core.view_activity")
    asked = {key: free_text(request.GET.get(key)) for key in ("id", "thread", "url")}
    mine = Activity.objects.filter(source_system=source)
    if asked["id"]:
        row = mine.filter(external_id=asked["id"]).first()
    else:
        here = mine.filter(thread=asked["thread"]).exclude(thread="").order_by("occurred_at", "id")
        row = here.filter(source_url=asked["url"]).first() or here.first()
    if row is None:
        return _not_collected(source, asked)
    if not row.thread:
        return redirect("admin:core_activity_change", row.pk)
    rows = thread_rows(source, row.thread)
    earlier = rows.filter(Q(occurred_at__lt=row.occurred_at) | Q(occurred_at=row.occurred_at, id__lt=row.pk))
    nearest = list(earlier.order_by("-occurred_at", "-id")[:PER_PAGE])
    query = {"id": row.thread}
    if len(nearest) >= PER_PAGE:
        query["after"] = written(nearest[BEFORE].occurred_at, nearest[BEFORE].pk)
    return redirect(f"{reverse('admin:thread', args=[source])}?{urlencode(query)}#activity-{row.pk}")


def _not_collected(source: str, asked: Mapping[str, str]) -> HttpResponse:
    """A document that no activity belongs to is read where it came from."""
    document = Document.objects.filter(source_system=source, external_id=asked["thread"] or asked["id"]).first()
    if document is None or not _web(document.url):
        raise Http404
    return redirect(document.url)


def _texts(source: str, ids: Sequence[str], scope: str) -> Texts:
    tracker = tracker_of(source)
    if tracker is None:
        return Texts(bodies={}, earlier={}, details={}, notes={}, renderer=Renderer())
    bodies, earlier, details = tracker.bodies(ids), tracker.revisions(ids), tracker.details(ids)
    written = [*bodies.values(), *(one.text for texts in earlier.values() for one in texts)]
    return Texts(
        bodies=bodies, earlier=earlier, details=details, notes=tracker.notes(ids),
        renderer=Renderer(markup=tracker.markup(written, scope)),
    )  # fmt: skip


def _title(head: ThreadHead | None, first: Activity) -> str:
    """The title of the thing itself; without one, what the first line says; never an id."""
    if head and head.label:
        return visible(head.title or head.number)
    return (
        visible(first.summary)[:120] or f"{type_name(first.activity_type)} in {visible(first.scope.name)}".capitalize()
    )


def _participants(source: str, thread: str) -> list[dict[str, Any]]:
    """Everybody who did something in the thread, under the last name, the busiest first."""
    rows = thread_rows(source, thread).filter(deleted_at=None).exclude(actor_name="").order_by()
    counted = rows.values("actor_external_id").annotate(count=Count("pk"), name=Max("actor_name"))
    return [
        {
            "name": visible(row["name"]),
            "count": row["count"],
            "address": person_address(source, row["actor_external_id"]) if row["actor_external_id"] else "",
        }
        for row in counted.order_by("-count", "name")[: 4 * MOST_PEOPLE]
    ]


def _post(row: Activity, words: Words, names: Mapping[str, str], texts: Texts) -> dict[str, Any]:
    """One activity of a thread; its text where the tracker keeps one, else its sentence."""
    body = texts.bodies.get(row.external_id, "")
    html, whole = texts.renderer.render(body) if body else ("", True)
    before = [
        {"text": texts.renderer.render(text.text), "written_at": text.written_at, "replaced_at": text.replaced_at}
        for text in texts.earlier.get(row.external_id, ())
    ]
    return entry(row, words, names) | {
        "html": html,
        "whole": whole,
        "length": len(body),
        "earlier": before,
        "note": visible(texts.notes.get(row.external_id, "")),
        "details": _details(row, texts.details.get(row.external_id)),
    }


def _details(row: Activity, details: PostDetails | None) -> dict[str, Any]:
    if details is None:
        return {}
    return {
        "badge": visible(details.badge),
        "reactions": [(visible(emoji), count) for emoji, count in details.reactions],
        "reply_words": visible(details.reply_words),
        "reply_address": activity_address(row.source_system, details.reply_to) if details.reply_to else "",
        "file": visible(details.file),
        "hunk": [
            (visible(line), {"+": "added", "-": "removed", "@": "place"}.get(line[:1], ""))
            for line in unix_lines(details.hunk[-LONGEST_HUNK:]).split("\n")
        ]
        if details.hunk
        else [],
        "parts": [visible(part) for part in details.parts],
    }


def _web(url: str) -> str:
    """Only http and https become links."""
    return url if url.startswith(("https://", "http://")) else ""


def whole_text(request: HttpRequest, pk: int) -> TemplateResponse:
    """A text of any length as it was written, without markup, in pieces."""
    need(request, "core.view_activity")
    row = get_object_or_404(Activity.objects.select_related("scope"), pk=pk)
    tracker, words = tracker_of(row.source_system), words_of([row])
    body = unix_lines((tracker.bodies([row.external_id]) if tracker else {}).get(row.external_id, ""))
    pieces = max(1, -(-len(body) // PIECE))
    piece = whole_number(request.GET.get("piece"), lowest=1, highest=pieces, default=1)
    context = admin.site.each_context(request) | {
        "title": _title(words.heads.get(row.thread), row),
        "row": entry(row, words),
        "text": visible(body[(piece - 1) * PIECE : piece * PIECE]),
        "length": len(body),
        "piece": piece,
        "pieces": pieces,
    }
    return TemplateResponse(request, "admin/whole_text.html", context)
