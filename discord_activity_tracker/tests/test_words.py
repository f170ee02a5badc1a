"""Tests of the text of a message, taken from all parts of the payload, in the timeline and in the search index."""

from typing import Any

import pytest
from django.contrib.postgres.search import SearchQuery
from django.db import connection

from core.models import Chunk
from core.search.sync import sync
from core.timeline import add_texts, all_activities, with_words
from discord_activity_tracker.convert.message_text import message_text, summarize
from discord_activity_tracker.convert.messages import convert_messages
from discord_activity_tracker.documents.source import DiscordDocuments
from discord_activity_tracker.documents.timeline import messages_with_words
from discord_activity_tracker.tests.conftest import Collect
from tests.support.activities import shown_activities
from tests.support.discord_fixtures import CHANNEL, GUILD, at, make_guild, message, store
from tests.support.discord_twin import Twin

INVISIBLE = "\u200b"


def container(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"components": [{"type": 17, "components": list(parts)}]}


def embed(**parts: Any) -> dict[str, Any]:
    return {"embeds": [{"type": "rich", **parts}]}


def forward(**parts: Any) -> dict[str, Any]:
    return {"message_snapshots": [{"message": {"content": "", **parts}}]}


FILE = {"id": "1", "filename": "tide-table.pdf", "description": "Tides of March"}
WORDS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "text display": (container({"type": 10, "content": "Release notes"}), ["Release notes"]),
    "section": (
        container({"type": 9, "components": [{"type": 10, "content": "Words"}],
                   "accessory": {"type": 2, "label": "More"}}),
        ["Words", "More"],
    ),
    "thumbnail": (
        container({"type": 9, "components": [], "accessory": {"type": 11, "description": "A gull", "media": {}}}),
        ["A gull"],
    ),
    "gallery": (
        container({"type": 12, "items": [{"media": {"url": "https://e.org/a.png"}, "description": "A map"}]}),
        ["A map"],
    ),
    "gallery without description": (
        container({"type": 12, "items": [{"media": {"url": "https://cdn.example/x/quay%20wall.png?ex=1"}}]}),
        ["quay wall.png"],
    ),
    "file": (container({"type": 13, "name": "log.csv", "file": {"url": "https://e.org/1"}}), ["log.csv"]),
    "file without name": (container({"type": 13, "file": {"url": "https://e.org/1/raw.csv"}}), ["raw.csv"]),
    "select": (
        {"components": [{"type": 1, "components": [{"type": 3, "placeholder": "Choose a pier", "options": [
            {"label": "North", "description": "with crane"}]}]}]},
        ["Choose a pier", "North", "with crane"],
    ),
    "button": ({"components": [{"type": 1, "components": [{"type": 2, "label": "Open"}]}]}, ["Open"]),
    "unknown component": (container({"type": 99, "component": {"type": 98, "content": "New words"}}), ["New words"]),
    "embed description": (embed(description="Only this"), ["Only this"]),
    "embed fields": (
        embed(author={"name": "Writer"}, fields=[{"name": "Pier", "value": "north"}], footer={"text": "Foot"}),
        ["Writer", "Pier: north", "Foot"],
    ),
    "embed field without name": (embed(fields=[{"name": INVISIBLE, "value": "dry"}]), ["dry"]),
    "embed provider": (embed(provider={"name": "Harbour News"}, url="https://news.example/1"), ["Harbour News"]),
    "embed components": (embed(**container({"type": 10, "content": "Inside"})), ["Inside"]),
    "poll": (
        {"poll": {"question": {"text": "Which datum?"}, "answers": [{"poll_media": {"text": "LAT"}}]}},
        ["Which datum?", "LAT"],
    ),
    "poll result": (
        {"embeds": [{"type": "poll_result", "fields": [
            {"name": "poll_question_text", "value": "Which datum?"}, {"name": "victor_answer_text", "value": "LAT"}]}]},
        ["Which datum?", "LAT"],
    ),
    "moderation": (
        {"embeds": [{"type": "auto_moderation_message", "description": "bad words", "fields": [
            {"name": "rule_name", "value": "No spam"}, {"name": "keyword", "value": "spam"}]}]},
        ["bad words", "No spam", "spam"],
    ),
    "forward": (forward(content="Forwarded words"), ["Forwarded words"]),
    "forwarded embed": (forward(**embed(description="Forwarded part")), ["Forwarded part"]),
    "forwarded component": (forward(**container({"type": 10, "content": "Forwarded box"})), ["Forwarded box"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", WORDS)
@pytest.mark.parametrize("content", ["", INVISIBLE, " \n\u2800"])
def test_text_outside_the_content_is_in_line_and_search(kind: str, content: str) -> None:
    payload, words = WORDS[kind]
    line, text = summarize(0, content, payload), message_text(content, payload)
    assert all(word in line and word in text for word in words), (line, text)
    assert INVISIBLE not in line


@pytest.mark.parametrize(
    ("number", "payload", "line"),
    [
        (0, {"attachments": [{"filename": "x.png"}]}, "sent a file: x.png"),
        (0, {"attachments": [{"filename": "a.png"}, {"filename": "b.pdf"}]}, "sent 2 files: a.png, b.pdf"),
        (0, {"attachments": [{"filename": "voice-message.ogg"}], "flags": 8192}, "sent a voice message"),
        (0, {"attachments": [{"id": "4"}]}, "sent a file"),
        (0, {"sticker_items": [{"name": "Wave"}]}, "sent a sticker: Wave"),
        (0, {"stickers": [{"name": "Old wave", "tags": "hello"}]}, "sent a sticker: Old wave"),
        (
            19,
            {"attachments": [{"filename": "x.png"}], "sticker_items": [{"name": "Wave"}]},
            "sent a file: x.png and a sticker: Wave",
        ),
        (0, forward(attachments=[{"filename": "x.png"}]), "forwarded a file: x.png"),
        (0, forward(), "forwarded a message"),
        (0, {"embeds": [{"type": "image", "url": "https://pics.example/a.png"}]}, "sent a preview: pics.example"),
        (0, embed(image={"url": "https://cdn.example/1/curve.png"}), "sent a preview: curve.png"),
        (0, container({"type": 14}), "sent buttons or pictures without text"),
        (0, {}, "sent a message without text"),
        (3, {"call": {"participants": ["1"]}}, "started a call"),
        (21, {"message_reference": {"message_id": "5"}}, "started this thread from a message of the channel"),
        (20, {"interaction": {"name": "status"}}, "answered the command status"),
        (7, {}, "joined the server"),
        (24, {}, "reported a message that automatic moderation stopped"),
        (27, {}, "system message: stage start"),
        (9999, {}, "message of an unknown type: unknown 9999"),
        (-1, {"type_name": "SomethingNew"}, "message of an unknown type: SomethingNew"),
    ],
)
def test_message_without_text_has_a_descriptive_line(number: int, payload: dict[str, Any], line: str) -> None:
    assert summarize(number, "", payload) == line


def test_names_and_descriptions_of_files_and_stickers_can_be_searched() -> None:
    assert message_text("", {"attachments": [FILE]}) == "tide-table.pdf\nTides of March"
    assert message_text("", {"attachments": [{**FILE, "title": "Tide table (final)"}]}).startswith(
        "Tide table (final)\ntide-"
    )
    assert message_text("", forward(attachments=[FILE])) == "tide-table.pdf\nTides of March"
    assert message_text("", {"stickers": [{"name": "Old wave"}]}) == "Old wave"


def test_host_of_a_preview_is_searchable_once() -> None:
    preview = embed(title="Tides", url="https://www.harbour.example/tides?x=1")
    assert message_text("look", preview) == "look\n\nTides\n\nharbour.example"
    assert message_text("see https://www.harbour.example/tides", preview).count("harbour.example") == 1
    assert message_text("look", embed(title="Odd", url="https://[half")) == "look\n\nOdd"


def test_content_comes_first_in_the_line() -> None:
    assert summarize(0, "Mine", embed(description="Theirs")) == "Mine"


@pytest.mark.parametrize(
    "payload",
    [
        {"components": {"components": 5}}, {"components": [[{"type": 10, "content": "x"}]]}, {"poll": "x"},
        {"embeds": [{"fields": [None, {"value": 3}], "author": "x", "url": 7}]}, {"message_snapshots": [None, {}]},
        {"attachments": [{"filename": 3}], "flags": "many"}, {"stickers": {"name": "x"}}, {"interaction": []},
        {"embeds": [{"url": "https://e.org/%00%ed%a0%80"}]},
    ],
)  # fmt: skip
def test_malformed_shapes_are_tolerated(payload: dict[str, Any]) -> None:
    assert summarize(0, "", payload)
    assert summarize(0, "words", payload) == "words"
    assert "\0" not in message_text("words", payload)


def test_old_sticker_is_not_a_blank_message() -> None:
    page = convert_messages([message(at(0), "", stickers=[{"id": "1", "name": "Old wave"}])], GUILD, CHANNEL)
    assert page.blank == 0
    assert convert_messages([message(at(0), "")], GUILD, CHANNEL).blank == 1


@pytest.mark.django_db
def test_stored_messages_have_lines_and_are_found_by_text() -> None:
    make_guild()
    items = [message(at(100 * n), "", **payload) for n, (payload, _) in enumerate(WORDS.values())]
    store(items)
    sync([DiscordDocuments()])
    lines = {row.external_id: row.summary for row in shown_activities()}
    chunks = dict(Chunk.objects.values_list("document__external_id", "text"))
    for n, (_, words) in enumerate(WORDS.values()):
        line = lines[f"discord:message:{GUILD}:{CHANNEL}:{at(100 * n)}"]
        text = chunks[f"discord:conversation:{GUILD}:{CHANNEL}:{at(100 * n)}"]
        assert all(word in line and word in text for word in words), (line, text)


@pytest.mark.twin
@pytest.mark.django_db(transaction=True)
def test_every_kind_of_content_of_the_twin(twin: Twin, collect: Collect) -> None:
    channels = {pk: box for pk, box in twin.readable().items() if box["type"] == 0}
    channel = str(min(channels, key=lambda pk: len(channels[pk]["messages"])))  # few messages to embed
    (made,) = twin.mutate(op="content_kinds", channel_id=channel)
    collect("--channel", channel)
    lines = {row.external_id: row.summary for row in shown_activities()}
    named = {name.rpartition(":")[2]: line for name, line in lines.items()}
    sync([DiscordDocuments()])
    text = "\n".join(Chunk.objects.values_list("text", flat=True))
    for kind, pk in made["message_ids"].items():
        assert named[pk], kind
        for word in made["said"].get(kind, []):
            assert word in text, (kind, word)
        assert kind == "button" or any(word in named[pk] for word in made["said"][kind]), kind
    assert all(lines.values())


@pytest.mark.django_db
def test_words_of_the_timeline_are_found_in_messages_by_an_index() -> None:
    make_guild()
    store([message(at(0), "The harbour at low tide")])
    store([message(at(100), "", attachments=[{"id": "1", "filename": "x.png"}])])

    def found(words: str) -> list[str]:
        return [row.summary for rows in with_words(all_activities(), words) for row in add_texts(list(rows))]

    assert found("harb tide") == ["The harbour at low tide"]
    assert found("file") == ["sent a file: x.png"]
    assert found("harbour high") == []
    with connection.cursor() as cursor:  # the table is too small for the plan of a large table
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
    query = SearchQuery("harbour:*", search_type="raw", config="simple")
    assert "discord_message_words" in messages_with_words(query).explain()
