"""Five documents that differ in every property that a query can name. All of them contain the word ferry."""

from datetime import UTC, datetime
from typing import Any

from core.models import Chunk, Document, Scope
from core.search.query.text import extra_words, refresh_common_words
from core.search.vectors import text_hash

Said = tuple[str, str, str, str]
"""Author, day, kind and text of a passage."""


def store(name: str, title: str, source: str, scope: str, kind: str, *passages: Said, **fields: Any) -> None:
    """Store a document with these passages. Its author and its time are those of the first passage."""
    location, _ = Scope.objects.get_or_create(source_system=source, external_id=scope, defaults={"name": scope})
    author, day, _, _ = passages[0]
    document = Document.objects.create(
        source_system=source, external_id=name, kind=kind, scope=location, title=title, author=author,
        url=f"https://example.org/{name}", occurred_at=at(day), **fields,
    )  # fmt: skip
    for ordinal, (person, on, passage_kind, text) in enumerate(passages):
        Chunk.objects.create(
            document=document, ordinal=ordinal, text=text, prefix=f"{title} · {person} · {on}\n", author=person,
            occurred_at=at(on), kind=passage_kind, words=extra_words(f"{title} {text}"),
            url=f"https://example.org/{name}/{ordinal}", text_hash=text_hash(f"{name}{ordinal}"),
        )  # fmt: skip


def at(day: str) -> datetime:
    """Return noon of a day (UTC)."""
    return datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=UTC)


def store_ferries() -> None:
    """Store the documents."""
    store(
        "boat", "Ferry timetable", "github", "notes/tides", "issue",
        ("Bea", "2024-01-05", "issue", "The ferry leaves the harbour\nat noon. To be or not to be late."),
        ("ada", "2024-06-01", "comment", "It was late again, the slow ferry."),
        state="open", labels=["bug", "Good first issue"],
    )  # fmt: skip
    store(
        "crash", "Ferry parser aborts", "github", "notes/all", "pull_request",
        ("ada", "2025-02-10", "pull request", "SIGSEGV in src/a.parseHeader() while the ferry is read."),
        ("Cy-2", "2025-02-11", "review comment", "The ferry->speed() call is not **quite** right."),
        state="merged", labels=["bug", "ui"],
    )  # fmt: skip
    store(
        "fastest", "Which ferry is fastest?", "github", "notes/all", "discussion",
        ("Dee", "2023-03-01", "discussion", "Is the red ferry fast?"),
        ("Bea", "2023-03-02", "answer", "The blue ferry is the fastest."),
        state="closed", answered=True,
    )  # fmt: skip
    store(
        "night", "Night ferry?", "github", "notes/all", "discussion",
        ("Dee", "2026-05-19", "discussion", "Does a ferry sail at night?"), state="open", answered=False,
    )  # fmt: skip
    store(
        "chat", "Talk about the harbour", "discord", "harbour/general", "conversation",
        ("Eli", "2022-08-01", "message", "潮位 is high, says the ferry. You're late, 100%_sure."),
        ("Bea", "2022-08-02", "message", "Thanks for the warning about the ferry"),
    )  # fmt: skip
    refresh_common_words(force=True)
