"""Tests of the output and exit codes of sync_index, verify_index, switch_embedder and build_hnsw."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command, load_command_class
from django.db import connection
from django.test.utils import override_settings

from core.errors import ConfigurationError, ScopeBusy, exit_code_for
from core.models import Chunk, Document, IndexEntry, Namespace, Vector
from core.search.filters import Filters
from core.search.namespaces import serving
from core.search.queue import claim_documents
from core.search.repairing import queue_repair
from core.search.verifying import differences
from tests.support.fake_source import NOW, FakeSource, check_ledger, model

pytestmark = pytest.mark.django_db(transaction=True)
Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSource]:
    """Store three documents that are not indexed yet, and yield their source."""
    with model("first"):
        found = FakeSource(boat="one|two", crash="three", tide="four")
        for name in ("sync_index", "verify_index", "switch_embedder"):
            place = f"core.management.commands.{name}.document_sources"
            monkeypatch.setattr(place, lambda source=None: [found])  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
        yield found


def run(name: str, **options: Any) -> tuple[int, dict[str, Any]]:
    """Run a command, and return its exit code and its JSON output."""
    command, out = load_command_class("core", name), StringIO()
    call_command(command, **options, json=True, stdout=out)
    return getattr(command, "exit_code", 0), json.loads(out.getvalue())


def test_a_complete_sync_exits_with_0(notes: FakeSource) -> None:
    code, report = run("sync_index")
    assert (code, report["documents"], report["chunks_embedded"], report["remaining"]) == (0, 3, 4, 0)
    code, report = run("sync_index", wait=1.0)
    assert (code, report["documents"], report["chunks_sent"], report["fresh"]) == (0, 0, 0, True)


def test_a_sync_without_time_exits_with_3_and_the_next_continues(notes: FakeSource) -> None:
    code, report = run("sync_index", max_seconds=0.0)
    assert (code, report["remaining"]) == (3, 3)
    assert run("sync_index")[0] == 0
    check_ledger(notes)


def test_a_sync_of_documents_that_others_claimed_exits_with_75(notes: FakeSource) -> None:
    documents = list(Document.objects.values_list("pk", flat=True))
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(7310, id) FROM unnest(%s::int[]) AS id", [documents])
        code, report = run("sync_index")
        assert (code, report["held"], report["documents"]) == (75, 3, 0)
        # release the locks explicitly: the server releases the locks of a closed connection only after a delay
        cursor.execute("SELECT pg_advisory_unlock_all()")
    assert run("sync_index")[0] == 0


def test_claims_end_with_the_session(notes: FakeSource) -> None:
    documents = list(Document.objects.values_list("pk", flat=True))
    with claim_documents(documents) as mine:
        assert mine == documents
        with closing(connection.copy()) as other, other.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(7310, %s)", [documents[0]])
            assert cursor.fetchone() == (False,)


def test_wrong_settings_exit_with_2(notes: FakeSource) -> None:
    with override_settings(VECTOR_INDEX="pinecone", PINECONE_API_KEY=""), pytest.raises(ConfigurationError) as raised:
        run("sync_index")
    assert exit_code_for(raised.value) == 2


def test_an_index_in_step_is_verified_with_0(notes: FakeSource) -> None:
    assert run("verify_index")[0] == 0  # nothing is indexed yet
    run("sync_index")
    code, report = run("verify_index")
    assert (code, report["documents"], report["chunks"], report["held"], report["wrong"]) == (0, 3, 4, 4, 0)


@pytest.mark.parametrize(
    ("damage", "difference"),
    [
        (lambda: Vector.objects.filter(document__external_id="boat", ordinal=1).delete(), "gaps"),
        (lambda: Vector.objects.all().delete(), "gaps"),
        (lambda: Vector.objects.filter(document__external_id="boat", ordinal=1).update(ordinal=9), "orphans"),
        (lambda: IndexEntry.objects.filter(document__external_id="tide").delete(), "stale"),
        (lambda: Chunk.objects.filter(document__external_id="tide").delete(), "stale"),
        (lambda: Document.objects.filter(external_id="tide").update(version=9), "stale"),
    ],
)
def test_damage_is_reported_and_repaired(notes: FakeSource, damage: Callable[[], object], difference: str) -> None:
    run("sync_index")
    damage()
    code, report = run("verify_index")
    assert code == 3
    assert report[difference] > 0
    code, report = run("verify_index", repair=True)
    assert (code, report["wrong"]) == (0, 0)
    assert report["repaired"] > 0
    check_ledger(notes)
    assert Vector.objects.count() == 4


def test_the_next_repair_completes_an_interrupted_one(notes: FakeSource) -> None:
    run("sync_index")
    Vector.objects.all().delete()
    target = serving()
    assert target is not None
    differences(target)
    queue_repair(target)  # as if the process ended here
    code, printed = run("verify_index", repair=True)
    assert (code, printed["wrong"], printed["waiting"]) == (0, 0, 0)
    check_ledger(notes)
    assert Vector.objects.count() == 4


def test_a_refused_document_exits_with_3_and_the_others_are_indexed(notes: FakeSource) -> None:
    notes.write(boat="x" * 100, **{"n" * 190: "long", "é" * 190: "too long an id when it is escaped"})
    code, report = run("sync_index")
    assert (code, report["failed"], report["remaining"]) == (3, 1, 1)
    assert "characters" in IndexEntry.objects.get(state="failed").last_error
    assert run("verify_index")[0] == 3


def test_a_switch_embeds_each_text_once_and_drops_the_old(notes: FakeSource) -> None:
    run("sync_index")
    with model("second", 16) as new:
        notes.write(boat="one|changed")
        code, report = run("switch_embedder")
        assert (code, report["switched"], report["chunks_embedded"], report["dropped"]) == (0, True, 4, 1)
        assert len(new.seen) == 4
        assert [n.embedder for n in Namespace.objects.all()] == [new.info.fingerprint]
        check_ledger(notes)
        assert Vector.objects.count() == 4
        assert run("switch_embedder")[1]["chunks_embedded"] == 0
    with model("first"):
        assert run("switch_embedder")[1]["chunks_embedded"] == 1  # the vectors of the old model are still stored


def test_the_old_model_serves_and_syncs_during_a_switch(notes: FakeSource) -> None:
    run("sync_index")
    with model("second"):
        code, report = run("switch_embedder", max_seconds=0.0)
        assert (code, report["switched"], report["remaining"]) == (3, False, 3)
        notes.write(tide="five")
        assert run("sync_index")[1]["chunks_embedded"] == 1
        target = serving()
        assert target is not None
        assert target.embedder.info.fingerprint == "hashed/first"
        assert run("switch_embedder")[0] == 0
        check_ledger(notes)


def test_an_abandoned_switch_is_removed(notes: FakeSource) -> None:
    run("sync_index")
    with model("second"):
        run("switch_embedder", max_seconds=0.0)
    with model("first"):
        assert run("switch_embedder")[1]["dropped"] == 1
    assert Namespace.objects.count() == 1
    assert IndexEntry.objects.count() == 3


def test_two_switches_exclude_each_other(notes: FakeSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.management.commands.switch_embedder.scope_lock", lambda *names: nullcontext(False))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    with pytest.raises(ScopeBusy) as raised:
        run("switch_embedder")
    assert raised.value.exit_code == 75


def test_hnsw_finds_what_an_exact_scan_finds(notes: FakeSource) -> None:
    run("sync_index")
    target = serving()
    assert target is not None
    vector = target.embedder.embed(["three"], "query")[0]
    exact = [target.index.query(vector, filters, 10) for filters in (Filters(since=NOW), Filters())]
    for options in ({}, {"drop": True}):
        call_command("build_hnsw", stdout=StringIO(), **options)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'core_embedding_hnsw%'")
            assert cursor.fetchone() == (0 if options else 1,)
        assert [target.index.query(vector, filters, 10) for filters in (Filters(since=NOW), Filters())] == exact
