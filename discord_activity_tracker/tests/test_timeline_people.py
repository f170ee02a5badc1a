"""Tests that the timeline finds the messages of a person by name, although it stores no names."""

import pytest

from core.timeline import add_texts, all_activities, by_person
from tests.support.discord_fixtures import at, make_guild, message, person, store

pytestmark = pytest.mark.django_db
HOOK = 4100000000000009001


def hook_message(number: int, name: str) -> object:
    author = {"id": str(HOOK), "username": name, "discriminator": "0000", "bot": True, "avatar": None}
    return message(number) | {"author": author, "webhook_id": str(HOOK)}


def found(name: str) -> list[tuple[str, str]]:
    """Return the names and texts of a person's messages, oldest first."""
    rows = add_texts(list(all_activities().filter(by_person(name))))
    return [(row.actor_name, row.summary) for row in reversed(rows)]


def test_a_person_is_found_by_the_shown_name_in_any_case() -> None:
    make_guild()
    store([message(at(0), "first") | {"author": person("mirela", global_name="Mira")}])
    store([message(at(100), "second") | {"author": person("tobe")}])
    assert found("mIRA") == [("Mira", "first")]
    assert found("mirela") == []


def test_a_name_of_two_people_finds_the_one_who_wrote_last() -> None:
    make_guild()
    store([message(at(0), "first") | {"author": person("mirela", global_name="Alex")}])
    store([message(at(100), "second") | {"author": person("tobe", global_name="Alex")}])
    assert found("alex") == [("Alex", "second")]
    store([message(at(200), "third") | {"author": person("mirela", global_name="Alex")}])
    assert found("alex") == [("Alex", "first"), ("Alex", "third")]


def test_a_webhook_is_found_by_each_of_its_names() -> None:
    make_guild()
    store([hook_message(at(0), "Tide"), hook_message(at(1), "Weather")])
    assert found("tide") == found("weather") == [("Tide", "words"), ("Weather", "words")]
    assert found("nobody") == []
