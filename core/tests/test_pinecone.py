"""Tests of the Pinecone index with a fake Pinecone server: failures, and the requests that the index sends."""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test.utils import override_settings

from core.errors import AccessDenied, ConfigurationError, ReplaceToken, SourceUnavailable, exit_code_for
from core.models import Embedding, IndexEntry
from core.search.filters import Filters
from core.search.namespaces import Target, serving
from core.search.repairing import queue_repair
from core.search.sync import sync
from core.search.verifying import differences
from tests.support.fake_source import NOW, FakeSource, check_ledger, model, vector_hashes
from tests.support.pinecone_twin import Twin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.twin]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the pauses between the attempts of Pinecone's client library."""
    monkeypatch.setattr("pinecone._internal.http_client._retry_sleep", lambda seconds: None)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]


@pytest.fixture
def here(twin: Twin) -> Iterator[Twin]:
    """Configure the fake Pinecone server and a fast embedder. Yield the server."""
    here = {"VECTOR_INDEX": "pinecone", "PINECONE_HOST": twin.url, "PINECONE_API_KEY": "a-key-of-tests"}
    with override_settings(**here, PINECONE_NAMESPACE="prod"), model("first"):
        yield twin


def target() -> Target:
    found = serving()
    assert found is not None
    return found


def held(twin: Twin) -> dict[str, str]:
    """Return the hashes of the records in the only namespace, by record id."""
    (rows,) = twin.rows().values() or [[]]
    return {row["id"]: row["sha256"] for row in rows}


def test_records_can_be_read_without_the_database(here: Twin) -> None:
    sync([FakeSource(boat="The ferry leaves|at noon")])
    rows = here.rows()
    assert list(rows) == ["prod-hashed-first"]
    assert [row["id"] for row in rows["prod-hashed-first"]] == ["boat#0000", "boat#0001"]
    metadata = rows["prod-hashed-first"][0]["metadata"]
    known = {"text": "The ferry leaves", "title": "boat", "url": "https://example.org", "source": "notes"}
    known |= {"document_kind": "note", "author": "ada", "document_author": "Ada", "container": "notes/all"}
    known |= {"thread_id": "boat", "ordinal": 0, "visibility": "public", "container_id": "1", "date": "2026-01-01"}
    assert known.items() <= metadata.items()
    assert metadata["occurred_at"] == NOW.timestamp()
    assert held(here) == vector_hashes()


def test_an_unchanged_run_makes_no_requests(here: Twin) -> None:
    notes = FakeSource(boat="one|two")
    sync([notes])
    before = here.count("vectors.upsert") + here.count("vectors.delete")
    notes.enqueue("boat")
    assert sync([notes]).chunks_embedded == 0
    assert here.count("vectors.upsert") + here.count("vectors.delete") == before


def test_only_the_changed_one_of_two_hundred_comments_is_sent(here: Twin) -> None:
    comments = [f"comment {n}" for n in range(200)]
    notes = FakeSource(thread="|".join(comments))
    sync([notes])
    comments[77] = "I have changed my mind"
    notes.write(thread="|".join(comments))
    before = here.count("vectors.upsert", "records_in")
    result = sync([notes])
    assert (result.chunks_embedded, result.chunks_sent) == (1, 1)
    assert here.count("vectors.upsert", "records_in") == before + 1
    assert held(here) == vector_hashes()


def test_moving_from_postgresql_embeds_nothing(here: Twin) -> None:
    notes = FakeSource(boat="one|two", crash="three")
    with override_settings(VECTOR_INDEX="pgvector"):
        assert sync([notes]).chunks_embedded == 3
    result = sync([notes])
    assert (result.chunks_embedded, result.chunks_sent) == (0, 3)
    assert held(here) == vector_hashes()


def test_a_refused_document_fails_alone(here: Twin) -> None:
    notes = FakeSource(**{f"n{n}": f"text {n}|more" for n in range(20)})
    here.fault(kind="reject_id", id="n7#0001")
    result = sync([notes])
    assert (result.documents, result.failed, result.remaining) == (19, 1, 1)
    entry = IndexEntry.objects.get(state="failed")
    assert entry.document.external_id == "n7"
    assert "n7#0001" in entry.last_error
    assert entry.next_try_at is not None
    assert sync([notes]).documents == 0  # too early for the next attempt
    here.call("faults", {})
    IndexEntry.objects.update(next_try_at=NOW)
    assert sync([notes]).remaining == 0
    check_ledger(notes)
    assert held(here) == vector_hashes()


def test_a_revoked_key_stops_the_run_and_nothing_is_lost(here: Twin) -> None:
    notes = FakeSource(boat="one")
    sync([notes])
    here.fault(kind="unauthorised")
    notes.write(boat="two", crash="three")
    with pytest.raises(ReplaceToken, match="PINECONE_API_KEY") as raised:
        sync([notes])
    assert exit_code_for(raised.value) == 2
    assert "a-key-of-tests" not in str(raised.value)
    here.call("faults", {})
    assert sync([notes]).chunks_embedded == 0  # the vectors are stored
    check_ledger(notes)
    assert held(here) == vector_hashes()


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [(402, "pay", AccessDenied), (403, "read only", AccessDenied), (503, "overloaded", SourceUnavailable),
     (429, "You have reached your write unit limit for the current month", AccessDenied)],
)  # fmt: skip
def test_an_error_about_every_document_stops_the_run(
    here: Twin, status: int, message: str, error: type[Exception]
) -> None:
    notes = FakeSource(boat="one", crash="two")
    here.fault(kind="status", status=status, message=message, route="vectors.upsert")
    with pytest.raises(error):
        sync([notes])
    assert not IndexEntry.objects.filter(state="failed").exists()
    here.call("faults", {})
    sync([notes])
    check_ledger(notes)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_broken_connection_is_restored(here: Twin, when: str) -> None:
    """Check that syncs recover from a connection that breaks before or after Pinecone has stored the data."""
    notes = FakeSource(boat="one|two|three")
    here.fault(kind="reset", when=when, route="vectors.*", probability=0.4, seed=3)
    for turn in range(4):
        notes.write(boat="|".join("abcde"[: turn + 1]), crash=f"{turn}")
        notes.write(boat="one")
        for _ in range(10):
            try:
                sync([notes])
                break
            except SourceUnavailable:
                continue
    here.call("faults", {})
    sync([notes])
    check_ledger(notes)
    assert held(here) == vector_hashes()


