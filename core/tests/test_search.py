"""Tests of the whole path from changed documents to search results, mostly with the local embedder."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from core.models import Chunk, Embedding, Scope
from core.search import queue, vectors
from core.search import sync as syncing
from core.search.documents import DocumentMark, Passage, RenderedDocument, mark_changed, mark_deleted
from core.search.embedders.base import Role
from core.search.query.search import search
from core.search.sync import sync
from tests.support.fake_source import model

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Notes:
    """A source of documents that tests can change."""

    source_system = "notes"
    renderer_version = 1

    def __init__(self, **texts: str) -> None:
        self.texts = texts

    def render(self, external_ids: Sequence[str]) -> Iterable[RenderedDocument]:
        for name in external_ids:
            if name in self.texts:
                passages = [Passage(text=part, author="ada", at=NOW) for part in self.texts[name].split("|")]
                yield RenderedDocument(
                    external_id=name, kind="note", title=name, url="https://example.org", author="ada",
                    occurred_at=NOW, passages=passages,
                )  # fmt: skip

    def enqueue(self, *names: str) -> None:
        scope, _ = Scope.objects.get_or_create(source_system="notes", external_id="1", defaults={"name": "notes/all"})
        with transaction.atomic():
            fields: dict[str, Any] = {"source_system": "notes", "kind": "note", "scope_id": scope.pk}
            mark_changed(DocumentMark(external_id=name, **fields) for name in names)


@pytest.fixture
def notes() -> Notes:
    """Return a source with three notes that have been indexed."""
    source = Notes(
        boat="The ferry leaves the harbour at noon.|It was late again.",
        crash="Program aborts with SIGSEGV in parse_header()",
        tide="潮位グラフの縦軸が合わない",
    )  # fmt: skip
    source.enqueue("boat", "crash", "tide")
    sync([source])
    return source


def found_ids(words: str, **options: Any) -> list[str]:
    return [hit.external_id for hit in search(words, **options)]


def test_similar_meaning_is_found_without_a_common_word(notes: Notes) -> None:
    assert found_ids("when does the ship depart", mode="dense")[0] == "boat"


def test_identifiers_and_other_scripts_are_found_by_their_parts(notes: Notes) -> None:
    assert found_ids("header", mode="text") == ["crash"]
    assert found_ids("縦軸", mode="text") == ["tide"]


@pytest.mark.parametrize("words", ["", " ", "'", '"', "a & | ! ( <->", "%", "🙂", "\0", "x" * 20_000, "\ud800"])
def test_no_query_is_an_error(notes: Notes, words: str) -> None:
    assert isinstance(found_ids(words), list)


def test_an_unchanged_document_is_not_embedded_again(notes: Notes) -> None:
    notes.enqueue("boat")
    result = sync([notes])
    assert (result.documents, result.chunks_embedded, result.chunks_reused) == (1, 0, 0)


def test_a_changed_passage_embeds_only_its_own_chunks(notes: Notes) -> None:
    notes.texts["boat"] = "The ferry leaves the harbour at noon.|It was early."
    notes.enqueue("boat")
    assert sync([notes]).chunks_embedded == 1


def test_a_document_that_shrinks_leaves_no_orphan(notes: Notes) -> None:
    notes.texts["boat"] = "short"
    notes.enqueue("boat")
    sync([notes])
    assert list(Chunk.objects.filter(document__external_id="boat").values_list("ordinal", flat=True)) == [0]


def test_a_tombstone_leaves_the_index(notes: Notes) -> None:
    with transaction.atomic():
        mark_deleted("notes", ["crash"], NOW)
    assert sync([notes]).deleted == 1
    assert not Chunk.objects.filter(document__external_id="crash").exists()
    assert "crash" not in found_ids("SIGSEGV")


def test_a_change_outside_a_transaction_is_refused(notes: Notes) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        mark_deleted("notes", ["crash"], NOW)


def test_a_change_during_the_sync_is_indexed_by_the_next(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    notes.texts["boat"] = "first"
    notes.enqueue("boat")
    write = syncing.write_batch

    def change_first(*args: Any, **options: Any) -> Any:
        notes.texts["boat"] = "second"
        notes.enqueue("boat")
        return write(*args, **options)

    monkeypatch.setattr(syncing, "write_batch", change_first)
    sync([notes])
    monkeypatch.setattr(syncing, "write_batch", write)
    sync([notes])
    assert Chunk.objects.get(document__external_id="boat").text == "second"


def test_documents_before_an_unrenderable_one_are_indexed(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "BATCH_SIZE", 1)
    render = notes.render

    def broken(names: Sequence[str]) -> Any:
        if "later" in names:
            raise ValueError("it cannot be rendered")
        return render(names)

    notes.texts["boat"] = "a new text"
    notes.enqueue("boat")
    notes.enqueue("later")
    monkeypatch.setattr(notes, "render", broken)
    with pytest.raises(ValueError, match="rendered"):
        sync([notes])
    assert Chunk.objects.get(document__external_id="boat").text == "a new text"


def test_nothing_begins_after_the_deadline(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    notes.enqueue("boat")
    monkeypatch.setattr(notes, "render", lambda _names: pytest.fail("rendered"))
    assert sync([notes], max_seconds=0).remaining == 1


def test_vectors_computed_before_an_outage_are_stored(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "MAX_BATCH_SIZE", 1)
    before = Embedding.objects.count()
    with model("fails") as embedder:
        embed, calls = embedder.embed, iter((False, False, True))

        def failing(texts: Sequence[str], role: Role) -> Any:
            if next(calls):
                raise OSError("the model is away")
            return embed(texts, role)

        monkeypatch.setattr(embedder, "embed", failing)
        with pytest.raises(OSError, match="away"):
            vectors.compute_vectors(embedder, {UUID(int=n): f"text {n}" for n in range(5)}, Counter())
    assert Embedding.objects.count() == before + 2


def test_every_text_has_a_stored_vector(notes: Notes) -> None:
    assert Embedding.objects.count() == Chunk.objects.count()
