"""Tests of complete runs with all kinds of tokens, in situations that occur on real servers."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from core.models import Activity, ApiBudget, Checkpoint, CollectorRun, SkippedItem
from core.operations.http import Transport
from github_activity_tracker.collector import collector
from github_activity_tracker.tests.test_collect import Collect
from github_activity_tracker.tests.test_refusals import exit_code
from tests.support.github_twin import CONFIG, SPARSE, Twin, differences

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.twin,
    pytest.mark.slow,
]
PAUSE = Transport.pause
"""The original method. A fixture replaces it in all tests to shorten pauses, and some tests restore it."""
USUAL: dict[str, Any] = {
    **CONFIG, "scopes": {}, "token_owners": {}, "clock_skew": 0, "public_url": None, "link_on_304": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    running = Twin(tmp_path_factory.mktemp("small-twin"), SPARSE)
    yield running
    running.stop()


@pytest.fixture
def server(small: Twin, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Twin]:
    """Yield the small twin with its recorded data. The collector uses one token without scopes."""
    small.call("reset", {"data": True})
    small.call("limits", {"config": USUAL})
    settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = small.url
    settings.GITHUB_TOKENS = ["ghp_alice_1"]
    settings.WORKSPACE_DIR = tmp_path
    monkeypatch.setattr(collector, "PATIENCE", 5.0)
    monkeypatch.setattr(collector, "IMPATIENCE", 5.0)
    yield small
    small.call("limits", {"config": USUAL})


@pytest.fixture
def collect(server: Twin, collect: Collect) -> Collect:
    """Return a function that collects the twin's repository and the repositories in the arguments."""
    return lambda *arguments: collect(server.name, *arguments)


def requests_of(server: Twin) -> list[dict[str, Any]]:
    """Return the requests since the last reset, at most the last 500."""
    return server.call("log?last=500")["log"]


def configure(server: Twin, **config: Any) -> None:
    server.call("limits", {"config": config})


@pytest.mark.parametrize(
    ("token", "scopes"),
    [
        *product(["ghp_alice_1", "gho_alice_1"], [[], ["read:org"], ["repo", "user"]]),
        *product(["github_pat_alice_1", "ghs_alice_1", "ghu_alice_1"], [[]]),  # these kinds of tokens have no scopes
    ],
    ids=str,
)
def test_a_token_of_any_kind_and_with_any_scope_collects_everything_public(
    server: Twin, collect: Collect, settings: Any, token: str, scopes: list[str]
) -> None:
    settings.GITHUB_TOKENS = [token]
    configure(server, scopes={"*": scopes})
    assert collect()["outcome"] == "succeeded"
    assert differences(server.truth()) == {}


@pytest.mark.parametrize("api", ["rest", "graphql"])
@pytest.mark.parametrize("nth", [[1], [2], [4]])
def test_a_spurious_refusal_stops_nothing(server: Twin, collect: Collect, api: str, nth: list[int]) -> None:
    server.call("faults", {"rules": [{"kind": "401", "api": api, "nth": nth}]})
    assert collect()["outcome"] == "succeeded"
    assert differences(server.truth()) == {}


@pytest.mark.parametrize(("api", "nth"), [("rest", 7), ("graphql", 5)])
def test_the_last_token_that_is_revoked_ends_the_run_with_3_and_its_variable(
    server: Twin, collect: Collect, api: str, nth: int
) -> None:
    server.call("faults", {"rules": [{"kind": "revoke", "api": api, "nth": [nth]}]})
    result = collect()
    assert result["outcome"] == "partial"
    assert "GITHUB_TOKENS" in result["scopes"][0]["reason"]
    assert "ghp_" not in str(result)
    assert CollectorRun.objects.latest("pk").failure_category == "auth"
    assert Activity.objects.exists()


def test_a_token_that_is_bad_from_the_beginning_ends_with_2(server: Twin, settings: Any, capsys: Any) -> None:
    settings.GITHUB_TOKENS = ["ghp_alice_1", "bad_token_1"]
    server.call("faults", {"rules": [{"kind": "revoke", "nth": [1]}]})
    assert exit_code(server.name) == 2
    assert "GITHUB_TOKENS" in capsys.readouterr().err


@pytest.mark.parametrize("nth", [1, 3, 6])
def test_a_revoked_token_among_several_stops_nothing_and_is_named_without_its_secret(
    server: Twin, collect: Collect, settings: Any, nth: int, caplog: Any
) -> None:
    settings.GITHUB_TOKENS = ["ghp_alice_1", "ghp_bob_first"]
    server.call("faults", {"rules": [{"kind": "revoke", "user": "alice", "nth": [nth]}]})
    assert collect()["outcome"] == "succeeded"
    assert differences(server.truth()) == {}
    assert "GitHub refused ***ce_1 once" in caplog.text
    assert "ghp_" not in caplog.text


@pytest.mark.parametrize(
    "owners",
    [{"ghp_alice_1": ["elsewhere"], "*": []}, {"ghp_alice_1": [], "ghp_bob_1": []}],
    ids=["another owner", "nothing"],
)
def test_the_token_that_sees_the_owner_is_found_for_every_api_and_remembered(
    server: Twin, collect: Collect, settings: Any, owners: dict[str, list[str]]
) -> None:
    settings.GITHUB_TOKENS = ["ghp_alice_1", "ghp_bob_1", "github_pat_carol_1"]
    configure(server, token_owners={**owners, "github_pat_carol_1": [server.name.partition("/")[0]]})
    assert collect()["outcome"] == "succeeded"
    assert differences(server.truth()) == {}
    assert not SkippedItem.objects.exists()
    server.call("reset", {})
    configure(server, token_owners={**owners, "github_pat_carol_1": [server.name.partition("/")[0]]})
    assert collect()["outcome"] == "succeeded"
    assert {one["user"] for one in requests_of(server) if one["user"]} == {"carol"}
    assert Checkpoint.objects.filter(scope="tokens").exists()


