"""Five documents that differ in every property that a query can name. All of them contain the word ferry."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from core.models import Chunk, Document, Scope
from core.search.documents import DocumentMark, Passage, RenderedDocument, mark_changed
from core.search.query.text import extra_words, refresh_common_words
from core.search.vectors import text_hash

Said = tuple[str, str, str, str]
"""Author, day, kind and text of a passage."""


def at(day: str) -> datetime:
    """Return noon of a day (UTC)."""
    return datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=UTC)


def rendered(name: str, title: str, kind: str, *passages: Said, **fields: Any) -> RenderedDocument:
    """Return a document with these passages. Its author and its time are those of the first passage."""
    return RenderedDocument(
        external_id=name, kind=kind, title=title, url=f"https://example.org/{name}", author=passages[0][0],
        occurred_at=at(passages[0][1]), **fields,
        passages=[
            Passage(text=text, author=author, at=at(day), kind=what, url=f"https://example.org/{name}/{ordinal}")
            for ordinal, (author, day, what, text) in enumerate(passages)
        ],
    )  # fmt: skip


FERRIES: list[tuple[str, str, RenderedDocument]] = [
    ("github", "notes/tides", rendered(
        "boat", "Ferry timetable", "issue",
        ("Bea", "2024-01-05", "issue", "The ferry leaves the harbour\nat noon. To be or not to be late."),
        ("ada", "2024-06-01", "comment", "It was late again, the slow ferry."),
        state="open", labels=["bug", "Good first issue"],
    )),
    ("github", "notes/all", rendered(
        "crash", "Ferry parser aborts", "pull_request",
        ("ada", "2025-02-10", "pull request", "SIGSEGV in src/a.parseHeader() while the ferry is read."),
        ("Cy-2", "2025-02-11", "review comment", "The ferry->speed() call is not **quite** right."),
        state="merged", labels=["bug", "ui"],
    )),
    ("github", "notes/all", rendered(
        "fastest", "Which ferry is fastest?", "discussion",
        ("Dee", "2023-03-01", "discussion", "Is the red ferry fast?"),
        ("Bea", "2023-03-02", "answer", "The blue ferry is the fastest."),
        state="closed", answered=True,
    )),
    ("github", "notes/all", rendered(
        "night", "Night ferry?", "discussion",
        ("Dee", "2026-05-19", "discussion", "Does a ferry sail at night?"), state="open", answered=False,
    )),
    ("discord", "harbour/general", rendered(
        "chat", "Talk about the harbour", "conversation",
        ("Eli", "2022-08-01", "message", "潮位 is high, says the ferry. You're late, 100%_sure."),
        ("Bea", "2022-08-02", "message", "Thanks for the warning about the ferry"),
    )),
]  # fmt: skip
"""The source, the scope and the content of each document."""

ALL = {"boat", "crash", "fastest", "night", "chat"}
QUERIES: list[tuple[str, set[str]]] = [
    ("ferry", ALL),
    ('ferry "leaves the harbour at noon"', {"boat"}),
    ('"LEAVES the harbour"', {"boat"}),
    ("“to be or not to be”", {"boat"}),
    ('"ferry->speed()"', {"crash"}),
    ('"not quite right"', {"crash"}),
    ('"src/a.parseHeader()"', {"crash"}),
    ('"100%_sure"', {"chat"}),
    ('"潮位"', {"chat"}),
    ('"ferry timetable"', {"boat"}),
    ('"harbour the leaves"', set()),
    ('"err"', set()),
    ("ferry -noon", ALL - {"boat"}),
    ("ferry -leaves", ALL - {"boat"}),
    ("ferry -timetable", ALL - {"boat"}),
    ("ferry -the", {"night"}),
    ("ferry -潮位", ALL - {"chat"}),
    ('ferry -"red ferry"', ALL - {"fastest"}),
    ("ferry -label:bug", ALL - {"boat", "crash"}),
    ("ferry author:BEA", {"boat", "fastest", "chat"}),
    ("ferry author:@cy-2", {"crash"}),
    ("ferry author:cy-2 author:eli", {"crash", "chat"}),
    ("ferry -author:bea", ALL - {"boat"}),
    ("ferry repo:notes/tides", {"boat"}),
    ("ferry repo:TIDES", {"boat"}),
    ("ferry channel:general", {"chat"}),
    ("ferry channel:#general", {"chat"}),
    ("ferry channel:harbour/general", {"chat"}),
    ("ferry -repo:all", {"boat", "chat"}),
    ("ferry label:bug", {"boat", "crash"}),
    ("ferry label:bug label:UI", {"crash"}),
    ('ferry label:"good first issue"', {"boat"}),
    ("ferry is:open", {"boat", "night"}),
    ("ferry is:closed", {"crash", "fastest"}),
    ("ferry is:merged", {"crash"}),
    ("ferry -is:open", {"crash", "fastest", "chat"}),
    ("ferry is:answered", {"fastest"}),
    ("ferry is:unanswered", {"night"}),
    ("ferry type:issue", {"boat"}),
    ("ferry type:pr", {"crash"}),
    ("ferry type:pull-request", {"crash"}),
    ("ferry type:discussions", {"fastest", "night"}),
    ("ferry type:comment", {"boat"}),
    ("ferry type:review-comment", {"crash"}),
    ("ferry type:message", {"chat"}),
    ("ferry type:conversation", {"chat"}),
    ("ferry source:discord", {"chat"}),
    ("ferry after:2025", {"crash", "night"}),
    ("ferry since:2024-02 until:2025", {"boat"}),
    ("ferry before:2023", {"chat"}),
    ("ferry before:2024-01-05", {"fastest", "chat"}),
    ("author:bea", {"boat", "fastest", "chat"}),
    ("is:open type:issue", {"boat"}),
    ("-label:bug", ALL - {"boat", "crash"}),
    ("type:comment author:ada", {"boat"}),
]
"""Queries, and the ids of the documents that match them."""


class Ferries:
    """A source of the documents of one source system."""

    renderer_version = 1

    def __init__(self, source_system: str) -> None:
        self.source_system = source_system

    def render(self, external_ids: Sequence[str]) -> Iterable[RenderedDocument]:
        """Yield the documents with these ids."""
        yield from (document for _, _, document in FERRIES if document.external_id in external_ids)


def ferry_sources() -> list[Ferries]:
    """Queue the documents for the index, and return their sources."""
    with transaction.atomic():
        for source, scope, document in FERRIES:
            location = _scope(source, scope)
            mark = DocumentMark(
                source_system=source, external_id=document.external_id, kind=document.kind, scope_id=location.pk
            )
            mark_changed([mark])
    return [Ferries("github"), Ferries("discord")]


def store(source: str, scope: str, document: RenderedDocument) -> None:
    """Store a document with one chunk for each passage, without vectors."""
    stored = Document.objects.create(
        source_system=source, external_id=document.external_id, kind=document.kind, scope=_scope(source, scope),
        title=document.title, author=document.author, url=document.url, occurred_at=document.occurred_at,
        state=document.state, answered=document.answered, labels=list(document.labels),
    )  # fmt: skip
    for ordinal, passage in enumerate(document.passages):
        Chunk.objects.create(
            document=stored, ordinal=ordinal, text=passage.text, author=passage.author, occurred_at=passage.at,
            prefix=f"{document.title} · {passage.author} · {passage.at:%Y-%m-%d}\n", kind=passage.kind,
            words=extra_words(f"{document.title} {passage.text}"), url=passage.url,
            text_hash=text_hash(f"{document.external_id}{ordinal}"),
        )  # fmt: skip


def store_ferries() -> None:
    """Store the documents without vectors."""
    for source, scope, document in FERRIES:
        store(source, scope, document)
    refresh_common_words(force=True)


def _scope(source: str, name: str) -> Scope:
    return Scope.objects.get_or_create(source_system=source, external_id=name, defaults={"name": name})[0]
