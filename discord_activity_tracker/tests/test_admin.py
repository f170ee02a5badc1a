"""Tests of the admin pages: constant number of SQL statements, context of a message, and escaped text."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from discord_activity_tracker.admin.filters import KindFilter
from discord_activity_tracker.models import Account, Channel, Guild, Message, Reactor, Revision
from tests.support.discord_fixtures import (
    CHANNEL,
    GUILD,
    PEOPLE,
    THREAD,
    at,
    make_guild,
    message,
    store,
)

pytestmark = pytest.mark.django_db
OURS = [m for m in admin.site._registry if m._meta.app_label == "discord_activity_tracker"]
THUMBS = {"emoji": {"id": None, "name": "👍"}, "count": 2}
OF_A_THREAD: dict[str, Any] = {"guild_id": GUILD, "parent_id": CHANNEL, "type": 11, "is_thread": True}
HOSTILE = "<script>alert(1)</script> \u202egnp.exe {} {0} %s </bdi></blockquote>"


@pytest.fixture(autouse=True)
def guild() -> None:
    make_guild()
    answer: dict[str, Any] = {"type": 19, "message_reference": {"message_id": str(at(1))}}
    store(
        [
            message(at(0), "The opening"),
            message(at(1), HOSTILE, attachments=[{"id": "1", "filename": HOSTILE, "size": 5}]),
            message(
                at(2), "The answer", by="ann", reactions=[{"emoji": {"id": None, "name": "👍"}, "count": 2}], **answer
            ),
        ]
    )
    store([message(at(3), "In the thread")], channel=THREAD)


def page(client: Client, model: Any, pk: object = None, **query: object) -> str:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    address = reverse(f"{name}_change", args=[pk]) if pk else reverse(f"{name}_changelist")
    answer = client.get(address, query)
    assert answer.status_code == 200, (model, query)
    return answer.content.decode()


def queries(client: Client, model: Any, pk: object = None, **query: object) -> int:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        page(client, model, pk, **query)
    return len(seen)


def grow() -> None:
    """Add many more rows around the messages of the fixture."""
    more = [message(at(4 + n / 60), f"more {n}", by=("tobe", "ann")[n % 2]) for n in range(60)]
    store(more)
    answer: dict[str, Any] = {"type": 19, "message_reference": {"message_id": str(at(1))}}
    store([message(at(20 + n), "again", **answer) for n in range(30)])
    for n in range(5):
        edited = f"2025-03-0{n + 2}T08:00:00+00:00"
        store([message(at(1), f"{HOSTILE} {n}", edited_timestamp=edited)])
    Channel.objects.bulk_create(
        Channel(
            id=THREAD + n, guild_id=GUILD, parent_id=CHANNEL, type=11, kind="public_thread", is_thread=True, gap="x"
        )
        for n in range(1, 30)
    )
    people = [Account(id=9000 + n, username=f"p{n}") for n in range(30)]
    Account.objects.bulk_create(people)
    Reactor.objects.bulk_create(Reactor(message_id=at(1), emoji="👍", account=person) for person in people)


@pytest.fixture
def client(admin_client: Client) -> Client:
    page(admin_client, Guild)  # fills the caches that each process fills only once
    return admin_client


def test_number_of_queries_does_not_depend_on_number_of_rows(client: Client) -> None:
    pages: list[tuple[Any, Any]] = [(model, None) for model in OURS]
    pages += [(Message, at(1)), (Message, at(2)), (Channel, CHANNEL), (Channel, THREAD), (Guild, GUILD)]
    pages += [(Account, PEOPLE["ann"])]
    little = {(model, pk): queries(client, model, pk) for model, pk in pages}
    grow()
    much = {(model, pk): queries(client, model, pk) for model, pk in pages}
    assert {key: n for key, n in much.items() if n > little[key]} == {}
    assert max(much.values()) <= 18


def test_filters_select_matching_messages(client: Client) -> None:
    store([], gone=[at(0)])
    expected = {
        ("guild", GUILD): {"opening", "answer", "thread"},
        ("channel", CHANNEL): {"opening", "answer", "thread"},
        ("channel", THREAD): {"thread"},
        ("kind", 19): {"answer"},
        ("kind", "unknown"): set(),
        ("deleted", "yes"): {"opening"},
        ("deleted", "no"): {"answer", "thread"},
        ("pinned__exact", 1): set(),
        ("days", 7): set(),
        ("days", "soon"): {"opening", "answer", "thread"},
        ("author__id__exact", PEOPLE["ann"]): {"answer"},
        ("q", "answer"): {"answer"},
    }
    texts = {"opening": "The opening", "answer": "The answer", "thread": "In the thread"}
    for (name, value), words in expected.items():
        shown = page(client, Message, **{name: value})
        assert {word for word, text in texts.items() if text in shown} == words, name


RAW = f"<@{PEOPLE['ann']}> see <#{CHANNEL}> <:gauge:41> <t:1740816000> **bold** `code`"
READ = "@Ann see #harbour :gauge: 01 March 2025 08:00 UTC bold code"


def test_lists_show_what_a_reader_reads(client: Client) -> None:
    Account.objects.filter(pk=PEOPLE["ann"]).update(global_name="Ann")
    store([message(at(6), RAW), message(at(7), "", type=7)])
    assert f"<bdi>{READ}</bdi>" in page(client, Message)
    assert "(joined the server)" in page(client, Message)
    assert f"<bdi>{READ}</bdi>" in page(client, Channel, CHANNEL), "latest messages"
    store([message(at(6), "Another", edited_timestamp="2025-03-02T08:00:00+00:00")])
    assert f"<bdi>{READ}</bdi>" in page(client, Revision)


def test_names_on_a_list_need_the_same_queries_for_many_rows(client: Client) -> None:
    store([message(at(6), RAW)])
    little = queries(client, Message)
    store([message(at(10 + n), f"{n} {RAW}") for n in range(40)])
    assert queries(client, Message) == little


def test_only_stored_kinds_can_be_chosen(client: Client) -> None:
    assert [name for _, name in KindFilter.lookups(None, None, None)] == ["message", "reply"]  # pyright: ignore[reportArgumentType]
    store([message(at(8), "", type=8), message(at(9), "x", type=99)])
    shown = page(client, Message)
    assert [name in shown for name in ("boost</a>", "message</a>", "unknown</a>", "call</a>")] == [True] * 3 + [False]


def test_message_page_shows_context(client: Client) -> None:
    grow()
    shown = page(client, Message, at(2))
    assert "The opening" in shown, "message before"
    assert "more 0" in shown, "message after"
    assert shown.count("gnp.exe") == 2, "replied message, also in the context"
    assert f"https://discord.com/channels/{GUILD}/{CHANNEL}/{at(2)}" in shown
    replied = page(client, Message, at(1))
    assert "The answer" in replied, "reply"
    assert "2025-03-02 08:00 to 2025-03-03 08:00 UTC" in replied, "earlier version"
    assert "<bdi>👍</bdi> <bdi>p7</bdi>" in replied, "who reacted"


def test_thread_page_shows_its_first_message(client: Client) -> None:
    Channel.objects.create(id=at(0), kind="public_thread", name="Opened", **OF_A_THREAD)
    store([message(at(5), "First")], channel=at(0))
    assert "The opening" in page(client, Message, at(5))
    assert "The opening" in page(client, Channel, at(0))
    assert "Opened" in page(client, Message, at(0)), "and the message shows the thread that it began"


def test_guild_page_lists_what_the_bot_cannot_read(client: Client) -> None:
    Channel.objects.filter(pk=CHANNEL).update(gap="grant READ_MESSAGE_HISTORY", access="no_history")
    assert "grant READ_MESSAGE_HISTORY" in page(client, Guild, GUILD)
    assert "grant READ_MESSAGE_HISTORY" in page(client, Channel, gap__isempty=0)


def test_hostile_text_is_escaped(client: Client) -> None:
    Channel.objects.filter(pk=CHANNEL).update(name=HOSTILE, topic=HOSTILE, gap=HOSTILE)
    Account.objects.filter(pk=PEOPLE["mirela"]).update(global_name=HOSTILE)
    for model, pk in [(Message, None), (Message, at(1)), (Channel, None), (Channel, CHANNEL), (Guild, GUILD)]:
        shown = page(client, model, pk)
        assert "<script>alert" not in shown
        assert "&lt;script&gt;alert" in shown
        assert "</bdi></blockquote></bdi>" not in shown


def test_only_enabled_can_be_changed(client: Client) -> None:
    for model in OURS:
        assert client.get(reverse(f"admin:discord_activity_tracker_{model._meta.model_name}_add")).status_code == 403
    address = reverse("admin:discord_activity_tracker_guild_change", args=[GUILD])
    assert client.post(address, {"name": "Another"}).status_code == 302
    guild = Guild.objects.get()
    assert (guild.name, guild.enabled) == ("Saltmarsh Works", False)
    address = reverse("admin:discord_activity_tracker_message_change", args=[at(0)])
    assert client.post(address, {"content": "Another"}).status_code == 403
