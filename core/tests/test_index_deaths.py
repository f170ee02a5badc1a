"""Tests that the next run completes the index if a sync or a switch was killed at any step."""

import itertools
import time
from collections.abc import Callable, Iterator

import pytest
from django.test.utils import override_settings

from core.models import Namespace
from core.search.namespaces import serving
from core.search.switching import switch
from core.search.sync import sync
from core.search.verifying import differences
from tests.support.fake_source import FakeSource, check_ledger, model, vector_hashes
from tests.support.kill_points import survives
from tests.support.pinecone_twin import Twin

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "|".join(f"passage {n}" for n in range(5))


@pytest.fixture(params=["pgvector", pytest.param("pinecone", marks=pytest.mark.twin)])
def index(request: pytest.FixtureRequest) -> Iterator[Twin | None]:
    """Configure pgvector or Pinecone as the index. Yield the fake Pinecone server, or ``None`` for pgvector."""
    if request.param == "pgvector":
        yield None
        return
    twin: Twin = request.getfixturevalue("twin")
    with override_settings(VECTOR_INDEX="pinecone", PINECONE_HOST=twin.url, PINECONE_API_KEY="a-key-of-tests"):
        yield twin


def run_until_in_step(act: Callable[[], bool]) -> None:
    """Repeat ``act`` until it returns true, for at most 10 seconds.

    One call may not be enough, because the database can hold the locks of a killed process for a moment.
    """
    until = time.monotonic() + 10
    while not act():
        assert time.monotonic() < until
        time.sleep(0.02)


def check(notes: FakeSource, twin: Twin | None) -> None:
    check_ledger(notes)
    target = serving()
    assert target is not None
    if twin is not None:
        rows = twin.rows()
        assert list(rows) == [target.namespace.name]
        assert {row["id"]: row["sha256"] for row in rows[target.namespace.name]} == vector_hashes()
        assert {row["id"]: row["metadata"]["text"] for row in rows[target.namespace.name]} == notes.chunks()
        assert {row["metadata"]["container"] for row in rows[target.namespace.name]} == {notes.scope.name}
    assert sorted(target.index.list_ids()) == sorted(notes.chunks())
    assert differences(target).wrong == 0


def change(notes: FakeSource, turn: int) -> None:
    """Add, edit, lengthen or shorten, and delete or restore documents. Every fifth turn also renames the scope."""
    notes.write(edited=f"edited {turn}|same", sized=LONG if turn % 2 else "short", **{f"new{turn}": "new"})
    notes.delete(f"new{turn - 1}")
    if turn % 2:
        notes.delete("gone")
    else:
        notes.write(gone="back|again")
    if turn % 5 == 0:
        notes.scope.name = f"notes/{turn}"
        notes.rename(notes.scope.name)


def kill_and_sync_again(notes: FakeSource, index: Twin | None, step: int) -> bool:
    """Change the documents, kill a sync at ``step``, and check the index after the next sync.

    Return whether the first sync ended before it reached the step.
    """
    change(notes, step)
    ended = survives(step, lambda: sync([notes]))
    run_until_in_step(lambda: not sync([notes]).remaining)
    check(notes, index)
    return ended


def test_a_sync_that_is_killed_at_some_steps_is_mended_by_the_next() -> None:
    with model("first"):
        notes = FakeSource(edited="one|same", sized=LONG, gone="here", still="unchanged")
        assert not any(kill_and_sync_again(notes, None, step) for step in (2, 9, 15))


@pytest.mark.slow
def test_a_sync_that_is_killed_at_any_step_is_mended_by_the_next(index: Twin | None) -> None:
    with model("first"):
        notes = FakeSource(edited="one|same", sized=LONG, gone="here", still="unchanged")
        steps = next(step for step in itertools.count(1) if kill_and_sync_again(notes, index, step))
    assert steps > 20


@pytest.mark.slow
def test_a_switch_that_is_killed_at_any_step_goes_on(index: Twin | None) -> None:
    notes = FakeSource(some="one|two", sized=LONG)
    with model("first"):
        sync([notes])
    for step in itertools.count(1):
        name = "second" if step % 2 else "first"
        with model(name) as new:
            ended = survives(step, lambda: switch([notes]))
            notes.write(some=f"edited {step}|two")  # edit a document while no switch is running
            run_until_in_step(lambda: switch([notes]).switched)
            assert serving_model() == new.info.fingerprint
            run_until_in_step(lambda: not sync([notes]).remaining)
            check(notes, index)
            assert Namespace.objects.count() == 1
        if ended:
            break
    assert step > 20  # pyright: ignore[reportPossiblyUnboundVariable]


def serving_model() -> str:
    target = serving()
    assert target is not None
    return target.namespace.embedder
