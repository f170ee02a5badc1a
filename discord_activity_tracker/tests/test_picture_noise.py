"""Tests of picture metadata that Discord changes without an edit. Such a change must not count as an edit."""

import copy
from typing import Any

import pytest
from django.db import connection

from core.models import IndexEntry
from core.search.sync import sync
from discord_activity_tracker.convert.messages import unsigned
from discord_activity_tracker.convert.noise import differs_in_noise_only
from discord_activity_tracker.documents.source import DiscordDocuments
from discord_activity_tracker.models import Message, Revision
from discord_activity_tracker.tests.conftest import Collect
from tests.support.discord_fixtures import at, document, make_guild, message, store
from tests.support.discord_truth import differences
from tests.support.discord_twin import Twin

CDN, OTHER = "https://cdn.discordapp.com/attachments/1/2/a.png", "https://media.discordapp.net/attachments/1/2/a.png"


def picture(url: str = "https://example.org/a.png", n: int = 1) -> dict[str, Any]:
    """Return a picture as Discord describes it in the response to the n-th request."""
    return {
        "url": url, "proxy_url": f"https://images-ext-{n}.discordapp.net/external/x/https/example.org/a.png",
        "width": 10 * n, "height": 10 * n, "placeholder": f"AAA{n}", "placeholder_version": n,
        "content_scan_version": n, "flags": n, "content_type": f"image/{n}", "loading_state": n,
    }  # fmt: skip


def signed(url: str, n: int) -> str:
    return f"{url}?ex={n}ab&is={n}cd&hm={n}ef&"


def looks(n: int) -> dict[str, Any]:
    """Return all parts of a message that contain pictures, as in the response to the n-th request."""
    host = (CDN, OTHER)[n % 2]
    return {
        "attachments": [{"id": "9", "filename": "a.png", "size": 5, **picture(signed(host, n), n)}],
        "embeds": [
            {
                "type": "article", "url": "https://example.org", "title": "Page", "thumbnail": picture(n=n),
                "image": picture(f"https://i{n}.example.org/b.png?token={n}", n), "video": picture(n=n),
                "provider": {"name": f"Example {n}"}, "flags": n, "content_scan_version": n,
                "author": {"name": "A", "icon_url": signed(host, n), "proxy_icon_url": f"https://p{n}.example"},
                "footer": {"text": "F", "icon_url": f"https://h{n}.example/f.png", "proxy_icon_url": f"https://p{n}"},
            }
        ],
        "components": [
            {
                "type": 17, "components": [
                    {"type": 12, "items": [{"description": "Map", "media": picture(signed(host, n), n)}]},
                    {"type": 13, "name": "f", "file": picture(signed(host, n), n)},
                    {"type": 9, "components": [], "accessory": {"type": 11, "media": picture(n=n)}},
                ],
            }
        ],
        "message_snapshots": [
            {"message": {"content": "Forwarded", "embeds": [{"title": "T", "thumbnail": picture(n=n)}],
                         "attachments": [{"id": "8", "filename": "b", **picture(signed(host, n), n)}]}}
        ],
        "sticker_items": [{"id": "3", "name": "Wave", "format_type": n}],
        "interaction": {"id": "1", "name": "x", "user": {"id": "2", "username": f"u{n}"}, "member": {"nick": str(n)}},
        "application": {"id": "4", "name": "App", "icon": str(n), "description": str(n)},
    }  # fmt: skip


def rows() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, xmin::text FROM discord_activity_tracker_message ORDER BY id")
        return cursor.fetchall()


