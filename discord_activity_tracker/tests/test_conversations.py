"""Tests of the grouping of messages into conversations, which must not depend on the order of arrival."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.models import Activity, Document, IndexEntry, Namespace
from discord_activity_tracker.models import Guild, Message
from discord_activity_tracker.store import conversations
from tests.support.discord_fixtures import CHANNEL, THREAD, at, document, make_guild, message, store

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def guild() -> None:
    make_guild()
    Namespace.objects.create(index="pgvector", name="words", embedder="none", dimension=1, state="serving")


def kept(channel: int = CHANNEL) -> dict[int, int]:
    return dict(Message.objects.filter(channel_id=channel).values_list("pk", "conversation"))


def cut(ids: Sequence[int], most: int, gap_minutes: float | None) -> dict[int, int]:
    """Return the conversation of each message, by message id. This is a simple implementation of the grouping rule."""
    found: dict[int, int] = {}
    run: list[int] = []
    for pk in sorted(ids):
        apart = bool(run) and gap_minutes is not None and (pk - run[-1] >> 22) >= gap_minutes * 60_000
        if apart or len(run) >= most:
            run = []
        run.append(pk)
        found[pk] = run[0]
    return found


def marked() -> set[str]:
    """Return the documents in the index queue, and clear the queue."""
    waiting = IndexEntry.objects.filter(state="dirty")
    names = set(waiting.values_list("document__external_id", flat=True))
    waiting.update(state="clean")
    return names


def test_gap_of_half_an_hour_starts_a_new_conversation() -> None:
    store([message(at(m)) for m in (0, 29, 58.99, 89, 100)])
    assert set(kept().values()) == {at(0), at(89)}


def test_thread_is_one_conversation_despite_gaps() -> None:
    store([message(at(m)) for m in (0, 5000, 90_000)], channel=THREAD)
    assert set(kept(THREAD).values()) == {at(0)}


def test_conversation_is_closed_at_maximum_size() -> None:
    store([message(at(n / 10)) for n in range(conversations.MOST)])
    store([message(at(20))])
    assert kept()[at(20)] == at(20)


def test_late_message_joins_conversations_that_it_connects() -> None:
    store([message(at(0)), message(at(50))])
    assert kept() == {at(0): at(0), at(50): at(50)}
    marked()
    store([message(at(25))])
    assert set(kept().values()) == {at(0)}
    assert marked() == {document(at(0)), document(at(50))}
    assert Document.objects.get(external_id=document(at(50))).deleted_at
    assert set(Activity.objects.values_list("thread", flat=True)) == {document(at(0))}


def test_late_message_far_away_changes_no_conversation() -> None:
    store([message(at(500)), message(at(510))])
    marked()
    store([message(at(0))])
    assert marked() == {document(at(0))}


def test_deletion_changes_no_conversation() -> None:
    store([message(at(m)) for m in (0, 20, 40)])
    store([], gone=[at(20)])
    store([message(at(60))])
    assert set(kept().values()) == {at(0)}


def test_stored_messages_need_no_query_for_conversations(django_assert_num_queries: Any) -> None:
    rows = [{"id": at(0)}]
    with django_assert_num_queries(0):
        assert conversations.assign_conversations(rows, {at(0): {"conversation": 7}}, location=None) == {at(0): 7}  # pyright: ignore[reportArgumentType]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    minutes=st.lists(st.integers(0, 400), unique=True, min_size=1, max_size=25),
    pages=st.lists(st.integers(0, 4), min_size=25, max_size=25),
    most=st.integers(1, 6),
    channel=st.sampled_from([CHANNEL, THREAD]),
)
def test_order_of_arrival_does_not_matter(
    minutes: list[int], pages: list[int], most: int, channel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "MOST", most)
    monkeypatch.setattr(conversations, "STEP", 3)
    Message.objects.all().delete()
    Document.objects.all().delete()
    Activity.objects.all().delete()
    for page in range(5):
        items = [message(at(m)) for m, of in zip(minutes, pages, strict=False) if of == page]
        store(items, channel=channel)
    wanted = cut([at(m) for m in minutes], most, None if channel == THREAD else 30)
    assert kept(channel) == wanted
    threads = {
        int(name.rpartition(":")[2]): thread for name, thread in Activity.objects.values_list("external_id", "thread")
    }
    assert threads == {pk: document(talk, channel) for pk, talk in wanted.items()}
    alive = Document.objects.filter(deleted_at=None).values_list("external_id", flat=True)
    assert set(alive) == {document(talk, channel) for talk in wanted.values()}
    assert Guild.objects.count() == 1
