"""Tests of the state, labels, visibility and last change of conversations."""

from datetime import UTC, datetime
from typing import Any

import pytest

from core.models import Document
from core.search.documents import RenderedDocument
from discord_activity_tracker.convert.guilds import convert_guild
from discord_activity_tracker.documents.source import DiscordDocuments
from discord_activity_tracker.models import Channel, Role
from discord_activity_tracker.store.guilds import store_guild, store_threads
from tests.support.discord_fixtures import CHANNEL, GUILD, NOW, THREAD, at, document, make_guild, message, store

pytestmark = pytest.mark.django_db
VIEW = 1 << 10
HIDDEN = {"permission_overwrites": [{"id": str(GUILD), "type": 0, "allow": "0", "deny": str(VIEW)}]}


@pytest.fixture(autouse=True)
def guild() -> None:
    """Store a guild with one message in the channel and one in the thread. Everyone may view its channels."""
    make_guild()
    Role.objects.create(
        id=GUILD, guild_id=GUILD, name="@everyone", payload={"id": str(GUILD), "permissions": str(VIEW)}
    )
    store([message(at(0), "High water at six")])
    store([message(at(1), "It hangs")], channel=THREAD)


def rendered(first: int, channel: int = CHANNEL) -> RenderedDocument:
    (found,) = DiscordDocuments().render([document(first, channel)])
    return found


def store_channels(everyone: int = VIEW, **channel: Any) -> None:
    """Store the guild again as Discord reports it, with these permissions of everyone and changes of the channel."""
    payload: Any = {"id": str(CHANNEL), "type": 0, "name": "harbour", **channel}
    roles = [{"id": str(GUILD), "name": "@everyone", "permissions": str(everyone)}]
    discord: Any = {"id": str(GUILD), "name": "Saltmarsh Works", "roles": roles, "emojis": [], "stickers": []}
    store_guild(convert_guild(discord, [payload], {CHANNEL: "ok"}, {}), NOW)


def versions() -> dict[str, int]:
    return dict(Document.objects.values_list("external_id", "version"))


def test_a_thread_is_closed_while_it_is_locked_and_a_channel_has_no_state() -> None:
    assert [rendered(at(0)).state, rendered(at(1), THREAD).state] == ["", "open"]
    Channel.objects.filter(pk=THREAD).update(locked=True, archived=True)
    assert rendered(at(1), THREAD).state == "closed"
    Channel.objects.filter(pk=THREAD).update(locked=False)
    assert rendered(at(1), THREAD).state == "open"


def test_tags_are_labels_and_passages_are_messages() -> None:
    Channel.objects.filter(pk=CHANNEL).update(tags=[{"id": "9", "name": "solved"}])
    Channel.objects.filter(pk=THREAD).update(tags=["9"])
    found = rendered(at(1), THREAD)
    assert (list(found.labels), found.answered, found.number) == (["solved"], None, "")
    assert [passage.kind for passage in found.passages] == ["message"]


def test_an_edit_is_the_last_change() -> None:
    first = rendered(at(0))
    assert first.changed_at == first.occurred_at
    store([message(at(0), "High water at seven", edited_timestamp="2025-05-01T00:00:00+00:00")])
    assert rendered(at(0)).changed_at == datetime(2025, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize("payload", [{}, {"permission_overwrites": None}, {"permission_overwrites": [1, {"id": 5}]}])
def test_a_channel_that_everyone_sees_is_public(payload: dict[str, Any]) -> None:
    Channel.objects.filter(pk=CHANNEL).update(payload=payload)
    assert [rendered(at(0)).private, rendered(at(1), THREAD).private] == [False, False]


def test_a_hidden_channel_and_its_threads_are_private() -> None:
    Channel.objects.filter(pk=CHANNEL).update(payload=HIDDEN)
    assert [rendered(at(0)).private, rendered(at(1), THREAD).private] == [True, True]


def test_a_private_thread_is_private_in_a_public_channel() -> None:
    Channel.objects.filter(pk=THREAD).update(kind="private_thread")
    assert [rendered(at(0)).private, rendered(at(1), THREAD).private] == [False, True]


@pytest.mark.parametrize("change", [{"everyone": 0}, HIDDEN])
def test_a_change_of_permissions_indexes_the_channel_and_its_threads_again(change: dict[str, Any]) -> None:
    store_channels()
    before = versions()
    store_channels()
    assert versions() == before
    store_channels(**change)
    assert all(version > before[name] for name, version in versions().items())
    assert rendered(at(0)).private is True


def test_a_lock_indexes_the_thread_again() -> None:
    before = versions()
    row = Channel.objects.filter(pk=THREAD).values().get()
    store_threads([row | {"locked": True}], NOW)
    name = document(at(1), THREAD)
    assert {key for key, version in versions().items() if version > before[key]} == {name}
