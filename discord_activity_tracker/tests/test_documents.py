"""Tests of rendering conversations for the search index."""

from typing import Any
from uuid import UUID

import pytest

from core.models import Chunk, IndexEntry
from core.search.documents import RenderedDocument
from core.search.indexes.base import vector_id
from core.search.sync import sync
from discord_activity_tracker.convert.message_text import message_text
from discord_activity_tracker.documents.markup import Names, names_in
from discord_activity_tracker.documents.posts import bodies
from discord_activity_tracker.documents.source import DiscordDocuments
from discord_activity_tracker.models import Channel, Role
from discord_activity_tracker.store.guilds import store_threads
from tests.support.discord_fixtures import (
    CHANNEL,
    GUILD,
    NOW,
    PEOPLE,
    THREAD,
    at,
    document,
    make_guild,
    message,
    store,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def guild() -> None:
    make_guild()


def rendered(*names: str) -> dict[str, RenderedDocument]:
    return {found.external_id: found for found in DiscordDocuments().render(names)}


def stored_hashes() -> dict[str, UUID]:
    rows = Chunk.objects.values_list("document__external_id", "ordinal", "text_hash")
    return {vector_id(external_id, ordinal): text_hash for external_id, ordinal, text_hash in rows}


def only(first: int, channel: int = CHANNEL) -> RenderedDocument:
    return rendered(document(first, channel))[document(first, channel)]


def test_document_has_a_passage_for_each_message() -> None:
    store([message(at(0), "High water at six"), message(at(3), "Thank you", by="ann"), message(at(60), "Later")])
    found = only(at(0))
    assert [(p.author, p.text, p.url.rpartition("/")[2]) for p in found.passages] == [
        ("Mirela", "High water at six", str(at(0))),
        ("Ann", "Thank you", str(at(3))),
    ]
    assert (found.title, found.author, found.url) == (
        "High water at six",
        "Mirela",
        f"https://discord.com/channels/{GUILD}/{CHANNEL}/{at(0)}",
    )


def test_thread_title_is_its_name_and_post_contains_tags() -> None:
    Channel.objects.filter(pk=CHANNEL).update(tags=[{"id": "9", "name": "solved"}, {"id": "8", "name": "import"}])
    Channel.objects.filter(pk=THREAD).update(tags=["9"])
    store([message(at(0), ""), message(at(9000), "It hangs")], channel=THREAD)
    found = only(at(0), THREAD)
    assert (found.title, [p.text for p in found.passages]) == ("Gauge files", ["solved\n\nIt hangs"])


def test_all_parts_of_a_message_become_text() -> None:
    payload: dict[str, Any] = {
        "message_snapshots": [{"message": {"content": "Forwarded words", "attachments": [{"filename": "tide.csv"}]}}],
        "poll": {"question": {"text": "Which datum?"}, "answers": [{"poll_media": {"text": "LAT"}}]},
        "embeds": [{"title": "Manual", "description": "How to", "fields": [{"name": "Pier", "value": "north"}]}],
        "attachments": [{"filename": "chart.png", "description": "A curve"}],
        "sticker_items": [{"name": "Wave"}],
        "components": [{"type": 17, "components": [{"type": 10, "content": "In a box"}, {"type": 2, "label": "Ok"}]}],
    }
    words = message_text("Own words", payload)
    wanted = ["Own words", "Forwarded words", "tide.csv", "Which datum?", "LAT", "Manual", "How to", "Pier: north"]
    assert all(word in words for word in [*wanted, "chart.png", "A curve", "Wave", "In a box", "Ok"])


def test_malformed_parts_are_ignored() -> None:
    odd: dict[str, Any] = {"embeds": {"title": 1}, "poll": [], "attachments": [None, "x", {"filename": 3}]}
    assert message_text("Words", {**odd, "message_snapshots": [{"message": None}], "components": "none"}) == "Words"


def test_reply_quotes_only_within_its_conversation() -> None:
    store([message(at(0), "Is the causeway dry?"), message(at(90), "Somewhere else", by="tobe")])
    answer = {"message_reference": {"message_id": str(at(0))}, "type": 19}
    store([message(at(1), "Until noon", by="ann", **answer), message(at(91), "It was", by="ann", **answer)])
    assert only(at(0)).passages[1].heading == "re Mirela: Is the causeway dry?"
    assert only(at(90)).passages[1].heading == "re Mirela"
    together = rendered(document(at(0)), document(at(90)))
    assert together[document(at(90))].passages[1].heading == "re Mirela"


def test_mentions_become_names() -> None:
    Role.objects.create(id=77, guild_id=GUILD, name="keepers")
    store([message(at(0), "x", mentions=[])])
    text = (
        f"<@{PEOPLE['mirela']}> <@!{PEOPLE['mirela']}> <#{CHANNEL}> <@&77> <a:wave:123> </tide now:5> <t:1740816000:F>"
    )
    names = names_in([text])
    assert names.resolved(text) == "@Mirela @Mirela #harbour @keepers :wave: /tide now 2025-03-01 08:00 UTC"
    assert Names().resolved("<@1> <#2> <@&3>") == "@unknown-user #unknown @unknown-role"
    assert names_in([f"<@{10**19}>"]) == Names()
    assert Names().resolved("<t:99999999999999999> a < b <@x>") == "<t:99999999999999999> a < b <@x>"


def test_changed_message_re_renders_one_conversation() -> None:
    store([message(at(hours * 60 + m), f"Words {hours} {m}") for hours in range(5) for m in range(3)])
    answer = {"message_reference": {"message_id": str(at(61))}, "type": 19}
    store([message(at(400), "An answer from elsewhere", **answer)])
    sync([DiscordDocuments()])
    before = stored_hashes()
    store([message(at(61), "Other words", edited_timestamp="2025-03-02T08:00:00+00:00")])
    waiting = IndexEntry.objects.exclude(state="clean").values_list("document__external_id", flat=True)
    assert list(waiting) == [document(at(60))]
    done = sync([DiscordDocuments()])
    assert (done.documents, done.chunks_embedded) == (1, 1)
    after = stored_hashes()
    assert [name for name in after if after[name] != before[name]] == [f"{document(at(60))}#0001"]


def test_unchanged_message_changes_nothing() -> None:
    store([message(at(0)), message(at(1))])
    sync([DiscordDocuments()])
    store([message(at(0)), message(at(1))])
    assert not IndexEntry.objects.exclude(state="clean").exists()


def test_renamed_thread_is_rendered_again_but_renamed_channel_is_not() -> None:
    store([message(at(0))])
    store([message(at(0) + 1)], channel=THREAD)
    sync([DiscordDocuments()])
    for pk, name in ((CHANNEL, "harbor"), (THREAD, "Logger files")):
        row = Channel.objects.filter(pk=pk).values().get()
        store_threads([row | {"name": name}], NOW)
    waiting = IndexEntry.objects.exclude(state="clean").values_list("document__external_id", flat=True)
    assert list(waiting) == [document(at(0) + 1, THREAD)]
    sync([DiscordDocuments()])
    assert only(at(0) + 1, THREAD).title == "Logger files"
    store_threads([Channel.objects.filter(pk=THREAD).values().get()], NOW)
    assert not IndexEntry.objects.exclude(state="clean").exists()


def test_deleted_messages_leave_the_index() -> None:
    store([message(at(0), "Wrong hour"), message(at(1), "Right hour", message_reference={"message_id": str(at(0))})])
    sync([DiscordDocuments()])
    store([], gone=[at(0)])
    sync([DiscordDocuments()])
    assert [chunk.text for chunk in Chunk.objects.all()] == ["Right hour"]
    store([], gone=[at(1)])
    sync([DiscordDocuments()])
    assert not Chunk.objects.exists()


def test_batch_needs_a_constant_number_of_statements(django_assert_max_num_queries: Any) -> None:
    tobe = f"<@{PEOPLE['tobe']}> in <#{CHANNEL}> for <@&5>"
    store([message(at(60 * n), tobe, type=19, message_reference={"message_id": "5"}) for n in range(30)])
    names = [document(at(60 * n)) for n in range(30)]
    for some in (names[:1], names):
        with django_assert_max_num_queries(7):
            assert len(rendered(*some)) == len(some)


def test_bodies_are_the_original_contents(django_assert_num_queries: Any) -> None:
    store([message(at(0), "  <@1> **as it is** \n")])
    name = f"discord:message:{GUILD}:{CHANNEL}:{at(0)}"
    with django_assert_num_queries(1):
        assert bodies([name, f"discord:message:{GUILD}:{CHANNEL}:7"]) == {name: "  <@1> **as it is** \n"}