def test_a_tenth_of_all_requests_may_fail(here: Twin) -> None:
    notes = FakeSource(**{f"n{n}": f"text {n}" for n in range(5)})
    here.fault(kind="status", status=429, retry_after=0, route="*", probability=0.05, seed=1)
    here.fault(kind="status", status=503, route="*", probability=0.05, seed=2)
    for turn in range(15):
        notes.write(n1="|".join(str(k) for k in range(turn % 4 + 1)))
        sync([notes])
    assert here.call("stats")["faults_fired"]
    check_ledger(notes)
    assert held(here) == vector_hashes()


def test_an_emptied_namespace_is_filled_again(here: Twin) -> None:
    notes = FakeSource(boat="one|two", crash="three")
    sync([notes])
    here.fault(kind="wipe", namespace="prod-hashed-first")
    embedded = Embedding.objects.count()
    assert differences_now().gaps == 3
    assert queue_repair(target()) == 2
    sync([notes])
    assert held(here) == vector_hashes()
    assert Embedding.objects.count() == embedded
    assert differences_now().wrong == 0


def test_orphans_and_foreign_ids_are_found_and_removed(here: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = FakeSource(boat="one|two")
    sync([notes])
    for name in ("boat#0007", "unknown#0000", "a foreign id"):
        record: dict[str, Any] = {"id": name, "values": [1.0] + [0.0] * 7, "metadata": {}}
        target().index.store.upsert([record])  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setattr("core.search.verifying.SETTLING", 0)
    monkeypatch.setattr("core.management.commands.verify_index.document_sources", lambda: [notes])
    out = StringIO()
    call_command("verify_index", repair=True, json=True, stdout=out)
    assert '"wrong": 0' in out.getvalue()
    assert held(here) == vector_hashes()


def differences_now() -> Any:
    from core.search import verifying

    verifying.SETTLING, before = 0.0, verifying.SETTLING
    try:
        return differences(target())
    finally:
        verifying.SETTLING = before


def test_an_index_of_another_dimension_is_refused_at_first(here: Twin) -> None:
    notes = FakeSource(boat="one")
    sync([notes])
    with model("wide", 16), override_settings(PINECONE_NAMESPACE="other"):
        with pytest.raises(ConfigurationError, match="dimension 8") as raised:
            sync([notes])
        assert exit_code_for(raised.value) == 2
        other: Any = override_settings(PINECONE_INDEX="another", PINECONE_NAMESPACE="other")
        assert other is not None
    assert IndexEntry.objects.count() == 1


def test_a_key_is_required(here: Twin) -> None:
    with override_settings(PINECONE_API_KEY=""), pytest.raises(ConfigurationError, match="PINECONE_API_KEY"):
        sync([FakeSource(boat="one")])


def test_waiting_ends_when_queries_see_every_write(here: Twin) -> None:
    notes = FakeSource(boat="one|two", crash="three")
    here.call("settings", {"visible_delay": 0.4})
    assert sync([notes], wait=5).fresh
    assert target().index.describe().vectors == 3
    notes.delete("boat")
    assert sync([notes], wait=5).fresh
    assert sorted(target().index.list_ids()) == ["crash#0000"]
    notes.write(crash="another")
    here.call("settings", {"visible_delay": 30})
    assert not sync([notes], wait=0.2).fresh


@pytest.mark.parametrize("index", ["pgvector", "pinecone"])
def test_both_indexes_filter_alike(here: Twin, index: str) -> None:
    notes = FakeSource(boat="one", crash="two")
    with override_settings(VECTOR_INDEX=index):
        sync([notes])
        found = target()
        vector = found.embedder.embed(["one"], "query")[0]

        def count(**filters: Any) -> int:
            return len(found.index.query(vector, Filters(**filters), 10))

        day = timedelta(days=1)
        assert count() == count(source="notes", kind="note", scope="NOTES/all", author="ADA", since=NOW) == 2
        assert count(until=NOW) == count(scope="notes_all") == count(author="bob") == count(kind="issue") == 0
        assert count(since=NOW - day, until=NOW + day) == 2
        notes.scope.name = "notes/renamed"
        notes.rename("notes/renamed")
        sync([notes])
        assert (count(scope="notes/renamed"), count(scope="notes/all")) == (2, 0)
        nearest = found.index.query(found.embedder.embed(["boat · ada · 2026-01-01\none"], "query")[0], Filters(), 1)
        assert [(match.vector_id, round(match.score, 2)) for match in nearest] == [("boat#0000", 1.0)]


def test_large_batches_are_split_by_bytes_and_after_refusals(here: Twin) -> None:
    notes = FakeSource(**{f"n{n}": "|".join(f"{k} " + "word " * 150 for k in range(40)) for n in range(4)})
    here.call("settings", {"max_request_bytes": 50_000})
    sync([notes])
    check_ledger(notes)
    assert held(here) == vector_hashes()
    assert here.call("stats")["routes"]["vectors.upsert"]["statuses"].get("413")
