"""Tests of pages that are written together. The stored rows must be the same as after separate writes."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.db import DataError

from core.models import Activity, Checkpoint, Document, Scope
from discord_activity_tracker.collector.reader import Job, PageReader
from discord_activity_tracker.convert.messages import convert_messages
from discord_activity_tracker.fetch.messages import RawMessagePage
from discord_activity_tracker.models import Account, Channel, FormerName, Message
from discord_activity_tracker.protocol_impl import DiscordState
from discord_activity_tracker.store.guilds import scopes_without_messages
from discord_activity_tracker.store.messages import PageWrite, store_messages
from discord_activity_tracker.tests.test_hooks import another
from tests.support.activities import shown_activities
from tests.support.discord_fixtures import (
    CHANNEL,
    GUILD,
    NOW,
    THREAD,
    at,
    make_guild,
    message,
    person,
    place,
)

pytestmark = pytest.mark.django_db


def page_write(items: Sequence[Any], channel: int = CHANNEL) -> PageWrite:
    """Return a ``PageWrite`` for a page of messages. The checkpoint is the id of the newest message on the page."""
    page = convert_messages(items, GUILD, channel)
    newest = str(max((row["id"] for row in page.rows), default=0))
    return PageWrite(page=page, location=place(channel), states={"messages": DiscordState(checkpoint_token=newest)})


@pytest.fixture(autouse=True)
def guild() -> None:
    make_guild()


def stored_rows() -> list[Any]:
    """Return all rows that writing pages creates."""
    return [
        *Message.objects.order_by("pk").values_list("pk", "channel_id", "conversation", "content", "author_id"),
        *sorted((row.external_id, row.thread, row.actor_name, row.source_url) for row in shown_activities()),
        *Document.objects.order_by("external_id").values_list("external_id", "scope_id"),
        *Checkpoint.objects.order_by("scope", "stream").values_list("scope", "stream", "checkpoint_token"),
    ]


def test_pages_written_together_equal_pages_written_one_by_one() -> None:
    pages = [
        page_write([message(at(n)) for n in range(5)]),
        page_write([message(at(n), by="tobe") for n in range(20, 24)], THREAD),
        page_write([message(at(n), by="ann") for n in range(5, 9)]),
        page_write([], THREAD),
        page_write([message(at(n)) for n in range(200, 203)]),
    ]
    done = store_messages(pages, now=NOW)
    together = stored_rows()
    assert [stored.inserted for stored in done] == [5, 4, 4, 0, 3]
    for model in (Message, Activity, Document, Checkpoint):
        model.objects.all().delete()
    for page in pages:
        store_messages([page], now=NOW)
    assert stored_rows() == together


def test_statements_do_not_depend_on_the_number_of_pages(django_assert_max_num_queries: Any) -> None:
    store_messages([page_write([message(at(0))])], now=NOW)
    pages = [page_write([message(at(n))]) for n in range(1, 13)]
    with django_assert_max_num_queries(9):
        store_messages(pages, now=NOW)


def test_rename_between_two_pages_updates_both_and_stores_the_old_name() -> None:
    before = message(at(0))
    after = message(at(1)) | {"author": person("mirela", global_name="Mira")}
    store_messages([page_write([before]), page_write([after])], now=NOW)
    assert {row.actor_name for row in shown_activities()} == {"Mira"}
    assert list(FormerName.objects.values_list("global_name", flat=True)) == ["Mirela"]
    assert Account.objects.count() == 1


def test_only_a_new_name_requests_a_reindex_of_a_persons_conversations() -> None:
    store_messages([page_write([message(at(0))])], now=NOW)
    versions = []
    for author in ({"avatar": "a" * 32}, {"avatar": "b" * 32}, {"avatar": "b" * 32, "global_name": "Mira"}):
        other = message(at(200)) | {"author": person("mirela", **author)}
        store_messages([page_write([other], THREAD)], now=NOW)
        versions.append(Document.objects.get(external_id__endswith=f":{at(0)}").version)
    assert versions == [1, 1, 2]


def test_page_that_fails_does_not_affect_others() -> None:
    good, bad = page_write([message(at(0))]), page_write([message(at(50))], THREAD)
    broken = [replace(record, row={**record.row, "type": 1 << 40}) for record in bad.page.records]
    with pytest.raises(DataError):
        store_messages([good, replace(bad, page=replace(bad.page, records=broken))], now=NOW)
    assert list(Message.objects.values_list("pk", flat=True)) == [at(0)]
    assert list(Checkpoint.objects.values_list("scope", flat=True)) == [str(CHANNEL)]


def test_unexpected_error_does_not_lose_earlier_pages() -> None:
    container = SimpleNamespace(location=place(), name="harbour", scope=f"{GUILD}/{CHANNEL}")
    job = Job(container=cast("Any", container), after=0, states=lambda _page, _end: {})
    items = [message(at(0))]
    page = RawMessagePage(items=items, after=0, requested_at=NOW, last=False)
    reader = PageReader(cast("Any", None), threads=set(), malformed={})
    batch = [(job, (page, convert_messages(items, GUILD, CHANNEL))), (job, RuntimeError("a bug"))]
    with pytest.raises(RuntimeError, match="a bug"):
        list(reader.store_batch(batch, "messages"))
    assert list(Message.objects.values_list("pk", flat=True)) == [at(0)]


def test_forum_without_posts_is_complete_but_hidden_channel_is_not() -> None:
    another(1, access="no_view", gap="is hidden from the bot: grant VIEW_CHANNEL")
    another(2, access="no_messages")
    another(3, access="no_messages")
    scopes = {
        pk: Scope.objects.create(source_system="discord", external_id=f"{GUILD}/{pk}", name=str(pk)).pk
        for pk in (1, 2, 3)
    }
    Channel.objects.filter(pk=THREAD).update(parent_id=3)
    assert scopes_without_messages(GUILD) == {scopes[2]}
