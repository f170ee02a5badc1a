"""Tests that every kind of damage of an index is found and repaired, and that a repair changes nothing else."""

import itertools
import json
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command, load_command_class
from django.test.utils import override_settings

from core.management.commands.verify_index import in_words
from core.models import Document, EmbeddingModel, Namespace, Vector
from core.search.sync import sync
from core.search.verifying import Differences, Found
from tests.support.fake_source import FakeSource, HashEmbedder, check_ledger, model
from tests.support.index_damage import (
    FORGOTTEN,
    IN_PGVECTOR,
    IN_PINECONE,
    IN_THE_DATABASE,
    OTHER,
    Damage,
    changed_without_need,
    contents,
    snapshot,
    sql,
    store,
    unique_again,
)
from tests.support.kill_points import survives
from tests.support.pinecone_twin import Twin

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> FakeSource:
    """Return a source with one document."""
    source = FakeSource(**{OTHER: "other"})
    monkeypatch.setattr("core.management.commands.verify_index.document_sources", lambda: [source])
    monkeypatch.setattr("core.search.verifying.SETTLING", 0)
    monkeypatch.setattr("core.search.verifying.MAX_LISTED", 1_000)
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


def index_for(damages: Sequence[Damage], notes: FakeSource) -> dict[str, Damage]:
    """Index a document for each damage, and return the damages by the external id of their document."""
    names = {f"note{n:02}": damage for n, damage in enumerate(damages)}
    notes.write(**{name: f"{name} one|{name} two|{name} three" for name in names})
    sync([notes])
    notes.delete(*(name for name, damage in names.items() if damage.deleted))
    sync([notes])
    assert verify(deep=True)[0] == 0
    return names


def found(damages: dict[str, Damage], report: dict[str, Any]) -> dict[str, bool]:
    """Return whether each damage was found, by its name."""
    kinds = {kind: of_kind["names"] for kind, of_kind in report["kinds"].items()}
    return {
        damage.name: any(name.startswith(damage.finds or document) for name in kinds.get(damage.kind, []))
        for document, damage in damages.items()
    }


def check_damages(
    damages: Sequence[Damage], notes: FakeSource, embedder: HashEmbedder, twin: Twin | None = None
) -> None:
    """Damage one document in each way, and check what is found, repaired, embedded and written."""
    names = index_for(damages, notes)
    clean, records = snapshot(), records_of(twin)
    for name, damage in names.items():
        damage.apply(name)
    damaged, wrong_records = snapshot(), records_of(twin)
    code, report = verify()
    assert found(names, report) == {damage.name: not damage.deep for damage in damages}
    assert code == 3
    code, report = verify(deep=True)
    assert found(names, report) == {damage.name: True for damage in damages}
    assert code == 3
    sent, seen = twin.count("vectors.upsert", "records_in") if twin else 0, len(embedder.seen)
    code, report = verify(repair=True, deep=True)
    assert report["kinds"] == {}
    assert (code, report["waiting"], report["failed"]) == (0, 0, 0)
    assert report["repaired"] >= len(damages)
    assert verify(deep=True)[1]["kinds"] == {}
    assert len(embedder.seen) - seen == sum(damage.embedded for damage in damages)
    repaired = snapshot()
    assert contents(repaired) == contents(clean)
    assert changed_without_need(clean, damaged, repaired, names) == []
    check_ledger(notes)
    if twin:
        assert records_of(twin) == records
        needed = [name for name, record in records.items() if wrong_records.get(name) != record]
        assert twin.count("vectors.upsert", "records_in") - sent == len(needed)


def records_of(twin: Twin | None) -> dict[tuple[str, str], Any]:
    """Return the hash and the metadata of each record in Pinecone, by namespace and id."""
    spaces = twin.rows() if twin else {}
    return {(space, row["id"]): (row["sha256"], row["metadata"]) for space, rows in spaces.items() for row in rows}


def test_every_damage_with_an_index_in_postgresql_is_repaired(notes: FakeSource, embedder: HashEmbedder) -> None:
    try:
        check_damages([*IN_THE_DATABASE, *IN_PGVECTOR], notes, embedder)
    finally:
        unique_again()


