import time
from collections.abc import Callable

from samples import SAMPLE_REPOSITORY
from samples.server import SampleServer
from samples.tests.conftest import Ask, ask_server

REPOSITORY = f"/repos/{SAMPLE_REPOSITORY}"


def left(server: SampleServer, user: str = "sample") -> int:
    reply = ask_server(server, "/rate_limit", token=server.token(user))
    return reply.data["resources"]["core"]["remaining"]


def test_every_answer_says_what_is_left(ask: Ask) -> None:
    first, second = ask(REPOSITORY), ask(f"{REPOSITORY}/issues/999")
    assert first.headers["x-ratelimit-limit"] == "5000"
    assert first.headers["x-ratelimit-resource"] == "core"
    assert int(first.headers["x-ratelimit-remaining"]) - int(second.headers["x-ratelimit-remaining"]) == 1
    assert 3500 < int(first.headers["x-ratelimit-reset"]) - time.time() <= 3600


def test_tokens_of_one_user_share_a_quota_and_asking_for_it_is_free(sample_server: SampleServer) -> None:
    ask_server(sample_server, REPOSITORY, token="ghp_ann_1")
    ask_server(sample_server, REPOSITORY, token="ghp_ann_2")
    assert left(sample_server, "ann") == left(sample_server, "ann") == 4998
    assert left(sample_server, "bo") == 5000


def test_without_a_token_there_are_sixty_requests(ask: Ask, sample_server: SampleServer) -> None:
    assert ask(REPOSITORY, token=None).headers["x-ratelimit-limit"] == "60"
    sample_server.set_quota("", remaining=1, reset_in=30)
    assert ask(REPOSITORY, token=None).status == 200
    refused = ask(REPOSITORY, token=None)
    assert (refused.status, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    assert refused.data["message"].startswith("API rate limit exceeded for 127.0.0.1.")
    assert int(refused.headers["x-ratelimit-reset"]) - time.time() <= 30
    assert ask(REPOSITORY).status == 200


def test_a_quota_is_new_after_its_reset(ask: Ask, sample_server: SampleServer) -> None:
    sample_server.set_quota(remaining=0, reset_in=2)
    assert ask(REPOSITORY).status == 403
    time.sleep(2.01)
    assert ask(REPOSITORY).status == 200


def test_an_empty_quota_may_answer_429(serve_community: Callable[..., SampleServer]) -> None:
    server = serve_community(exhausted_status=429, rest_limit=1)
    assert [ask_server(server, REPOSITORY).status for _ in range(2)] == [200, 429]


def test_an_unchanged_answer_is_304_and_free_for_a_token(ask: Ask, sample_server: SampleServer) -> None:
    first = ask(f"{REPOSITORY}/issues")
    before = left(sample_server)
    same = ask(f"{REPOSITORY}/issues", if_none_match=first.headers["etag"])
    assert (same.status, same.body, left(sample_server)) == (304, b"", before)
    sample_server.edit_issue(1, title="Another title")
    changed = ask(f"{REPOSITORY}/issues", if_none_match=first.headers["etag"])
    assert (changed.status, left(sample_server)) == (200, before - 1)


def test_etags_belong_to_a_token(ask: Ask) -> None:
    mine, theirs = ask(REPOSITORY), ask(REPOSITORY, token="ghp_other_1")
    assert mine.body == theirs.body
    assert mine.headers["etag"] != theirs.headers["etag"]


def test_bad_credentials_are_refused_without_limits(ask: Ask, sample_server: SampleServer) -> None:
    for token in ("ghp_bad_1", "ghp_badly_2", "nonsense", "ghp_short"):
        refused = ask(REPOSITORY, token=token)
        assert (refused.status, refused.data["message"]) == (401, "Bad credentials")
        assert "x-ratelimit-limit" not in refused.headers
    sample_server.fail("revoke")
    assert ask(REPOSITORY).status == 401
    assert ask(REPOSITORY).status == 401
    assert ask(REPOSITORY, token="ghp_other_1").status == 200


def test_a_user_agent_is_required(sample_server: SampleServer) -> None:
    assert ask_server(sample_server, REPOSITORY, agent="").status == 403


def test_versions_of_the_api(ask: Ask) -> None:
    assert ask(REPOSITORY, x_github_api_version="2022-11-28").headers["x-github-api-version-selected"] == "2022-11-28"
    assert ask(REPOSITORY, x_github_api_version="1999-01-01").status == 400


def test_who_am_i(ask: Ask) -> None:
    assert ask("/user", token="ghp_mirela-quayside_1").data["id"] == 90000000001
    assert ask("/user", token=None).status == 401


def test_graphql_is_for_those_who_have_a_token(ask: Ask) -> None:
    assert ask("/graphql", token=None).status == 401
