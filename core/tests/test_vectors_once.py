"""Tests of stored vectors: one for each text and model, shared by documents, and removed with the last use."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

import numpy as np
import pytest
from django.db import connection, transaction

from core.models import Chunk, Embedding, EmbeddingModel, IndexEntry, Vector
from core.search import vectors
from core.search.filters import Filters
from core.search.namespaces import serving
from core.search.sync import sync
from core.search.vectors import remove_unused_vectors, text_hash
from core.search.verifying import differences
from tests.support.fake_source import FakeSource, check_ledger, model

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def notes() -> Iterator[FakeSource]:
    """Index two documents with one text in common, and yield their source."""
    with model("first"):
        source = FakeSource(boat="ferry|noon", tide="ferry|low water")
        sync([source])
        yield source


def texts() -> set[UUID]:
    return set(Embedding.objects.values_list("text_hash", flat=True))


def test_equal_texts_share_a_vector(notes: FakeSource) -> None:
    assert (Chunk.objects.count(), Vector.objects.count()) == (4, 4)
    hashes = Counter(Chunk.objects.values_list("text_hash", flat=True))
    assert texts() == set(hashes)
    assert Embedding.objects.count() == len(hashes)
    uses = Counter(Vector.objects.values_list("embedding__text_hash", flat=True))
    assert uses == hashes


def test_a_replaced_text_takes_its_vector_with_it(notes: FakeSource) -> None:
    before = texts()
    notes.write(boat="ferry|midnight")
    assert sync([notes]).chunks_embedded == 1
    assert len(texts()) == len(before)
    assert texts() == set(Chunk.objects.values_list("text_hash", flat=True))
    check_ledger(notes)


def test_a_deleted_document_leaves_the_vectors_that_others_use(notes: FakeSource) -> None:
    notes.delete("boat")
    sync([notes])
    assert texts() == set(Chunk.objects.filter(document__external_id="tide").values_list("text_hash", flat=True))
    assert Vector.objects.count() == 2


def test_vectors_of_a_killed_run_are_removed_later(notes: FakeSource) -> None:
    before = texts()
    with model("first") as embedder:
        vectors.compute_vectors(embedder, {text_hash(f"lost {n}"): f"lost {n}" for n in range(7)}, Counter())
    assert len(texts()) == len(before) + 7
    assert remove_unused_vectors() == 7
    assert texts() == before
    assert remove_unused_vectors() == 0


def test_vectors_in_the_index_are_not_removed_without_their_chunks(notes: FakeSource) -> None:
    Chunk.objects.all().delete()
    assert remove_unused_vectors() == 0
    assert Vector.objects.count() == 4


def test_a_vector_that_is_locked_for_use_is_left_out(notes: FakeSource) -> None:
    with model("first") as embedder:
        vectors.compute_vectors(embedder, {text_hash("new"): "new"}, Counter())
    with closing(connection.copy()) as other, transaction.atomic():
        vectors.lock_vectors(EmbeddingModel.objects.get().pk, [text_hash("new")])
        with other.cursor() as cursor:
            cursor.execute(vectors.UNUSED.format(condition="id > %s"), [0, 10])
            assert cursor.fetchall() == []
    assert remove_unused_vectors() == 1


def test_a_vector_removed_in_the_meantime_is_stored_again(notes: FakeSource, monkeypatch: pytest.MonkeyPatch) -> None:
    compute = vectors.compute_vectors

    def then_removed(*args: object) -> object:
        computed = compute(*args)  # type: ignore[arg-type]
        assert remove_unused_vectors() == 1
        return computed

    monkeypatch.setattr("core.search.writing.compute_vectors", then_removed)
    notes.write(boat="ferry|midnight")
    sync([notes])
    check_ledger(notes)
    target = serving()
    assert target is not None
    assert differences(target).wrong == 0


def test_vectors_of_no_chunk_hide_no_result(notes: FakeSource) -> None:
    target = serving()
    assert target is not None
    query = target.embedder.embed(["noon"], "query")[0]
    half = np.asarray(query, np.float16)
    vectors.store_vectors(EmbeddingModel.objects.get().pk, {UUID(int=n): half for n in range(20)})
    found = target.index.query(query, Filters(), 4)
    assert {match.vector_id for match in found} == {"boat#0000", "boat#0001", "tide#0000", "tide#0001"}
    assert [match.score for match in found] == sorted((match.score for match in found), reverse=True)


def test_each_model_has_its_own_vectors(notes: FakeSource) -> None:
    with model("second", 16) as other:
        vectors.compute_vectors(other, {text_hash("ferry"): "ferry"}, Counter())
        assert EmbeddingModel.objects.count() == 2
    assert IndexEntry.objects.filter(state="clean").count() == 2
