"""Tests of retrying skipped items, and of the permission to request retries."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from core.ingest.skips import clear_skips, record_failed_retry, record_skip, request_retry, skips_to_retry
from core.models import SkippedItem

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ADMIN = reverse("admin:core_skippeditem_changelist")


def skip(name: str, minutes: int = 0) -> SkippedItem:
    """Record a skip of an item ``minutes`` minutes after noon, and return the skip."""
    record_skip(
        collector="github", scope="1", stream="issues", external_id=name, reason="malformed",
        now=NOON + timedelta(minutes=minutes),
    )  # fmt: skip
    return SkippedItem.objects.get(external_id=name)


def waiting(at_once: int = 2) -> list[str]:
    """Return the external ids of the items that a run would retry."""
    found = skips_to_retry(
        collector="github", scope="1", streams=["issues"], reasons=["malformed"], at_once=at_once
    )  # fmt: skip
    return [item.external_id for item in found]


def retry_in_admin(client: Client, *items: SkippedItem) -> int:
    """Choose the retry action for these skips in the admin, and return the status code."""
    chosen = {"action": "retry", "_selected_action": [item.pk for item in items]}
    return client.post(ADMIN, chosen).status_code


def test_those_that_waited_longest_are_tried_first() -> None:
    for place, name in enumerate("cab"):
        skip(name, place)
    assert waiting() == ["c", "a"]


def test_those_that_somebody_asked_for_go_before_them_however_many() -> None:
    for place, name in enumerate("abcd"):
        skip(name, place)
    request_retry(SkippedItem.objects.filter(external_id__in=["b", "c", "d"]))
    assert waiting() == ["b", "c", "d"]


def test_an_attempt_uses_the_request_up_and_is_counted() -> None:
    item = skip("a")
    request_retry(SkippedItem.objects.all())
    record_failed_retry(item)
    kept = SkippedItem.objects.get()
    assert (kept.attempts, kept.retry_requested_at, kept.cleared_at) == (2, None, None)


def test_what_is_cleared_is_not_asked_for_again() -> None:
    skip("a")
    clear_skips(collector="github", scope="1", stream="issues", external_id="a")
    assert request_retry(SkippedItem.objects.all()) == 0
    assert waiting() == []


def test_the_admin_asks_for_those_that_were_chosen(admin_client: Client) -> None:
    item, other = skip("a"), skip("b")
    assert retry_in_admin(admin_client, item) == 302
    assert SkippedItem.objects.get(pk=item.pk).retry_requested_at
    assert not SkippedItem.objects.get(pk=other.pk).retry_requested_at


def test_who_may_only_look_may_not_ask(client: Client) -> None:
    user = get_user_model().objects.create_user("reader", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_skippeditem"))  # type: ignore[attr-defined]
    client.force_login(user)
    item = skip("a")
    retry_in_admin(client, item)
    assert not SkippedItem.objects.get(pk=item.pk).retry_requested_at