def test_a_repository_that_is_gone_is_not_asked_for_with_every_token_every_night(
    server: Twin, collect: Collect, settings: Any
) -> None:
    settings.GITHUB_TOKENS = ["ghp_alice_1", "ghp_bob_1", "ghp_carol_1"]
    absent = f"{server.name.partition('/')[0]}/absent"
    spent: list[int] = []
    for _ in range(2):
        server.call("reset", {})
        collect(absent, "--streams", "labels")
        spent.append(len(requests_of(server)))
    assert SkippedItem.objects.get(stream="repository").reason == "not_found"
    assert spent[1] <= spent[0] - 2


@pytest.mark.parametrize("skew", [120, -120, 3600, -3600])
def test_reset_times_are_githubs_and_not_ours(
    server: Twin, collect: Collect, skew: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Transport, "pause", PAUSE)
    configure(server, clock_skew=skew)
    server.call("faults", {"rules": [{"kind": "primary", "api": "rest", "nth": [4], "reset_in": 2}]})
    assert collect()["outcome"] == "succeeded"
    assert differences(server.truth()) == {}


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "graphql_secondary", "form": "errors", "retry_after": 1},
        {"kind": "graphql_secondary", "form": "message", "retry_after": 1},
        {"kind": "graphql_secondary", "form": "errors", "wording": "abuse", "retry_after": 1},
        {"kind": "secondary", "wording": "abuse", "retry_after": 1},
        {"kind": "secondary", "retry_after": 1, "headers": {"X-RateLimit-Remaining": 0}},
        {"kind": "graphql_error", "type": "SERVICE_UNAVAILABLE", "data": None},
        {"kind": "graphql_error"},
        {"kind": "graphql_error", "type": "INVENTED_NEXT_YEAR"},
    ],
    ids=["errors", "message", "abuse in GraphQL", "abuse in REST", "both", "unavailable", "timedout", "unknown"],
)
def test_a_limit_or_error_in_any_form_stops_nothing_and_is_waited_for(
    server: Twin, collect: Collect, rule: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Transport, "pause", PAUSE)
    server.call("faults", {"rules": [{**rule, "nth": [1, 3, 4]}]})
    assert collect()["outcome"] == "succeeded"
    assert differences(server.truth()) == {}
    assert server.call("stats")["secondary"].get("requests_during_penalty", 0) == 0


def test_an_absurd_wait_is_reported_and_holds_back_neither_other_tokens_nor_the_next_run(
    server: Twin, collect: Collect, settings: Any, caplog: Any
) -> None:
    server.call("faults", {"rules": [{"kind": "secondary", "retry_after": 259_200, "nth": [4]}]})
    result = collect()
    assert result["outcome"] == "partial"
    assert "259,200 seconds" in result["scopes"][0]["reason"]
    assert not ApiBudget.objects.filter(not_before__gt=CollectorRun.objects.latest("pk").started_at.replace(year=9999))
    ApiBudget.objects.update(not_before=None)  # as if the waiting time were over
    assert collect()["outcome"] == "succeeded"
    settings.GITHUB_TOKENS = ["ghp_alice_1", "ghp_bob_1"]
    server.call("faults", {"rules": [{"kind": "secondary", "retry_after": 259_200, "user": "alice", "nth": [1]}]})
    assert collect("--full")["outcome"] == "succeeded"
    assert differences(server.truth()) == {}


def test_another_name_of_the_server_needs_no_second_collection(server: Twin, collect: Collect, settings: Any) -> None:
    assert collect()["outcome"] == "succeeded"
    port = urlsplit(server.url).port
    names = [f"http://localhost:{port}", f"{server.url}/api/v3"]
    for name in names:
        settings.GITHUB_API_URL = name
        for saved in Checkpoint.objects.filter(extras__has_key="etags"):  # earlier releases saved complete URLs
            saved.extras = {
                "etags": [[f"https://api.github.com:443{url}", etag] for url, etag, *_ in saved.extras["etags"]]
            }
            saved.save()
        assert collect()["outcome"] == "succeeded"
    settings.GITHUB_API_URL = server.url
    configure(server, public_url=f"http://localhost:{port}")
    server.call("mutate", {"op": "add_issue", "repo": server.name, "title": "new"})
    assert collect()["outcome"] == "succeeded"
    assert collect("--full")["outcome"] == "succeeded"
    assert differences(server.truth()) == {}


def test_a_refusal_in_the_probe_is_repeated_in_githubs_words(server: Twin, collect: Collect) -> None:
    server.call("faults", {"rules": [{"kind": "graphql_null", "at": "^r0$", "message": "Blocked by an IP allow list"}]})
    result = collect()
    assert result["outcome"] == "partial"
    detail = " ".join(SkippedItem.objects.values_list("detail", flat=True))
    assert "IP allow list" in detail
    assert "set GITHUB_TOKENS" not in detail
