"""Tests of the tracker's hooks for pages and monitoring."""

from typing import Any

import pytest

from discord_activity_tracker.models import Channel, Guild
from tests.support.discord_fixtures import CHANNEL, GUILD, THREAD, at, make_guild, message, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def tracker() -> Any:
    from django.apps import apps

    make_guild()
    return apps.get_app_config("discord_activity_tracker")


def another(pk: int, **more: Any) -> None:
    Channel.objects.create(id=pk, type=0, kind="text", name=f"room-{pk}", guild_id=GUILD, payload={}, **more)


def test_earlier_texts_are_latest_first_without_previews(tracker: Any) -> None:
    first, edited = at(0), "2025-03-01T09:00:00+00:00"
    store([message(first, "one"), message(at(1), "other")])
    store([message(first, "two", edited_timestamp=edited)])
    store([message(first, "two", edited_timestamp=edited, embeds=[{"title": "a preview"}])])
    store([message(first, "three", edited_timestamp="2025-03-01T10:00:00+00:00", embeds=[{"title": "a preview"}])])
    names = [f"discord:message:{GUILD}:{CHANNEL}:{pk}" for pk in (first, at(1))]
    found = tracker.revisions(names)
    assert [earlier.text for earlier in found[names[0]]] == ["two", "one"]
    assert found.keys() == {names[0]}


def test_earlier_texts_need_one_statement(tracker: Any, django_assert_num_queries: Any) -> None:
    store([message(at(n)) for n in range(9)])
    store([message(at(n), "else", edited_timestamp="2025-03-01T09:00:00+00:00") for n in range(9)])
    with django_assert_num_queries(1):
        assert len(tracker.revisions([f"discord:message:{GUILD}:{CHANNEL}:{at(n)}" for n in range(9)])) == 9


def test_only_readable_channels_are_watched(tracker: Any) -> None:
    another(1, access="no_view", gap="is hidden from the bot: grant VIEW_CHANNEL")
    another(2, access="no_messages")
    another(3, deleted_at="2025-03-01T09:00:00Z")
    assert tracker.watched_scopes() == {f"{GUILD}/{CHANNEL}"}
    Channel.objects.filter(pk=THREAD).update(parent_id=2)
    assert tracker.watched_scopes() == {f"{GUILD}/{CHANNEL}", f"{GUILD}/2"}


def test_disabled_guild_is_watched_only_if_named(tracker: Any, settings: Any) -> None:
    Guild.objects.update(enabled=False)
    assert tracker.watched_scopes() == set()
    settings.DISCORD_GUILDS = [str(GUILD)]
    assert tracker.watched_scopes() == {f"{GUILD}/{CHANNEL}"}


def test_gap_names_what_is_missing_and_what_to_grant(tracker: Any) -> None:
    another(1, access="no_view", gap="is hidden from the bot: grant VIEW_CHANNEL")
    (gap,) = tracker.gaps(9)
    assert (gap.scope, gap.missing) == ("Saltmarsh Works/#room-1", "is hidden from the bot")
    assert gap.what_to_do == "grant VIEW_CHANNEL"
