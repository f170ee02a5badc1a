"""Tests of finding conversations by the ids, links and people in a query."""

import pytest

from core.models import Document
from core.search.filters import NO_FILTERS
from core.search.query.exact import find_exact
from core.search.query.search import search
from core.search.sync import sync
from discord_activity_tracker.documents.source import DiscordDocuments
from tests.support.discord_fixtures import CHANNEL, GUILD, THREAD, at, document, make_guild, message, store

pytestmark = pytest.mark.django_db
FIRST, LATER, INSIDE = document(at(0)), document(at(600)), document(at(900), THREAD)


@pytest.fixture(autouse=True)
def _conversations() -> None:
    """Store two conversations of a channel, and one of a thread."""
    make_guild()
    store([message(at(0), "High water at six"), message(at(3), "Thank you", by="ann"), message(at(600), "Later")])
    store([message(at(900), "It hangs", by="ann")], channel=THREAD)
    sync([DiscordDocuments()])


def leading(words: str) -> list[str]:
    names = dict(Document.objects.values_list("pk", "external_id"))
    return [names[hit.document] for hit in find_exact(words, NO_FILTERS) if hit.leads]


@pytest.mark.parametrize("host", ["discord.com", "ptb.discord.com", "canary.discord.com", "www.discordapp.com"])
def test_the_link_of_a_message_shows_the_message(host: str) -> None:
    (result, *_) = search(f"see <https://{host}/channels/{GUILD}/{CHANNEL}/{at(3)}>!", mode="text")
    assert (result.external_id, result.snippet) == (FIRST, "Thank you")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (str(at(3)), [FIRST]),
        (f"message {at(600)}", [LATER]),
        (f"https://discord.com/channels/{GUILD}/{CHANNEL}", [LATER, FIRST]),
        (f"https://discord.com/channels/{GUILD}/{CHANNEL}/{at(5)}", [LATER, FIRST]),
        (f"https://discord.com/channels/{GUILD}/{THREAD}", [INSIDE]),
        (str(THREAD), [INSIDE]),
        ("@Ann", [INSIDE, FIRST]),
        ("@mirela", [LATER, FIRST]),
        (f"https://example.org/channels/{GUILD}/{CHANNEL}", []),
        (f"https://discord.com/channels/{GUILD}/99999999999999999999", []),
        ("1234567890123456789", []),
    ],
)
def test_a_reference_leads_to_its_conversations(words: str, expected: list[str]) -> None:
    assert leading(words) == expected


def test_an_id_in_a_question_leads() -> None:
    assert leading(f"what was the answer to {at(3)} about water") == [FIRST]


def test_a_deleted_message_is_not_found_by_its_id() -> None:
    store([message(at(601), "Again")], gone=[at(600)])
    assert leading(str(at(600))) == []
