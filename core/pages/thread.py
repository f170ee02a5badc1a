"""The page of a thread: its posts and events, oldest first, including deleted posts and earlier texts."""

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
from django.utils.safestring import SafeString, mark_safe

from core.models import Activity, Document
from core.operations.markdown import PLAIN, Markup, safe_html, unix_lines
from core.operations.visible import visible
from core.pages import keyset
from core.pages.labels import need, source_names, type_name
from core.pages.parameters import cursor_text, free_text, whole_number
from core.pages.sentences import Words, entry, folded, words_of
from core.search.documents import document_key
from core.timeline import add_texts, all_activities, in_thread, names_of, with_id, without_types
from core.trackers import EarlierText, PostDetails, ThreadHead, activity_address, person_address, tracker_of

SHOWN = 20_000
"""Maximum number of characters of a text on a thread page. The rest is on the page of the whole text."""
BUDGET = 300_000
"""Number of characters that one page renders before it shortens texts, so that every page renders quickly. When at most
``SHOWN`` of these characters are left, further texts are shortened to ``SHORT``."""
SHORT = 1_000
"""Maximum number of characters of a shortened text. Readers still see what the text is about."""


class Renderer:
    """Renders the texts of one page within a budget of characters."""

    def __init__(self, budget: int = BUDGET, markup: Markup = PLAIN) -> None:
        self._left, self._markup = budget, markup

    def render(self, text: str) -> tuple[SafeString, bool]:
        """Return the beginning of a text as safe HTML, and whether the beginning is the whole text.

        The HTML contains no scripts and no hidden characters.
        """
        room = SHOWN if self._left > SHOWN else SHORT
        beginning = text[:room]
        self._left -= len(beginning)
        # This is safe, because safe_html cleans the output of the parser and allows only harmless tags.
        return mark_safe(safe_html(visible(beginning), self._markup)), len(text) <= room  # noqa: S308


PER_PAGE = 50
"""Number of activities on one page. A page with more activities would take longer to load."""
BEFORE = 5
"""Number of activities that a page shows before the requested activity, so that the reader sees its context."""
PIECE = 100_000
"""Maximum number of characters on one page of a whole text. Browsers show this much text without markup quickly."""
MAX_PEOPLE = 12
"""Maximum number of people that a thread page names, so that the list stays short. Further people are only counted."""
LONGEST_HUNK = 4000
"""Maximum number of characters of a diff hunk, so that the page stays short. The page shows the end of a longer hunk,
because the comment refers to the last line."""


MOST_WITH_URL = 1000
"""Maximum number of activities whose URLs are compared with the URL of a search result."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Texts:
    """The texts and details that a tracker stores for the activities on a page, by the activities' external ids."""

    bodies: Mapping[str, str]
    earlier: Mapping[str, Sequence[EarlierText]]
    details: Mapping[str, PostDetails]
    notes: Mapping[str, str]
    renderer: Renderer


def thread_page(request: HttpRequest, source: str) -> TemplateResponse:
    """Return the page of the thread that the parameter ``id`` names. Raises Http404 if the thread has no activities."""
    need(request, "core.view_activity")
    name = free_text(request.GET.get("id"))
    rows = thread_rows(source, name)
    page = keyset.page([rows], request.GET, PER_PAGE, newest_first=False)
    if not page.rows or not name:
        raise Http404
    scope, words = page.rows[0].scope, words_of(page.rows)
    texts, names = _texts(source, [row.external_id for row in page.rows], scope.external_id), source_names()
    posts = [_post(row, words, names, texts) for row in page.rows]
    head = words.heads.get(name)
    context = admin.site.each_context(request) | {
        "title": _title(head, page.rows[0]),
        "head": head,
        "number": visible(head.number) if head and head.title else "",
        "head_url": _web(head.url if head else "") or _web(page.rows[0].source_url),
        "thread": name,
        "source": source,
        "source_name": names.get(source, source),
        "scope": scope,
        "groups": folded(posts),
        "page": page,
    }
    people = _participants(source, name)
    context |= {"people": people[:MAX_PEOPLE], "more_people": len(people) - MAX_PEOPLE}
    return TemplateResponse(request, "admin/thread.html", context)


def thread_rows(source: str, thread: str) -> QuerySet[Activity]:
    """Return the activities of a thread, without passive activities such as subscriptions."""
    tracker = tracker_of(source)
    rows = all_activities().filter(in_thread(source, thread))
    return rows.filter(without_types(tracker.passive_types)) if tracker and tracker.passive_types else rows


