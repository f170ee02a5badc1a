from collections.abc import Callable
from typing import Any

from samples import SAMPLE_REPOSITORY, SECOND_REPOSITORY
from samples.community import SampleCommunity
from samples.server import SampleServer
from samples.tests.conftest import Ask, Reply, ask_server

ISSUES = f"/repos/{SAMPLE_REPOSITORY}/issues?state=all&sort=updated&direction=asc"
COMMENTS = f"/repos/{SAMPLE_REPOSITORY}/issues/comments?sort=updated&direction=asc"
REVIEW_COMMENTS = f"/repos/{SAMPLE_REPOSITORY}/pulls/comments?sort=updated&direction=asc"


def whole_list(server: SampleServer, path: str) -> list[Any]:
    rows: list[Any] = []
    url: str | None = path
    while url:
        reply = ask_server(server, url)
        assert reply.status == 200
        rows += reply.data
        url = reply.link("next")
    return rows


def test_following_next_links_reads_everything_once_and_in_order(sample_server: SampleServer) -> None:
    truth = sample_server.truth()
    for size in (7, 30, 100):
        issues = whole_list(sample_server, f"{ISSUES}&per_page={size}")
        comments = whole_list(sample_server, f"{COMMENTS}&per_page={size}")
        review_comments = whole_list(sample_server, f"{REVIEW_COMMENTS}&per_page={size}")
        assert sorted(row["number"] for row in issues) == sorted(truth["issues"])
        assert sorted(row["id"] for row in comments) == sorted(truth["issue_comments"])
        assert sorted(row["id"] for row in review_comments) == sorted(truth["review_comments"])
        for rows in (issues, comments, review_comments):
            moments = [row["updated_at"] for row in rows]
            assert moments == sorted(moments)


def test_items_of_one_instant_cross_the_edge_of_a_page(sample_server: SampleServer) -> None:
    first = ask_server(sample_server, f"{ISSUES}&per_page=20")
    second = ask_server(sample_server, first.link("next") or "")
    assert first.data[-1]["updated_at"] == second.data[0]["updated_at"]


def test_since_includes_its_own_instant(ask: Ask) -> None:
    moment = "2025-06-30T12:00:00Z"
    rows = ask(f"{ISSUES}&since={moment}&per_page=100").data
    assert rows[0]["updated_at"] == moment
    assert sum(row["updated_at"] == moment for row in rows) > 10
    later = ask(f"{ISSUES}&since=2025-06-30T12:00:01Z&per_page=100").data
    assert all(row["updated_at"] > moment for row in later)
    assert later


def test_since_works_without_sorting_by_the_last_change(ask: Ask) -> None:
    rows = ask(f"/repos/{SAMPLE_REPOSITORY}/issues/comments?since=2025-09-01T00:00:00Z&per_page=100").data
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert all(row["updated_at"] >= "2025-09-01" for row in rows)


def test_a_page_has_thirty_items_unless_asked_and_never_more_than_a_hundred(ask: Ask) -> None:
    assert len(ask(COMMENTS).data) == 30
    assert len(ask(f"{COMMENTS}&per_page=1000").data) == 100


def test_numbered_lists_link_in_all_directions(ask: Ask, sample_server: SampleServer) -> None:
    reply = ask(f"{COMMENTS}&per_page=100&page=2")
    assert {rel for rel in ("first", "prev", "next", "last") if reply.link(rel)} == {"first", "prev", "next", "last"}
    assert (reply.link("next") or "").startswith(f"{sample_server.url}/repositories/4900000001/issues/comments?")
    assert ask(f"{COMMENTS}&per_page=100&page=99").data == []


def test_the_issue_list_pages_by_a_cursor_that_keeps_its_place(ask: Ask, sample_server: SampleServer) -> None:
    first = ask(f"{ISSUES}&per_page=10")
    assert "after=" in (first.link("next") or "")
    assert first.link("last") is None
    sample_server.edit_issue(first.data[0]["number"], body="moves to the end")
    second = ask(first.link("next") or "")
    seen = {row["number"] for row in first.data} & {row["number"] for row in second.data}
    assert not seen
    assert second.data[0]["updated_at"] >= first.data[-1]["updated_at"]


def test_numbered_pages_slide_when_something_changes(ask: Ask, sample_server: SampleServer) -> None:
    first = ask(f"{COMMENTS}&per_page=10").data
    kept = ask(f"{COMMENTS}&per_page=10&page=2").data
    sample_server.edit_comment(first[0]["id"], "moves to the end")
    assert ask(f"{COMMENTS}&per_page=10&page=2").data[0]["id"] == kept[1]["id"]