@pytest.mark.twin
def test_every_damage_with_an_index_in_pinecone_is_repaired(
    notes: FakeSource, embedder: HashEmbedder, pinecone: Twin
) -> None:
    EmbeddingModel.objects.create(fingerprint=FORGOTTEN)
    try:
        check_damages([*IN_THE_DATABASE, *IN_PINECONE], notes, embedder, pinecone)
    finally:
        unique_again()


@pytest.mark.twin
def test_namespaces_of_other_projects_are_reported_and_stay(
    notes: FakeSource, embedder: HashEmbedder, pinecone: Twin
) -> None:
    sync([notes])
    record = {"id": "boat#0000", "values": [1.0] + [0.0] * 7, "metadata": {}}
    store()._index.upsert(vectors=[record], namespace="prod-eu-hashed-first")
    code, report = verify(repair=True)
    assert (code, report["other_namespaces"]) == (0, ["prod-eu-hashed-first"])
    assert sorted(pinecone.rows()) == ["prod-eu-hashed-first", "prod-hashed-first"]


@pytest.mark.parametrize("step", [20, 45, 60, 75])
def test_a_killed_repair_is_completed_by_the_next(notes: FakeSource, embedder: HashEmbedder, step: int) -> None:
    names = index_for([*IN_THE_DATABASE[:1], *IN_PGVECTOR], notes)
    clean = contents(snapshot())
    for name, damage in names.items():
        damage.apply(name)
    assert not survives(step, lambda: verify(repair=True))
    code, report = verify(repair=True)
    assert (code, report["wrong"], report["waiting"]) == (0, 0, 0)
    assert contents(snapshot()) == clean


@pytest.mark.slow
def test_a_repair_that_is_killed_at_any_step_is_completed(notes: FakeSource, embedder: HashEmbedder) -> None:
    names = index_for([*IN_THE_DATABASE[:1], *IN_PGVECTOR], notes)
    clean = contents(snapshot())
    for step in itertools.count(1):
        for name, damage in names.items():
            damage.apply(name)
        ended = survives(step, lambda: verify(repair=True))
        assert verify(repair=True)[1]["wrong"] == 0
        assert contents(snapshot()) == clean
        EmbeddingModel.objects.filter(fingerprint="hashed/other").delete()
        if ended:
            break


def test_documents_of_a_removed_tracker_stay_in_the_report(notes: FakeSource, embedder: HashEmbedder) -> None:
    index_for(IN_PGVECTOR[:1], notes)
    Document.objects.update(source_system="removed")
    Vector.objects.filter(document__external_id="note00", ordinal=1).delete()
    for options in ({}, {"repair": True}, {}):
        code, report = verify(**options)
        assert (code, report["kinds"]["missing"]["names"]) == (3, ["note00#0001"])


def test_control_characters_of_names_are_visible() -> None:
    kinds = {"foreign": Found(count=21, names=["a\x1b[2Jb", "c\nd"])}
    result = Differences(documents=1, chunks=1, held=1, waiting=0, failed=0, kinds=kinds, other_namespaces=["\u202e"])
    lines = in_words(result, 0).splitlines()
    assert len(lines) == 3
    assert lines[1].endswith("and 19 more)")
    assert not {"\x1b", "\u202e"} & set("".join(lines))


def test_the_output_names_each_kind_and_the_next_step(notes: FakeSource, embedder: HashEmbedder) -> None:
    names = index_for(IN_PGVECTOR[:1], notes)
    sql("DELETE FROM core_vector WHERE {chunk}")(*names)
    out = StringIO()
    call_command("verify_index", stdout=out)
    assert out.getvalue().splitlines() == [
        "1 difference in 2 documents; run verify_index --repair",
        "  vectors missing in the index: 1 (note00#0001)",
    ]
    out = StringIO()
    call_command("verify_index", repair=True, stdout=out)
    assert out.getvalue() == "the index matches the ledger: 2 documents, 4 chunks; 1 repaired\n"
    assert (Vector.objects.count(), Namespace.objects.count()) == (4, 1)
