"""Tests that an error of one document does not stop the indexing of the other documents."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection
from django.db.utils import OperationalError

from core.models import Chunk, Document, IndexEntry
from core.search.sync import sync
from core.search.vectors import stored_vectors, text_hash
from tests.support.fake_source import NOW, FakeSource, HashEmbedder, check_ledger, model

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def embedder() -> Iterator[HashEmbedder]:
    with model("first") as embedder:
        yield embedder


@contextmanager
def failing(table: str, event: str, state: str, condition: str) -> Iterator[None]:
    """Let each write of a row that meets the condition fail with this SQLSTATE."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF {condition} THEN RAISE EXCEPTION 'this row is refused' USING ERRCODE = '{state}'; END IF;"
            " RETURN NEW; END $$"
        )
        cursor.execute(f"CREATE TRIGGER refuse BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER refuse ON {table}")
            cursor.execute("DROP FUNCTION refuse()")


def many() -> dict[str, str]:
    """Return the texts of ten documents. One of them is bad."""
    return {f"n{n}": f"text {n}|more {n}" for n in range(9)} | {"bad": "bad text|more"}


@pytest.mark.parametrize("state", ["23505", "23514", "22P02", "40001", "40P01", "54000", "55006", "XX001"])
def test_a_document_that_the_database_refuses_fails_alone(embedder: HashEmbedder, state: str) -> None:
    notes = FakeSource(**many())
    with failing("core_chunk", "INSERT", state, "NEW.text LIKE '%bad text%'"):
        result = sync([notes])
    assert (result.documents, result.failed, result.remaining) == (9, 1, 1)
    entry = IndexEntry.objects.get(state="failed")
    assert entry.document.external_id == "bad"
    assert "this row is refused" in entry.last_error
    assert entry.next_try_at is not None
    out = StringIO()
    call_command("collector_status", stdout=out)
    assert "1 document cannot be indexed" in out.getvalue()
    assert "this row is refused" in out.getvalue()
    assert sync([notes]).documents == 0  # too early for the next attempt
    IndexEntry.objects.update(next_try_at=NOW)
    assert sync([notes]).remaining == 0
    check_ledger(notes)


@pytest.mark.parametrize("state", ["08006", "53100", "57P01", "58030"])
def test_an_error_of_the_server_stops_the_sync_and_fails_no_document(embedder: HashEmbedder, state: str) -> None:
    notes = FakeSource(**many())
    with (
        failing("core_chunk", "INSERT", state, "NEW.text LIKE '%bad text%'"),
        pytest.raises(OperationalError, match="this row is refused"),
    ):
        sync([notes])
    assert not IndexEntry.objects.filter(state="failed").exists()
    sync([notes])
    check_ledger(notes)


def test_a_document_that_cannot_be_recorded_fails_alone(embedder: HashEmbedder) -> None:
    notes = FakeSource(**many())
    sync([notes])
    bad = Document.objects.get(external_id="bad").pk
    notes.write(**{name: f"{text} again" for name, text in many().items()})
    refused = f"NEW.document_id = {bad} AND NEW.state = 'clean'"
    with failing("core_indexentry", "UPDATE", "23514", refused):
        result = sync([notes])
    assert (result.documents, result.failed) == (9, 1)


def test_a_lost_chunk_is_cut_again_by_the_next_sync_of_its_document(embedder: HashEmbedder) -> None:
    notes = FakeSource(boat="one|two|three", tide="four")
    sync([notes])
    seen = len(embedder.seen)
    for ordinal in (1, 0, 2):
        Chunk.objects.filter(document__external_id="boat", ordinal=ordinal).delete()
        notes.enqueue("boat")
        assert sync([notes]).failed == 0
        check_ledger(notes)
    Chunk.objects.filter(document__external_id="boat", ordinal=2).delete()
    IndexEntry.objects.update(state="dirty", content_hash="")  # the document has not changed
    assert sync([notes]).failed == 0
    check_ledger(notes)
    assert len(embedder.seen) == seen


def test_a_text_without_a_usable_vector_fails_alone(embedder: HashEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    embed = embedder.embed

    def with_nan(texts: list[str], role: str) -> object:
        vectors = embed(texts, role)  # type: ignore[arg-type]
        vectors[["bad text" in text for text in texts]] = np.nan
        return vectors

    notes = FakeSource(**many())
    monkeypatch.setattr(embedder, "embed", with_nan)
    result = sync([notes])
    assert (result.documents, result.failed) == (9, 1)
    assert "NaN" in IndexEntry.objects.get(state="failed").last_error
    monkeypatch.undo()
    IndexEntry.objects.update(next_try_at=NOW)
    assert sync([notes]).remaining == 0
    check_ledger(notes)


def test_a_huge_number_in_the_ledger_does_not_stop_a_sync(embedder: HashEmbedder) -> None:
    notes = FakeSource(boat="one|two")
    sync([notes])
    IndexEntry.objects.update(chunks=2_000_000_000, high_water=2_000_000_000)
    notes.write(boat="three")
    assert sync([notes]).documents == 1
    check_ledger(notes)


def test_a_damaged_vector_is_never_used_again(embedder: HashEmbedder) -> None:
    notes = FakeSource(boat="one")
    sync([notes])
    chunk = Chunk.objects.get()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE core_embedding SET vector = '[0,0,0,0,0,0,0,1]'")
    assert stored_vectors(embedder, [chunk.text_hash]) == {}
    assert chunk.text_hash == text_hash(chunk.prefix + chunk.text)
    IndexEntry.objects.update(state="dirty", content_hash="")
    assert sync([notes]).chunks_embedded == 1
    assert set(stored_vectors(embedder, [chunk.text_hash])) == {chunk.text_hash}
