"""The search page: a query, filters, and results with links to the source and the thread.

The URL contains the query and the filters, so that users can share results. Each server process loads the embedding
model once and keeps it in memory.
"""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.http import HttpRequest, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse

from core.db.distinct import different_values
from core.models import Chunk, Document
from core.operations.markdown import title_text
from core.operations.visible import visible
from core.pages.labels import need, source_names
from core.pages.parameters import DayField, free_text, midnight, midnight_after, whole_number
from core.search.documents import possible_keys
from core.search.filters import Filters
from core.search.query.distribution import Distribution
from core.search.query.results import Result
from core.search.query.search import Answer, answer, similar_documents
from core.search.query.unknown_values import unmatched_filter

PER_PAGE = 20
"""Number of results on one page. Ten pages contain all 200 results that a query can have."""
LAST_PAGE = 10
"""Number of the last page that users can open. ``MAX_RESULTS`` allows 200 results, which are ten pages."""
LONGEST = 500
"""Maximum number of characters of a query in the form. Searches cut queries of more than 1,000 characters, so queries
from the form are never cut."""
MODES = [("hybrid", "Meaning and words"), ("text", "Words only"), ("dense", "Meaning only")]
NO_ANSWER = Answer(results=[])
OPERATORS = [
    ('"low tide"', "exactly these words, in this order"),
    ("-spring", "without this word; also before a phrase or an operator"),
    ("author:ada", "written or started by this person"),
    ("repo:owner/name", "in this repository; channel:general for a channel"),
    ("type:issue", "this kind: issue, pr, discussion, commit, release, conversation, comment, review, message"),
    ("is:open", "open, closed, merged, answered or unanswered"),
    ('label:"good first issue"', "with this label; repeat it for several labels"),
    ("source:github", "from this source"),
    ("after:2024-05", "from this day, month or year on; also yesterday, last-week, 30d"),
    ("before:2025", "before this day, month or year"),
    ("sort:newest", "newest first; or oldest, relevance"),
]
"""Examples of operators and their meaning, for the help below the form."""


class SearchForm(forms.Form):
    """The query and its filters. An error is shown next to the field with the invalid value."""

    q = forms.CharField(
        required=False, max_length=LONGEST, label="Search for", widget=forms.TextInput({"type": "search"})
    )
    mode = forms.ChoiceField(required=False, choices=MODES, label="By")
    source = forms.ChoiceField(required=False)
    kind = forms.ChoiceField(required=False)
    scope = forms.CharField(required=False, max_length=300, label="Repository or channel")
    author = forms.CharField(required=False, max_length=200, label="Author")
    since = DayField("From")
    until = DayField("To")
    like = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [(kind, kind.replace("_", " ")) for kind in different_values(Document, "kind")]
        self.fields["source"].choices = [("", "All"), *source_names().items()]  # pyright: ignore[reportAttributeAccessIssue]
        self.fields["kind"].choices = [("", "All"), *kinds]  # pyright: ignore[reportAttributeAccessIssue]

    def clean(self) -> dict[str, Any]:
        """Return the values of the fields. Characters that PostgreSQL cannot store are removed."""
        return {
            name: free_text(value) if isinstance(value, str) else value for name, value in self.cleaned_data.items()
        }


def search_page(request: HttpRequest) -> TemplateResponse:
    """Return the search page with the form and up to ``PER_PAGE`` results."""
    need(request, "core.view_activity")
    form = SearchForm(request.GET)
    query: dict[str, Any] = form.cleaned_data if form.is_valid() else {}
    page = whole_number(request.GET.get("page"), lowest=1, highest=LAST_PAGE, default=1)
    message, query_answer = _search(query, page)
    results = query_answer.results
    parameters = request.GET.copy()
    parameters.pop("page", None)
    context = admin.site.each_context(request) | {
        "title": "Search",
        "form": form,
        "asked": bool(query.get("q") or query.get("like")),
        "like": _title(query.get("like", "")),
        "message": message,
        "notices": [visible(problem) for problem in query_answer.problems],
        "corrections": [visible(word) for word in query_answer.corrections.values()],
        "number": _number(query_answer.distribution, results),
        "distribution": _distribution(query_answer.distribution, parameters),
        "operators": OPERATORS,
        "results": [_readable(result) for result in results[:PER_PAGE]],
        "query": parameters.urlencode(),
        "page": page,
        "before": page - 1,
        "after": page + 1 if len(results) > PER_PAGE and page < LAST_PAGE else 0,
        "first": (page - 1) * PER_PAGE + 1,
    }
    return TemplateResponse(request, "core/search.html", context)