@pytest.mark.parametrize("part", [*looks(1), "all"])
def test_new_descriptions_of_pictures_are_noise(part: str) -> None:
    one, two = looks(1), looks(2)
    if part != "all":
        one, two = {part: one[part]}, {part: two[part]}
    assert one != two
    assert differs_in_noise_only(one, two)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("attachments", 0, "filename"), "other.png"),
        (("attachments", 0, "description"), "A curve"),
        (("attachments", 0, "id"), "10"),
        (("embeds", 0, "title"), "Other"),
        (("embeds", 0, "url"), "https://example.org/other"),
        (("embeds", 0, "footer", "text"), "G"),
        (("embeds", 0, "thumbnail", "url"), "https://example.org/other.png"),
        (("components", 0, "components", 0, "items", 0, "description"), "Chart"),
        (("message_snapshots", 0, "message", "content"), "Other"),
        (("sticker_items", 0, "name"), "Nod"),
    ],
)
def test_text_files_and_other_pictures_are_not_noise(path: tuple[Any, ...], value: str) -> None:
    one, two = looks(1), copy.deepcopy(looks(1))
    *way, last = path
    inner: Any = two
    for step in way:
        inner = inner[step]
    inner[last] = value
    assert not differs_in_noise_only(one, two)


def test_signatures_are_removed_from_addresses() -> None:
    assert unsigned(signed(CDN, 1)) == CDN
    assert unsigned(f"{CDN}?format=webp&is=1&ex=2&hm=3") == f"{CDN}?format=webp"
    assert unsigned("https://shop.example/?ex=1&q=2") == "https://shop.example/?ex=1&q=2"


@pytest.mark.django_db
def test_noise_changes_no_row_makes_no_revision_and_queues_nothing() -> None:
    make_guild()
    store([message(at(0), "look", **looks(1)), message(at(1), "", **looks(1))])
    sync([DiscordDocuments()])
    before = rows()
    for n in (2, 3, 1):
        assert store([message(at(0), "look", **looks(n)), message(at(1), "", **looks(n))]).updated == 0
    assert rows() == before
    assert not Revision.objects.exists()
    assert not IndexEntry.objects.exclude(state="clean").exists()


@pytest.mark.django_db
def test_an_edit_keeps_the_new_descriptions_and_one_revision() -> None:
    make_guild()
    store([message(at(0), "look", **looks(1))])
    store([message(at(0), "look here", edited_timestamp="2025-03-02T08:00:00+00:00", **looks(2))])
    assert list(Revision.objects.values_list("content", flat=True)) == ["look"]
    assert Message.objects.get().payload["attachments"][0]["placeholder"] == "AAA2"


@pytest.mark.django_db
def test_changed_link_preview_is_indexed_but_not_an_edit() -> None:
    make_guild()
    plain = message(at(0), "see https://example.org")
    first = {"embeds": [{"type": "link", "url": "https://example.org", "title": "Old title"}]}
    for payload, words in (
        ({}, ""),
        (first, "Old title"),
        ({"embeds": [{"title": "New title"}]}, "New title"),
        ({}, ""),
    ):
        store([plain | payload])
        assert words in "\n".join(p.text for d in DiscordDocuments().render([document(at(0))]) for p in d.passages)
    assert not Revision.objects.exists()


@pytest.mark.django_db
def test_removed_file_is_an_edit() -> None:
    make_guild()
    store([message(at(0), "look", **looks(1))])
    store([message(at(0), "look", **{**looks(1), "attachments": []})])
    assert Revision.objects.count() == 1


@pytest.mark.twin
@pytest.mark.django_db(transaction=True)
def test_noise_of_the_twin(twin: Twin, collect: Collect) -> None:
    channel = next(str(pk) for pk, box in twin.readable().items() if box["name"] == "general")
    twin.mutate(op="embed_noise", channel_id=channel, new=3)
    collect("--channel", channel)
    before = rows()
    (changed,) = twin.mutate(op="embed_noise", channel_id=channel)
    assert len(changed["message_ids"]) >= 3
    assert collect("--channel", channel, "--full")["counts"].get("messages_updated", 0) == 0
    assert rows() == before
    assert not Revision.objects.exists()
    assert [line for line in differences(twin) if line.startswith(channel)] == []