def test_descending_lists_end_where_ascending_ones_begin(sample_server: SampleServer) -> None:
    down = ISSUES.replace("direction=asc", "direction=desc")
    ascending = [row["number"] for row in whole_list(sample_server, f"{ISSUES}&per_page=9")]
    assert [row["number"] for row in whole_list(sample_server, f"{down}&per_page=9")] == ascending[::-1]


def test_page_numbers_of_issues_end_at_a_limit(serve_community: Callable[..., SampleServer]) -> None:
    server = serve_community(SampleCommunity.synthetic(issues=300, comments=0), page_limit=200)
    assert ask_server(server, f"{ISSUES}&per_page=100&page=1").status == 200
    refused = ask_server(server, f"{ISSUES}&per_page=100&page=2")
    assert refused.status == 422
    assert "cursor based pagination" in refused.data["message"]
    assert len(whole_list(server, f"{ISSUES}&per_page=100")) == 300


def test_comment_lists_end_at_a_limit_and_since_leads_on(serve_community: Callable[..., SampleServer]) -> None:
    server = serve_community(SampleCommunity.synthetic(issues=10, comments=700), comment_limit=500)
    rows = whole_list(server, f"{COMMENTS}&per_page=100")
    assert len(rows) == 500
    assert ask_server(server, f"{COMMENTS}&per_page=100&page=6").status == 422
    rows += whole_list(server, f"{COMMENTS}&per_page=100&since={rows[-1]['updated_at']}")
    assert {row["id"] for row in rows} == set(server.truth()["issue_comments"])


def test_more_items_of_one_instant_than_a_page_holds(serve_community: Callable[..., SampleServer]) -> None:
    server = serve_community(SampleCommunity.synthetic(issues=20, comments=400, busy_instant=250))
    last = whole_list(server, f"{COMMENTS}&per_page=100")[-1]["updated_at"]
    assert len(whole_list(server, f"{COMMENTS}&per_page=100&since={last}")) == 250


def test_broken_arguments_are_refused(ask: Ask) -> None:
    assert ask(f"{ISSUES}&since=yesterday").status == 422
    assert ask(f"{ISSUES}&after=nonsense").status == 422
    assert ask(f"/repos/{SAMPLE_REPOSITORY}/issues?state=asleep").status == 422


def test_single_objects_equal_those_of_the_lists(ask: Ask) -> None:
    root = f"/repos/{SAMPLE_REPOSITORY}"
    issue, comment = ask(f"{ISSUES}&per_page=1").data[0], ask(f"{COMMENTS}&per_page=1").data[0]
    assert ask(f"{root}/issues/{issue['number']}").data == issue
    assert ask(f"{root}/issues/comments/{comment['id']}").data == comment
    assert len(ask(f"{root}/issues/10/comments?per_page=100").data) == ask(f"{root}/issues/10").data["comments"] > 60


def test_what_is_gone_says_how(ask: Ask, sample_server: SampleServer) -> None:
    root = f"/repos/{SAMPLE_REPOSITORY}"
    moved = ask(f"{root}/issues/22")
    assert (moved.status, moved.headers["location"]) == (301, f"{sample_server.url}/repositories/4900000002/issues/4")
    assert ask(moved.headers["location"]).data["title"].startswith("Wrong constants")
    assert ask(f"{root}/issues/22/comments").status == 404
    assert ask(f"{root}/issues/9").status == 410
    assert ask(f"{root}/issues/999").status == 404
    assert ask(f"{root}/pulls/1").status == 404
    assert ask(f"{root}/nothing").status == 404
    assert ask("/repos/nobody/nothing").data["message"] == "Not Found"


def test_a_repository_is_found_by_name_by_id_and_by_its_former_name(ask: Ask, sample_server: SampleServer) -> None:
    named, by_id = ask(f"/repos/{SAMPLE_REPOSITORY.upper()}"), ask("/repositories/4900000001")
    assert named.data == by_id.data
    assert named.data["full_name"] == SAMPLE_REPOSITORY
    former = ask("/repos/saltmarsh-works/tide-watch/issues?state=all")
    assert former.status == 301
    assert former.headers["location"] == f"{sample_server.url}/repositories/4900000001/issues?state=all"


def test_commits_are_listed_where_there_is_git(ask: Ask, sample_server: SampleServer) -> None:
    rows = whole_list(sample_server, f"/repos/{SAMPLE_REPOSITORY}/commits?per_page=20")
    assert {row["sha"] for row in rows} <= set(sample_server.truth()["commits"])
    assert rows[-1]["commit"]["message"].startswith("Start Tidewatch")
    assert [len(row["parents"]) for row in rows if "translations at once" in row["commit"]["message"]] == [4]
    assert any(row["author"] and row["author"]["login"] == "tobe-marshlight" for row in rows)
    empty: Reply = ask(f"/repos/{SECOND_REPOSITORY}/commits")
    assert (empty.status, empty.data["message"]) == (409, "Git Repository is empty.")
