"""Tests of failures during a run. Afterwards, the stored data must equal the data of the server."""

import threading
from typing import Any

import pytest

from core.operations.discord_ops import client as discord_client
from discord_activity_tracker.models import Message
from discord_activity_tracker.tests.conftest import Collect
from tests.support.discord_truth import differences, false_tombstones
from tests.support.discord_twin import Twin
from tests.support.slow_variants import quick

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.twin]
FAULTS: list[dict[str, object]] = [
    *({"kind": "status", "status": status} for status in (500, 502, 503, 504, 520, 521, 522, 524, 529)),
    *({"kind": kind, "retry_after": 0.1} for kind in ("429", "429_global", "429_shared", "429_novia", "429_html")),
    *({"kind": kind} for kind in ("reset", "close", "truncate", "badjson", "html", "null", "empty")),
    {"kind": "hang", "s": 3},
    {"kind": "slow", "s": 0.2},
]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses between attempts, and shorten the timeout."""
    monkeypatch.setattr(discord_client, "waiting_time", lambda _error, attempt: 0.02 * (attempt + 1))
    monkeypatch.setattr(discord_client, "TIMEOUT", 1.0)


@pytest.mark.parametrize(
    "fault",
    quick(FAULTS, FAULTS[1], FAULTS[9], FAULTS[16]),
    ids=lambda fault: f"{fault['kind']}{fault.get('status', '')}",
)
def test_single_fault_costs_one_attempt(twin: Twin, collect: Collect, fault: dict[str, object]) -> None:
    boxes = twin.readable()
    channel = str(max(boxes, key=lambda pk: boxes[pk]["count"]))
    twin.fail({**fault, "nth": 2, "match": "/messages"}, {**fault, "nth": 1, "match": "/users/@me"})
    result = collect("--channel", channel)
    assert result["outcome"] == "succeeded"
    assert [line for line in differences(twin) if line.startswith(channel)] == []
    assert Message.objects.filter(channel_id=channel).exists()


def test_many_faults_at_once(twin: Twin, collect: Collect) -> None:
    kinds = ("reset", "close", "truncate", "badjson", "html", "null", "empty", "429")
    twin.fail(*({"kind": kind, "p": 0.006, "seed": n, "retry_after": 0.1} for n, kind in enumerate(kinds)))
    assert collect()["outcome"] == "succeeded"
    assert differences(twin) == []


def test_revoked_token_stops_the_run_at_the_first_refusal(twin: Twin, collect: Collect) -> None:
    twin.fail({"kind": "revoke", "nth": 30})
    result = collect()
    assert result["outcome"] == "partial"  # some data was stored before the refusal
    assert "DISCORD_BOT_TOKEN" in result["scopes"][-1]["reason"]
    assert "twin-token" not in str(result)
    assert twin.call("stats")["statuses"].get("401", 0) <= 16  # requests that were already in progress


@pytest.mark.slow
def test_next_sweep_finds_changes_made_during_a_run(twin: Twin, collect: Collect) -> None:
    twin.call("limits", {"enabled": False, "latency_ms": [5, 15]})
    over = threading.Event()

    def storm() -> None:
        for n in range(40):
            if not over.wait(0.03):
                twin.mutate(op="storm", n=10, seed=n)

    thread = threading.Thread(target=storm)
    thread.start()
    collect("--sweep")
    over.set()
    thread.join()
    collect("--sweep")
    assert differences(twin) == []
    assert false_tombstones(twin) == []


def test_run_with_a_small_budget_resumes(twin: Twin, collect: Collect) -> None:
    outcomes: list[Any] = []
    for _ in range(30):
        outcomes.append(collect("--max-requests", "40")["outcome"])
        if outcomes[-1] == "succeeded":
            break
    assert (set(outcomes[:-1]), outcomes[-1]) == ({"partial"}, "succeeded")
    assert differences(twin) == []