def _search(query: dict[str, Any], page: int) -> tuple[str, Answer]:
    """Return a message and the results of a page. The message is empty unless it explains why the search failed.

    If there is a next page, the list contains one more result than a page shows. Similar documents have only one page.
    """
    if not query.get("q") and not query.get("like"):
        return "", NO_ANSWER
    if not Chunk.objects.exists():
        return "Nothing is indexed yet. Collect first, or run sync_index.", NO_ANSWER
    filters = _filters(query)
    if query.get("like"):
        if message := unmatched_filter(filters):
            return message, NO_ANSWER
        try:
            return "", Answer(results=similar_documents(query["like"], filters=filters, limit=PER_PAGE))
        except LookupError:
            return "This document is not in the index. Search for other words.", NO_ANSWER
    offset = (page - 1) * PER_PAGE
    mode = query.get("mode") or "hybrid"
    return "", answer(query["q"], mode=mode, filters=filters, limit=PER_PAGE + 1, offset=offset)


def _number(distribution: Distribution, results: list[Result]) -> str:
    """Return the number of results in words, such as ``20+ results``, or an empty text if it is not known."""
    if not results or not distribution.total:
        return ""
    more = "+" if distribution.is_cut else ""
    return f"{distribution.total}{more} result{'' if distribution.total == 1 and not more else 's'}"


def _distribution(distribution: Distribution, parameters: QueryDict) -> list[dict[str, Any]]:
    """Return the sources, kinds and years with their numbers of documents, and links that add each as a filter.

    A property with a single value has no links, because they would change nothing.
    """
    names = source_names()
    sources = [(names.get(source, source), number, {"source": source}) for source, number in distribution.sources]
    kinds = [(kind.replace("_", " "), number, {"kind": kind}) for kind, number in distribution.kinds]
    years = [(str(year), number, _year(year)) for year, number in distribution.years]
    groups: list[tuple[str, list[tuple[str, int, dict[str, str]]]]]
    groups = [("Source", sources), ("Kind", kinds), ("Year", years)]
    return [
        {
            "label": label,
            "links": [(visible(name), number, _with(parameters, **extra)) for name, number, extra in choices],
        }
        for label, choices in groups
        if len(choices) > 1
    ]


def _year(year: int) -> dict[str, str]:
    return {"since": f"{year:04}-01-01", "until": f"{year:04}-12-31"}


def _with(parameters: QueryDict, **values: str) -> str:
    changed = parameters.copy()
    for name, value in values.items():
        changed[name] = value
    return changed.urlencode()


def _filters(query: dict[str, Any]) -> Filters:
    since, until = query.get("since"), query.get("until")
    return Filters(
        source=query.get("source") or None,
        kind=query.get("kind") or None,
        scope=query.get("scope") or None,
        author=query.get("author") or None,
        since=midnight(since) if since else None,
        until=midnight_after(until) if until else None,
    )


def _title(external_id: str) -> str:
    """Return the title of the document to which the results should be similar, or its id if it has no title."""
    if not external_id:
        return ""
    title = Document.objects.filter(key__in=possible_keys([external_id])).values_list("title", flat=True).first()
    return visible(title_text(title)) if title else visible(external_id)


def _readable(result: Result) -> dict[str, Any]:
    """Return the values of a result for the page, with code points instead of hidden characters."""
    in_thread = _query(thread=result.external_id, url=result.passage_url)
    return {
        "result": result,
        "title": visible(title_text(result.title)) or result.external_id,
        "kind": result.kind.replace("_", " "),
        "scope": visible(result.scope),
        "author": visible(result.author),
        "fragments": [(visible(text), matches) for text, matches in result.fragments],
        "origin": visible(result.passage_origin),
        "url": _address(result.passage_url),
        "thread": f"{reverse('admin:find', args=[result.source])}?{in_thread}",
        "like": _query(like=result.external_id),
    }


def _query(**parameters: object) -> str:
    return urlencode(parameters)


def _address(url: str) -> str:
    """Return the URL if it is http or https, otherwise an empty string, so that the page does not link to it."""
    return url if url.startswith(("https://", "http://")) else ""