def find_page(request: HttpRequest, source: str) -> HttpResponse:
    """Redirect to an activity on the page of its thread, or to the activity's admin page if it belongs to no thread.

    The parameter ``id`` is the external id of the activity. Without ``id``, the target is the activity of ``thread``
    with the source URL ``url``, or else the first activity of ``thread``. If there is no such activity, redirect to the
    document at its source.
    """
    need(request, "core.view_activity")
    query = {key: free_text(request.GET.get(key)) for key in ("id", "thread", "url")}
    if query["id"]:
        row = all_activities().filter(with_id(source, query["id"])).first()
    else:
        row = _first_with_url(all_activities().filter(in_thread(source, query["thread"])), query["url"])
    if row is None:
        return _redirect_to_source(source, query)
    if not row.thread:
        return redirect("admin:core_activity_change", row.pk)
    rows = thread_rows(source, row.thread)
    earlier = rows.filter(Q(occurred_at__lt=row.occurred_at) | Q(occurred_at=row.occurred_at, id__lt=row.pk))
    nearest = list(earlier.order_by("-occurred_at", "-id")[:PER_PAGE])
    target = {"id": row.thread}
    if len(nearest) >= PER_PAGE:
        target["after"] = cursor_text(nearest[BEFORE].occurred_at, nearest[BEFORE].pk)
    return redirect(f"{reverse('admin:thread', args=[source])}?{urlencode(target)}#activity-{row.pk}")


def _first_with_url(rows: QuerySet[Activity], url: str) -> Activity | None:
    """Return the first activity with this source URL, or else the first activity of all.

    If the tracker computes the URLs, only the first ``MOST_WITH_URL`` activities are compared.
    """
    oldest_first = rows.order_by("occurred_at", "id")
    if stored := oldest_first.filter(source_url=url).first() if url else None:
        return stored
    found = add_texts(list(oldest_first[:MOST_WITH_URL]))
    return next((row for row in found if row.source_url == url), found[0] if found else None)


def _redirect_to_source(source: str, query: Mapping[str, str]) -> HttpResponse:
    """Redirect to the source of a document that has no activity in the database.

    Raises Http404 if there is no such document, or if its URL is not http or https.
    """
    document = Document.objects.filter(key=document_key(source, query["thread"] or query["id"])).first()
    if document is None or not _web(document.url):
        raise Http404
    return redirect(document.url)


def _texts(source: str, ids: Sequence[str], scope: str) -> Texts:
    tracker = tracker_of(source)
    if tracker is None:
        return Texts(bodies={}, earlier={}, details={}, notes={}, renderer=Renderer())
    bodies, earlier, details = tracker.bodies(ids), tracker.revisions(ids), tracker.details(ids)
    all_texts = [*bodies.values(), *(one.text for texts in earlier.values() for one in texts)]
    return Texts(
        bodies=bodies, earlier=earlier, details=details, notes=tracker.notes(ids),
        renderer=Renderer(markup=tracker.markup(all_texts, scope)),
    )  # fmt: skip


def _title(head: ThreadHead | None, first: Activity) -> str:
    """Return the title or number of a thread, otherwise the summary or type of the activity ``first``. Never an id."""
    if head and head.label:
        return visible(head.title or head.number)
    return (
        visible(first.summary)[:120] or f"{type_name(first.activity_type)} in {visible(first.scope.name)}".capitalize()
    )


def _participants(source: str, thread: str) -> list[dict[str, Any]]:
    """Return the people who were active in the thread, most active first, up to four times ``MAX_PEOPLE``.

    A person with several names appears under the alphabetically last name.
    """
    rows = thread_rows(source, thread).filter(deleted_at=None).order_by()
    counted = rows.exclude(actor=None, actor_name=None).values_list("actor").annotate(Count("pk"), Max("actor_name"))
    most_active = list(counted.order_by("-pk__count", "actor_name__max", "actor")[: 4 * MAX_PEOPLE])
    names = names_of((source, actor) for actor, _, name in most_active if actor is not None and not name)
    people = [
        {
            "name": visible(name or names.get((source, actor), "")) or "someone",
            "count": count,
            "address": person_address(source, actor) if actor is not None else "",
        }
        for actor, count, name in most_active
    ]
    return sorted(people, key=lambda person: (-person["count"], person["name"]))


def _post(row: Activity, words: Words, names: Mapping[str, str], texts: Texts) -> dict[str, Any]:
    """Return the values of an activity for the page: its sentence, and its text if the tracker stores a text."""
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
    """Return the URL if it is http or https, otherwise an empty string, so that the page does not link to it."""
    return url if url.startswith(("https://", "http://")) else ""


def whole_text(request: HttpRequest, pk: int) -> TemplateResponse:
    """Return a page with one piece of the whole text of an activity. Markup in the text is not rendered."""
    need(request, "core.view_activity")
    row = get_object_or_404(all_activities(), pk=pk)
    add_texts([row])
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
