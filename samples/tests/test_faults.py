import http.client
import json
import time
from urllib.error import URLError

import pytest

from samples import SAMPLE_REPOSITORY
from samples.server import SampleServer
from samples.tests.conftest import Ask

REPOSITORY = f"/repos/{SAMPLE_REPOSITORY}"
COMMENTS = f"{REPOSITORY}/issues/comments"


@pytest.mark.parametrize("status", [401, 403, 404, 409, 410, 422, 429, 451, 500, 502, 503, 504])
def test_a_status_comes_once_and_then_all_is_well(ask: Ask, sample_server: SampleServer, status: int) -> None:
    sample_server.fail(status)
    assert ask(REPOSITORY).status == status
    assert ask(REPOSITORY).status == 200


def test_the_nth_request_fails_and_git_is_not_counted(ask: Ask, sample_server: SampleServer) -> None:
    sample_server.fail(502, 3, times=2)
    ask(f"/{SAMPLE_REPOSITORY}.git/info/refs?service=git-upload-pack")
    assert [ask(REPOSITORY).status for _ in range(5)] == [200, 200, 502, 502, 200]


def test_a_pattern_chooses_requests_by_path_and_query(ask: Ask, sample_server: SampleServer) -> None:
    sample_server.fail(503, r"issues/comments\?.*page=2", skip=1, times=None)
    assert ask(REPOSITORY).status == 200
    assert [ask(f"{COMMENTS}?per_page=5&page=2").status for _ in range(3)] == [200, 503, 503]
    sample_server.clear_faults()
    assert ask(f"{COMMENTS}?per_page=5&page=2").status == 200


def test_a_connection_is_cut_in_the_middle(ask: Ask, sample_server: SampleServer) -> None:
    sample_server.fail("reset", COMMENTS)
    with pytest.raises((http.client.IncompleteRead, ConnectionError, URLError)):
        ask(COMMENTS)
    assert ask(COMMENTS).status == 200


def test_half_of_the_json_arrives(ask: Ask, sample_server: SampleServer) -> None:
    sample_server.fail("truncated")
    reply = ask(COMMENTS)
    assert reply.status == 200
    with pytest.raises(json.JSONDecodeError):
        assert reply.data


def test_a_page_of_html_instead_of_json(ask: Ask, sample_server: SampleServer) -> None:
    sample_server.fail("html")
    sample_server.fail("html", 2, status=502)
    first, second = ask(COMMENTS), ask(COMMENTS)
    assert (first.status, second.status) == (200, 502)
    assert first.body.startswith(b"<!DOCTYPE html>")


def test_a_slow_answer(ask: Ask, sample_server: SampleServer) -> None:
    sample_server.fail("slow", seconds=0.1)
    begun = time.monotonic()
    assert ask(REPOSITORY).status == 200
    assert time.monotonic() - begun >= 0.1


def test_a_slow_answer_does_not_hold_the_server_back_when_it_stops() -> None:
    with SampleServer() as server:
        server.fail("slow", seconds=60)
        client = http.client.HTTPConnection(server.url.removeprefix("http://"))
        client.request("GET", "/rate_limit", headers={"User-Agent": "tests"})
        while server.requests == []:
            time.sleep(0.01)
        begun = time.monotonic()
    client.close()
    assert time.monotonic() - begun < 2


def test_secondary_limits_may_come_with_requests_left(ask: Ask, sample_server: SampleServer) -> None:
    sample_server.fail("secondary", retry_after=7)
    sample_server.fail("secondary", 2, retry_after=None)
    announced, silent = ask(REPOSITORY), ask(REPOSITORY)
    assert (announced.status, announced.headers["retry-after"]) == (403, "7")
    assert int(announced.headers["x-ratelimit-remaining"]) > 0
    assert "secondary rate limit" in silent.data["message"]
    assert "retry-after" not in silent.headers


def test_the_quota_is_used_up_at_once(ask: Ask, sample_server: SampleServer) -> None:
    sample_server.fail("primary", 2, reset_in=60)
    assert [ask(REPOSITORY).status for _ in range(3)] == [200, 403, 403]
    reply = ask(REPOSITORY)
    assert (reply.headers["x-ratelimit-remaining"], "retry-after" in reply.headers) == ("0", False)
    assert 50 < int(reply.headers["x-ratelimit-reset"]) - time.time() <= 60


def test_a_required_key_becomes_null(ask: Ask, sample_server: SampleServer) -> None:
    sample_server.fail("null", COMMENTS, key="created_at", item=2)
    assert [row["created_at"] is None for row in ask(f"{COMMENTS}?per_page=4").data] == [False, False, True, False]


def test_something_may_happen_between_two_pages(ask: Ask, sample_server: SampleServer) -> None:
    sample_server.before("page=2", lambda: sample_server.add_comment(1, "just now"))
    first = ask(f"{COMMENTS}?per_page=1&page=1&sort=updated&direction=desc").data[0]
    second = ask(f"{COMMENTS}?per_page=1&page=2&sort=updated&direction=desc").data[0]
    assert first == second


def test_an_unknown_fault_is_a_mistake_of_the_test(sample_server: SampleServer) -> None:
    with pytest.raises(ValueError, match="unknown fault 'earthquake'"):
        sample_server.fail("earthquake")


def test_requests_are_logged_without_secrets(ask: Ask, sample_server: SampleServer) -> None:
    ask(f"{REPOSITORY}/issues?state=all", token="ghp_ann_secret")
    assert sample_server.requests == [("GET", f"{REPOSITORY}/issues?state=all", 200, "ann", "rest")]
    sample_server.reset_log()
    assert sample_server.requests == []
