"""Tests of stored vectors: one for each text and model, shared by documents, and removed with the last use."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

import numpy as np
import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from core.models import Chunk, Embedding, EmbeddingModel, Vector
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


def stored_hashes() -> set[UUID]:
    return set(Embedding.objects.values_list("text_hash", flat=True))


def test_equal_texts_share_a_vector(notes: FakeSource) -> None:
    assert (Chunk.objects.count(), Vector.objects.count()) == (4, 4)
    hashes = Counter(Chunk.objects.values_list("text_hash", flat=True))
    assert stored_hashes() == set(hashes)
    assert Embedding.objects.count() == len(hashes)
    uses = Counter(Vector.objects.values_list("embedding__text_hash", flat=True))
    assert uses == hashes


def test_the_page_of_a_chunk_is_titled_by_its_id_in_the_index(notes: FakeSource, admin_client: Client) -> None:
    chunk = Chunk.objects.get(document__external_id="boat", ordinal=1)
    page = admin_client.get(reverse("admin:core_chunk_change", args=[chunk.pk]))
    assert "<h2>boat#0001</h2>" in page.content.decode()


def test_a_chunk_is_found_by_its_id_and_a_vector_by_its_hash(notes: FakeSource, admin_client: Client) -> None:
    chunk = Chunk.objects.get(document__external_id="boat", ordinal=1)
    for name, words in (
        ("chunk", "boat#0001"),
        ("embedding", chunk.text_hash.hex),
        ("embedding", str(chunk.text_hash)),
    ):
        rows = admin_client.get(reverse(f"admin:core_{name}_changelist"), {"q": words}).context["cl"].result_list
        assert [row.text_hash for row in rows] == [chunk.text_hash], (name, words)


def test_a_replaced_text_takes_its_vector_with_it(notes: FakeSource) -> None:
    before = stored_hashes()
    notes.write(boat="ferry|midnight")
    assert sync([notes]).chunks_embedded == 1
    assert len(stored_hashes()) == len(before)
    assert stored_hashes() == set(Chunk.objects.values_list("text_hash", flat=True))
    check_ledger(notes)


def test_a_deleted_document_leaves_the_vectors_that_others_use(notes: FakeSource) -> None:
    notes.delete("boat")
    sync([notes])
    assert stored_hashes() == set(
        Chunk.objects.filter(document__external_id="tide").values_list("text_hash", flat=True)
    )
    assert Vector.objects.count() == 2


def test_vectors_of_a_killed_run_are_removed_later(notes: FakeSource) -> None:
    before = stored_hashes()
    with model("first") as embedder:
        vectors.compute_vectors(embedder, {text_hash(f"lost {n}"): f"lost {n}" for n in range(7)}, Counter())
    assert len(stored_hashes()) == len(before) + 7
    assert remove_unused_vectors() == 7
    assert stored_hashes() == before
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
    matches = target.index.query(query, Filters(), 4)
    assert {match.vector_id for match in matches} == {"boat#0000", "boat#0001", "tide#0000", "tide#0001"}
    assert [match.score for match in matches] == sorted((match.score for match in matches), reverse=True)


def test_each_model_has_its_own_vectors(notes: FakeSource) -> None:
    key = Chunk.objects.values_list("text_hash", flat=True).first()
    assert key is not None
    with model("second", 16) as other:
        vectors.compute_vectors(other, {key: "the same text"}, Counter())
    fingerprints = Embedding.objects.filter(text_hash=key).values_list("model__fingerprint", flat=True)
    assert set(fingerprints) == {"hashed/first", "hashed/second"}


def test_a_removal_that_the_foreign_key_refuses_leaves_the_transaction_usable(
    notes: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    every_vector = "SELECT id FROM core_embedding e WHERE {condition} ORDER BY id LIMIT %s"
    monkeypatch.setattr(vectors, "UNUSED", every_vector)  # as if another session had begun to use the vectors
    before = stored_hashes()
    with transaction.atomic():
        vectors.remove_replaced_vectors(before)
        assert stored_hashes() == before
        notes.enqueue("boat")
    assert sync([notes]).documents == 1


def test_vectors_of_documents_that_still_wait_are_not_removed(notes: FakeSource) -> None:
    with model("first") as embedder:
        vectors.compute_vectors(embedder, {text_hash("paid"): "paid"}, Counter())
    notes.write(**{f"new{n}": f"text {n}" for n in range(20)})
    sync([notes], max_seconds=0.0)
    assert text_hash("paid") in stored_hashes()
    sync([notes])
    assert text_hash("paid") not in stored_hashes()


def test_a_vector_is_held_until_the_chunks_are_stored(notes: FakeSource) -> None:
    with transaction.atomic():
        half = np.zeros(64, np.float16)
        held = vectors.hold_vectors(EmbeddingModel.objects.get().pk, {text_hash("gone"): half})
        assert set(held) == {text_hash("gone")}
        assert Embedding.objects.filter(pk=held[text_hash("gone")]).exists()
