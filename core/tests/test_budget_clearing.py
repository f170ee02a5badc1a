"""Tests that operators can list and clear budgets, and that invalid limit headers count as unknown."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.db.budgets import spend
from core.errors import ConfigurationError, RetryLater
from core.models import ApiBudget
from core.operations.bounds import Allowance
from core.operations.embedding_endpoint import EmbeddingEndpoint
from core.operations.http import Transport
from core.operations.pinecone_ops import PineconeInference
from core.operations.slack_ops import SlackClient
from tests.support.scripted_server import JSON, Reply, ScriptedServer

LATER = datetime(2031, 5, 1, 12, tzinfo=UTC)
GARBAGE = ["soon", "nan", "-5", "9" * 5000, "1e400"]
EMBEDDED = Reply(body=json.dumps({"data": [{"index": 0, "embedding": [1.0, 2.0]}]}).encode())


def stored(resource: str = "core", source: str = "github") -> ApiBudget:
    return ApiBudget.objects.create(
        source_system=source, account="***1234", resource=resource, limit=5000, remaining=0, resets_at=LATER,
        not_before=LATER,
    )  # fmt: skip


def printed(*arguments: str) -> str:
    out = StringIO()
    call_command("api_budgets", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_command_lists_waits_and_clears_the_selected_ones() -> None:
    core, graphql = stored(), stored("graphql")
    assert "github ***1234 core: 0 left of 5,000 until 2031-05-01 12:00 UTC (no request before" in printed()
    assert len(json.loads(printed("--json"))["budgets"]) == 2
    assert printed("--clear", "--resource", "core") == "1 budget cleared\n"
    core.refresh_from_db()
    graphql.refresh_from_db()
    assert (core.remaining, core.resets_at, core.not_before, core.limit) == (None, None, None, 5000)
    assert graphql.not_before == LATER
    assert "core: an unknown number left of 5,000\n" in printed()


@pytest.mark.django_db
def test_clearing_everything_needs_an_option() -> None:
    stored(source="discord")
    with pytest.raises(ConfigurationError, match="--all"):
        printed("--clear")
    assert json.loads(printed("--clear", "--all", "--json")) == {"cleared": 1}


@pytest.mark.django_db
def test_the_admin_shows_and_clears_for_those_who_may(admin_client: Client, client: Client) -> None:
    budget = stored()
    page = reverse("admin:core_apibudget_changelist")
    chosen = {"action": "clear", "_selected_action": [budget.pk]}
    client.force_login(User.objects.create_user("reader", is_staff=True))
    client.post(page, chosen)
    budget.refresh_from_db()
    assert budget.not_before == LATER
    assert "***1234" in admin_client.get(page).content.decode()
    assert admin_client.post(page, chosen).status_code == 302
    budget.refresh_from_db()
    assert budget.not_before is None


@pytest.mark.django_db
def test_a_window_stored_with_a_wrong_clock_ends_now() -> None:
    def take() -> tuple[int, datetime]:
        return spend(source_system="discord", account="a", resource="r", limit=10, units=1, window=600)

    take()
    assert take()[0] == 8
    ApiBudget.objects.update(resets_at=timezone.now() + timedelta(days=900), remaining=0)
    left, until = take()
    assert left == 9
    assert until < timezone.now() + timedelta(seconds=700)


@pytest.mark.parametrize("wait", GARBAGE)
def test_a_garbled_wait_of_an_embedding_endpoint_is_unknown(script: ScriptedServer, wait: str) -> None:
    script.replies = [Reply(429, JSON | {"Retry-After": wait}, b"{}"), EMBEDDED]
    assert EmbeddingEndpoint(script.url, "a-key-of-tests", transport=script.transport()).embed("m", ["x"]) == [
        [1.0, 2.0]
    ]
    assert script.slept == [0.5]


@pytest.mark.parametrize("wait", GARBAGE)
def test_a_garbled_wait_of_slack_is_unknown(script: ScriptedServer, wait: str) -> None:
    script.replies = [Reply(429, JSON | {"Retry-After": wait}, b'{"ok": false, "error": "ratelimited"}')]
    with pytest.raises(RetryLater) as raised:
        next(iter(SlackClient("xoxb-1-a", f"{script.url}/api/", patience=0).history("C1")))  # pragma: allowlist secret
    assert _seconds(raised.value) == pytest.approx(30, abs=5)


@pytest.mark.parametrize("wait", ["soon", "nan", "inf"])
def test_a_garbled_wait_of_pinecone_is_unknown(
    script: ScriptedServer, wait: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pinecone._internal.http_client._retry_sleep", lambda seconds: None)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    script.replies = [Reply(429, JSON | {"Retry-After": wait}, b'{"error": {"message": "slow down"}}')]
    with pytest.raises(RetryLater) as raised:
        PineconeInference("a-key-of-tests", host=script.url).embed("multilingual-e5-large", ["x"], role="passage")
    assert _seconds(raised.value) == pytest.approx(30, abs=10)


@pytest.mark.parametrize(("service", "wait"), [("slack", "86400000"), ("endpoint", "31536000")])
def test_an_implausible_wait_delays_later_runs_by_an_hour_at_most(
    script: ScriptedServer, service: str, wait: str
) -> None:
    script.replies = [Reply(429, JSON | {"Retry-After": wait}, b'{"ok": false, "error": "ratelimited"}')]
    asking: dict[str, Any] = {
        "slack": lambda: next(iter(SlackClient("xoxb-1-a", f"{script.url}/api/", patience=60).history("C1"))),
        "endpoint": lambda: EmbeddingEndpoint(script.url, "k", transport=Transport(Allowance())).embed("m", ["x"]),
    }
    with pytest.raises(RetryLater) as raised:
        asking[service]()
    assert _seconds(raised.value) <= 3600


def _seconds(error: RetryLater) -> float:
    assert error.not_before is not None
    return (error.not_before - datetime.now(UTC)).total_seconds()
