"""Stores a few documents for tests of text search. They have chunks, but no vectors."""

from datetime import UTC, datetime

from core.models import Chunk, Document, Scope
from core.search.query.text import extra_words, refresh_common_words
from core.search.vectors import text_hash

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOSTILE = "<script>alert('ahoy')</script> \u202eexe.txt \x02[[javascript:alert(1)]]\x03"


def store_document(
    name: str,
    title: str,
    *texts: str,
    scope: str = "notes/all",
    kind: str = "issue",
    author: str = "ada",
    source: str = "github",
) -> None:
    """Store a document with one chunk for each text. The prefixes of consecutive chunks have consecutive dates."""
    location, _ = Scope.objects.get_or_create(source_system=source, external_id=scope, defaults={"name": scope})
    document = Document.objects.create(
        source_system=source, external_id=name, kind=kind, scope=location, title=title, author=author,
        url=f"https://example.org/{name}", occurred_at=NOON,
    )  # fmt: skip
    for ordinal, text in enumerate(texts):
        Chunk.objects.create(
            document=document, ordinal=ordinal, text=text,
            prefix=f"{title} · {author} · 2026-01-{ordinal + 2:02}\n", words=extra_words(f"{title} {text}"),
            url=f"https://example.org/{name}/{ordinal}", text_hash=text_hash(f"{name}{ordinal}"),
        )  # fmt: skip


def store_conversations() -> None:
    """Store four documents in two scopes."""
    store_document(
        "boat", "Ferry timetable", "The ferry leaves the harbour at noon.", "It was late again.", author="Bea"
    )
    store_document("crash", "Program aborts", "SIGSEGV in parse_header() of src/qt/main.cpp", kind="pull_request")
    store_document("tide", "潮位グラフ", "潮位グラフの縦軸が合わない", scope="notes/tides")
    store_document("evil", f"Names {HOSTILE}", f"Look at this name of a station: {HOSTILE}", scope="notes/tides")
    refresh_common_words(force=True)
