"""The number of database statements for storing a page does not depend on the number of items."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.models import SkippedItem
from discord_activity_tracker.convert.messages import convert_messages
from discord_activity_tracker.store.messages import PageWrite, store_messages
from github_activity_tracker.convert.issues import convert_issues
from github_activity_tracker.convert.repositories import provisional_row
from github_activity_tracker.models import Issue
from github_activity_tracker.protocol_impl import GitHubState
from github_activity_tracker.store.pages import store_page
from github_activity_tracker.store.repositories import store_repository
from tests.support.discord_fixtures import CHANNEL, GUILD, NOW, at, make_guild, message, person, place

pytestmark = pytest.mark.django_db(transaction=True)


def issue(number: int, login: str = "ada", **more: Any) -> dict[str, Any]:
    return {
        "id": number, "number": number, "title": "t", "state": "open", "body": "b",
        "html_url": f"https://github.com/o/r/issues/{number}", "user": {"id": 3, "login": login, "type": "User"},
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", **more,
    }  # fmt: skip


def test_a_page_of_issues() -> None:
    scope = store_repository(provisional_row(7, "o/r"))

    def statements(*items: dict[str, Any]) -> int:
        page = convert_issues(items, 7)
        with CaptureQueriesContext(connection) as captured:
            store_page(Issue, page, scope=scope, stream="issues", state=GitHubState(checkpoint_token="x"))
        return len(captured)

    new = [issue(number) for number in range(1, 30)]
    assert (statements(*new), statements(*new)) == (11, 5)
    assert statements(issue(1, title="edited", updated_at="2026-02-01T00:00:00Z")) == 10
    assert statements(issue(2, "lovelace", updated_at="2026-02-02T00:00:00Z")) == 16
    assert statements(issue(40), {"id": 41}) == 10
    assert SkippedItem.objects.count() == 1


def test_a_page_of_messages() -> None:
    make_guild()
    location = place()

    def statements(*items: Any, deleted: Sequence[int] = ()) -> int:
        write = PageWrite(page=convert_messages(items, GUILD, CHANNEL), location=location, states={})
        with CaptureQueriesContext(connection) as captured:
            store_messages([write], now=NOW, deleted=deleted)
        return len(captured)

    new = [message(at(number)) for number in range(29)]
    assert (statements(*new), statements(*new)) == (8, 7)
    assert statements(message(at(1), "edited", edited_timestamp="2025-04-01T00:00:00+00:00")) == 11
    assert statements(message(at(50)) | {"author": person("mirela", global_name="Mira")}) == 11
    assert statements(message(at(51)), deleted=[at(1)]) == 14
