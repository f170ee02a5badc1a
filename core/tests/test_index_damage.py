"""Tests that every kind of damage of an index is found and repaired, and that a repair changes nothing else."""

import json
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command, load_command_class
from django.test.utils import override_settings

from core.models import EmbeddingModel, IndexEntry, Namespace, Vector
from core.search.sync import sync
from tests.support.fake_source import FakeSource, HashEmbedder, check_ledger, model
from tests.support.index_damage import (
    IN_PGVECTOR,
    IN_PINECONE,
    IN_THE_DATABASE,
    Damage,
    changed_without_need,
    contents,
    snapshot,
    unique_again,
)
from tests.support.kill_points import survives
from tests.support.pinecone_twin import Twin

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> FakeSource:
    """Return a source of three documents and a tombstone."""
    source = FakeSource(boat="one|two|three", crash="four", tide="five|six", gone="seven")
    monkeypatch.setattr("core.management.commands.verify_index.document_sources", lambda: [source])
    monkeypatch.setattr("core.search.verifying.SETTLING", 0)
    return source


@pytest.fixture
def embedder() -> Iterator[HashEmbedder]:
    with model("first") as embedder:
        yield embedder


@pytest.fixture
def pinecone(twin: Twin) -> Iterator[Twin]:
    """Configure the fake Pinecone server."""
    here = {"VECTOR_INDEX": "pinecone", "PINECONE_HOST": twin.url, "PINECONE_API_KEY": "a-key-of-tests"}
    with override_settings(**here, PINECONE_NAMESPACE="prod"):
        yield twin


def verify(**options: Any) -> tuple[int, dict[str, Any]]:
    """Run ``verify_index`` and return its exit code and its JSON output."""
    command, out = load_command_class("core", "verify_index"), StringIO()
    call_command(command, **options, json=True, stdout=out)
    return getattr(command, "exit_code", 0), json.loads(out.getvalue())


def begin(notes: FakeSource) -> None:
    """Index the documents, and delete one of them."""
    sync([notes])
    notes.delete("gone")
    sync([notes])


def check_damage(damage: Damage, notes: FakeSource, embedder: HashEmbedder, twin: Twin | None) -> None:
    """Damage the index, and check what is found, repaired, embedded and written."""
    clean, records = snapshot(), records_of(twin)
    damage.apply()
    damaged, wrong_records = snapshot(), records_of(twin)
    code, report = verify()
    assert (code, damage.kind in report["kinds"]) == ((0, False) if damage.deep else (3, True)), report
    code, report = verify(deep=True)
    assert (code, damage.kind in report["kinds"]) == (3, True), report
    assert report["kinds"][damage.kind]["names"], report
    sent, seen = twin.count("vectors.upsert", "records_in") if twin else 0, len(embedder.seen)
    code, report = verify(repair=True, deep=damage.deep)
    assert (code, report["wrong"], report["waiting"]) == (0, 0, 0), report
    assert report["repaired"], report
    assert verify(deep=True)[1]["wrong"] == 0
    assert len(embedder.seen) - seen == damage.embedded
    repaired = snapshot()
    assert contents(repaired) == contents(clean)
    assert changed_without_need(clean, damaged, repaired) == []
    check_ledger(notes)
    if twin:
        assert records_of(twin) == records
        needed = sum(wrong_records.get(name) != record for name, record in records.items())
        assert twin.count("vectors.upsert", "records_in") - sent == needed


def records_of(twin: Twin | None) -> dict[tuple[str, str], Any]:
    """Return the hash and the metadata of each record in Pinecone, by namespace and id."""
    spaces = twin.rows() if twin else {}
    return {(space, row["id"]): (row["sha256"], row["metadata"]) for space, rows in spaces.items() for row in rows}


def check_all(damages: Sequence[Damage], notes: FakeSource, embedder: HashEmbedder, twin: Twin | None = None) -> None:
    for damage in damages:
        try:
            check_damage(damage, notes, embedder, twin)
        except BaseException as error:
            error.add_note(f"damage: {damage.name}")
            raise
        finally:
            if damage.kind == "duplicates":
                unique_again()
        EmbeddingModel.objects.filter(fingerprint="hashed/other").delete()


def test_damage_of_an_index_in_postgresql_is_repaired(notes: FakeSource, embedder: HashEmbedder) -> None:
    begin(notes)
    check_all(IN_PGVECTOR, notes, embedder)


def test_damage_of_rows_is_repaired_with_an_index_in_postgresql(notes: FakeSource, embedder: HashEmbedder) -> None:
    begin(notes)
    check_all(IN_THE_DATABASE, notes, embedder)


@pytest.mark.twin
def test_damage_of_an_index_in_pinecone_is_repaired(notes: FakeSource, embedder: HashEmbedder, pinecone: Twin) -> None:
    EmbeddingModel.objects.create(fingerprint="hashed/first2")  # a model that was used before
    begin(notes)
    check_all(IN_PINECONE, notes, embedder, pinecone)


@pytest.mark.twin
def test_damage_of_rows_is_repaired_with_an_index_in_pinecone(
    notes: FakeSource, embedder: HashEmbedder, pinecone: Twin
) -> None:
    begin(notes)
    check_all(IN_THE_DATABASE, notes, embedder, pinecone)


@pytest.mark.twin
def test_namespaces_of_other_projects_are_reported_and_stay(
    notes: FakeSource, embedder: HashEmbedder, pinecone: Twin
) -> None:
    begin(notes)
    from tests.support.index_damage import store

    record = {"id": "boat#0000", "values": [1.0] + [0.0] * 7, "metadata": {}}
    store()._index.upsert(vectors=[record], namespace="prod-eu-hashed-first")
    code, report = verify(repair=True)
    assert (code, report["other_namespaces"]) == (0, ["prod-eu-hashed-first"])
    assert sorted(pinecone.rows()) == ["prod-eu-hashed-first", "prod-hashed-first"]


def damage_much() -> None:
    """Damage every document in another way."""
    for damage in [*IN_THE_DATABASE[:1], *IN_PGVECTOR[3:5]]:
        damage.apply()
    IndexEntry.objects.filter(document__external_id="crash").delete()
    Vector.objects.filter(document__external_id="tide").delete()


@pytest.mark.parametrize("step", [20, 45, 60, 75])
def test_a_killed_repair_is_completed_by_the_next(notes: FakeSource, embedder: HashEmbedder, step: int) -> None:
    begin(notes)
    clean = contents(snapshot())
    damage_much()
    assert not survives(step, lambda: verify(repair=True))
    code, report = verify(repair=True)
    assert (code, report["wrong"], report["waiting"]) == (0, 0, 0)
    assert contents(snapshot()) == clean
    assert Namespace.objects.count() == 1
