"""Tests of the properties of documents and passages in the tables and in the metadata of vectors."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.models import Chunk, Document, IndexEntry, Scope, Vector
from core.search.documents import Passage, RenderedDocument
from core.search.heads import Head
from core.search.indexes.base import Record
from core.search.indexes.metadata import vector_metadata
from core.search.language import language_of
from core.search.sync import sync
from core.search.vectors import text_hash
from tests.support.fake_source import FakeSource, check_ledger, model
from tests.support.hostile_texts import CONTENTS

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NEXT_NOON = NOON + timedelta(days=1)
OPENING = "The ferry leaves the harbour at noon, and it is not late"
PINECONE_LIMIT = 40_960
"""Maximum number of bytes of the metadata of a vector.

https://docs.pinecone.io/reference/api/database-limits
"""


class Forum(FakeSource):
    """A source with one document that has all properties. ``changes`` replaces some of them."""

    def __init__(self, **changes: Any) -> None:
        self.changes = changes
        super().__init__(boat=f"{OPENING}|Agreed")

    def render(self, external_ids: Sequence[str]) -> Iterable[RenderedDocument]:
        passages = [
            Passage(text=OPENING, author="Bea", at=NOON, kind="issue"),
            Passage(text="Agreed", author="Ann", at=NEXT_NOON, url="https://example.org/2", kind="comment"),
        ]  # fmt: skip
        document = RenderedDocument(
            external_id="boat", kind="note", title="Ferry", url="https://example.org", author="Bea", occurred_at=NOON,
            passages=passages, number="12", state="open", answered=False, labels=["Tide", "UI"], private=True,
        )  # fmt: skip
        return [replace(document, **self.changes)] if "boat" in external_ids else []


@pytest.mark.django_db(transaction=True)
def test_a_chunk_has_the_author_time_and_kind_of_its_passage() -> None:
    with model("layout"):
        sync([Forum()])
    rows = Chunk.objects.order_by("ordinal").values_list("author", "occurred_at", "kind", "url")
    assert list(rows) == [
        ("Bea", NOON, "issue", ""), ("Ann", NEXT_NOON, "comment", "https://example.org/2")
    ]  # fmt: skip
    document = Document.objects.get()
    assert (document.number, document.state, document.answered, document.labels) == (
        "12",
        "open",
        False,
        ["Tide", "UI"],
    )
    assert (document.private, document.language, document.changed_at) == (True, "en", NEXT_NOON)


@pytest.mark.django_db(transaction=True)
def test_a_changed_property_is_stored_without_embedding_or_writing_vectors() -> None:
    with model("layout") as embedder:
        sync([Forum()])
        seen = len(embedder.seen)
        before = set(Vector.objects.values_list("ordinal", "embedding_id"))
        forum = Forum(state="closed", labels=[], changed_at=NOON + timedelta(days=9))
        assert sync([forum]).chunks_sent == 0
        assert len(embedder.seen) == seen
        assert set(Vector.objects.values_list("ordinal", "embedding_id")) == before
    document = Document.objects.get()
    assert (document.state, document.labels, document.changed_at) == ("closed", [], NOON + timedelta(days=9))


@pytest.mark.django_db(transaction=True)
def test_a_document_of_the_earlier_layout_is_written_again_without_embedding() -> None:
    with model("layout") as embedder:
        notes = FakeSource(boat="one|two")
        sync([notes])
        seen = len(embedder.seen)
        Chunk.objects.update(author="", occurred_at=None, kind="")
        Document.objects.update(renderer_version=1001, language="", changed_at=None)
        IndexEntry.objects.update(renderer_version=1001, content_hash="0" * 64)
        result = sync([notes])
        assert (result.documents, result.chunks_embedded, len(embedder.seen)) == (1, 0, seen)
        assert set(Chunk.objects.values_list("author", flat=True)) == {"ada"}
        check_ledger(notes)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "at",
    [
        None,
        datetime(1969, 7, 20, 20, 17, 40, 1, UTC),
        datetime(9999, 12, 31, tzinfo=UTC),
        datetime(1, 1, 2, tzinfo=UTC),
    ],
)
def test_any_time_of_a_passage_is_stored_exactly(at: datetime | None) -> None:
    with model("layout"):
        forum = Forum(passages=[Passage(text="Text", at=at)], changed_at=at)
        sync([forum])
        forum.enqueue("boat")
        assert sync([forum]).chunks_sent == 0
    assert Chunk.objects.get().occurred_at == at
    assert Document.objects.get().changed_at == at or at is None


@pytest.mark.django_db(transaction=True)
def test_texts_that_are_too_long_are_cut() -> None:
    long = "ä" * 100_000
    labels = [f"{n}{long}" for n in range(1000)]
    changes = {"labels": labels, "state": long, "number": long, "author": long, "language": long, "title": long}
    passages = [Passage(text="Text", author=long + "\0", at=NOON, kind=long)]
    with model("layout"):
        assert sync([Forum(**changes, passages=passages)]).failed == 0
    document, chunk = Document.objects.get(), Chunk.objects.get()
    assert (len(document.labels), len(document.state), document.language) == (100, 32, "")
    assert len(chunk.author) == 200


def record(head: Head, **passage: Any) -> Record:
    scope = Scope(source_system="forum", external_id="77/88", name="harbour/tides")
    document = Document(source_system="forum", external_id="forum:thread:5", kind="thread", scope=scope)
    values: dict[str, Any] = {"text": "Text", "url": "", **passage}
    return Record(
        id="forum:thread:5#0003", document=document, head=head, ordinal=3, text_hash=text_hash("Text"),
        vector=np.zeros(8, np.float16), **values,
    )  # fmt: skip


def test_metadata_describes_the_passage_and_its_document() -> None:
    head = Head(
        title="Ferry", url="https://example.org/5", author="Bea", occurred_at=NOON, number="5", state="open",
        answered=True, labels=("Tide",), private=True, language="en", changed_at=NOON,
    )  # fmt: skip
    at = (NEXT_NOON).astimezone(timezone(timedelta(hours=9)))
    metadata = vector_metadata(record(head, author="Ann", occurred_at=at, kind="comment", url="https://example.org/6"))
    assert metadata == {
        "text": "Text", "title": "Ferry", "url": "https://example.org/6", "kind": "comment", "author": "Ann",
        "author_key": "ann", "occurred_at": NOON.timestamp() + 86400, "date": "2026-01-02", "ordinal": 3,
        "thread_id": "forum:thread:5", "number": "5", "state": "open", "answered": True, "labels": ["Tide"],
        "labels_key": ["tide"], "visibility": "private", "language": "en", "changed_at": NOON.timestamp(),
        "document_kind": "thread", "document_author": "Bea", "document_author_key": "bea",
        "document_occurred_at": NOON.timestamp(), "document_url": "https://example.org/5", "source": "forum",
        "container": "harbour/tides", "container_key": "77/88", "container_id": "77", "channel_id": "88",
    }  # fmt: skip


def test_values_that_are_missing_are_left_out() -> None:
    metadata = vector_metadata(record(Head()))
    assert None not in metadata.values()
    assert "" not in metadata.values()
    assert {"author", "occurred_at", "date", "labels", "answered", "number", "url"}.isdisjoint(metadata)
    assert metadata["visibility"] == "public"


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text(max_size=300), max_size=200), st.text(), st.text())
def test_metadata_fits_into_the_limit_of_pinecone(labels: list[str], author: str, title: str) -> None:
    source = RenderedDocument(
        external_id="x", kind="note", title=title * 99, url="https://example.org/" + title * 99, author=author * 99,
        occurred_at=NOON, passages=[], labels=[label * 9 for label in labels],
    )  # fmt: skip
    head = Head.of(source)
    metadata = vector_metadata(record(head, text="\U0001f30a" * 2100, url="https://example.org/" + "x" * 9000))
    size = sum(len(str(key)) + sum(len(text.encode()) for text in _texts(value)) for key, value in metadata.items())
    assert size < PINECONE_LIMIT


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "When does the ferry leave the harbour? It is late, and there are no others to be had."),
        ("de", "Wann fährt die Fähre ab? Ich habe es nicht gesehen, und der Hafen ist zu."),
        ("fr", "Le bateau ne part pas, et je ne sais pas pourquoi il est dans le port avec les autres."),
        ("es", "El barco no sale del puerto porque la marea es muy baja y no hay agua para los otros."),
        ("pt", "O barco não sai do porto porque a maré está muito baixa e não há água para os outros."),
        ("ru", "Паром не вышел из порта, потому что он был на ремонте, и это не новость для нас."),
        ("ja", "潮位グラフの縦軸が合わないので、直してください。"),
        ("zh", "潮汐表显示今天的高潮时间,但是时间不对。"),
        ("ko", "만조는 정오에 옵니다. 배는 늦게 떠납니다."),
        ("el", "Το πλοίο φεύγει από το λιμάνι το μεσημέρι."),
        ("", "for (int i = 0; i < n; ++i) { if (a[i] == b) return i; }"),
        ("", "SIGSEGV in parse_header()"),
        ("", "潮位"),
        ("", "https://example.org/the/and/of/is/it ```the and of is it to be```"),
        ("", ""),
    ],
)
def test_the_language_is_known_or_empty(language: str, text: str) -> None:
    assert language_of([text]) == language


@pytest.mark.parametrize("text", CONTENTS.values(), ids=CONTENTS)
def test_any_text_has_a_language_or_none(text: str) -> None:
    assert len(language_of([text, text * 1000])) in {0, 2}
