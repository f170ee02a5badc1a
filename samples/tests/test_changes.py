from samples import SAMPLE_REPOSITORY, SECOND_REPOSITORY
from samples.community import SampleCommunity
from samples.server import SampleServer
from samples.tests.conftest import Ask

ROOT = f"/repos/{SAMPLE_REPOSITORY}"


def test_an_edit_moves_the_date_of_the_issue(ask: Ask, sample_server: SampleServer) -> None:
    before = ask(f"{ROOT}/issues/1").data
    sample_server.edit_issue(1, title="New title", body=None)
    after = ask(f"{ROOT}/issues/1").data
    assert (after["title"], after["body"]) == ("New title", None)
    assert after["updated_at"] > before["updated_at"]
    sample_server.edit_issue(1, state="closed", state_reason="not_planned", at="2026-01-01T00:00:00Z")
    closed = ask(f"{ROOT}/issues/1").data
    assert (closed["state"], closed["state_reason"], closed["closed_at"]) == (
        "closed",
        "not_planned",
        "2026-01-01T00:00:00Z",
    )


def test_comments_move_their_issue_when_they_come_change_and_go(ask: Ask, sample_server: SampleServer) -> None:
    moments = [ask(f"{ROOT}/issues/1").data["updated_at"]]
    id_ = sample_server.add_comment(1, "first")
    moments.append(ask(f"{ROOT}/issues/1").data["updated_at"])
    sample_server.edit_comment(id_, "second")
    assert ask(f"{ROOT}/issues/comments/{id_}").data["body"] == "second"
    moments.append(ask(f"{ROOT}/issues/1").data["updated_at"])
    sample_server.delete_comment(id_)
    moments.append(ask(f"{ROOT}/issues/1").data["updated_at"])
    assert moments == sorted(set(moments))
    assert ask(f"{ROOT}/issues/comments/{id_}").status == 404
    assert id_ in sample_server.truth()["deleted"]["issue_comments"]


def test_an_edited_review_comment_does_not_move_its_pull_request(ask: Ask, sample_server: SampleServer) -> None:
    id_ = sample_server.add_review_comment(5, "Why?", path="a.py", line=3)
    before = ask(f"{ROOT}/issues/5").data["updated_at"]
    sample_server.edit_review_comment(id_, "Why not?")
    newest = ask(f"{ROOT}/pulls/comments?sort=updated&direction=desc&per_page=1").data[0]
    assert (newest["id"], newest["body"]) == (id_, "Why not?")
    assert newest["updated_at"] > before == ask(f"{ROOT}/issues/5").data["updated_at"]


def test_a_deleted_issue_takes_its_talk_with_it(ask: Ask, sample_server: SampleServer) -> None:
    ids = [row["id"] for row in ask(f"{ROOT}/issues/2/comments").data]
    sample_server.delete_issue(2)
    truth = sample_server.truth()
    assert ask(f"{ROOT}/issues/2").status == 410
    assert 2 in truth["deleted"]["issues"]
    assert not set(ids) & set(truth["issue_comments"])


def test_a_transferred_issue_arrives_with_its_talk(ask: Ask, sample_server: SampleServer) -> None:
    there = sample_server.transfer_issue(1)
    assert sample_server.truth()["transferred"][1] == f"{SECOND_REPOSITORY}#{there}"
    moved = ask(ask(f"{ROOT}/issues/1").headers["location"]).data
    assert (moved["number"], moved["comments"], moved["created_at"]) == (there, 3, "2025-01-05T08:00:00Z")


def test_a_renamed_repository_redirects(ask: Ask, sample_server: SampleServer) -> None:
    name = sample_server.rename_repository("ebbwatch")
    assert name == "saltmarsh-works/ebbwatch"
    assert ask(ROOT).status == 301
    assert ask(f"/repos/{name}").data["id"] == ask("/repositories/4900000001").data["id"]
    sample_server.edit_issue(1, title="The old name still means the same to a test")


def test_a_renamed_account_keeps_its_id(ask: Ask, sample_server: SampleServer) -> None:
    sample_server.rename_account(90000000001, "mirela-at-sea")
    assert ask(f"{ROOT}/issues/1").data["user"]["login"] == "mirela-at-sea"
    sample_server.rename_account(90000000900, "freshmarsh-works")
    assert ask(ROOT).status == 301
    assert ask("/repos/freshmarsh-works/tidewatch").status == 200


def test_a_deleted_account_becomes_a_ghost(ask: Ask, sample_server: SampleServer) -> None:
    sample_server.delete_account(90000000004)
    issue = ask(f"{ROOT}/issues/2").data
    review = ask(f"{ROOT}/pulls/5/comments").data
    assert (issue["user"]["login"], issue["assignees"][0]["login"]) == ("ghost", "mirela-quayside")
    assert any(row["user"] is None for row in review)
    sample_server.delete_account(90000000003, null_everywhere=True)
    assert ask(f"{ROOT}/issues/3").data["user"] is None


def test_the_story_at_an_earlier_moment_has_the_same_ids() -> None:
    then, now = SampleCommunity.load("2025-03-31T00:00:00Z"), SampleCommunity.load()
    before, after = then.repository(SAMPLE_REPOSITORY), now.repository(SAMPLE_REPOSITORY)
    common = before.comments.keys() & after.comments.keys()
    assert len(common) > 80
    assert all(before.comments[id_].created_at == after.comments[id_].created_at for id_ in common)
    assert any(before.comments[id_].body != after.comments[id_].body for id_ in common)
    assert before.issues[3].title != after.issues[3].title
    assert before.issues[5].pull
    assert before.issues[5].pull.merged_at
    assert then.accounts[90000000009].login == "g-lantern"
    assert max(issue.updated_at for issue in before.issues.values()) <= "2025-03-31T00:00:00Z"


def test_one_server_does_not_see_what_another_changes(sample_server: SampleServer) -> None:
    title = sample_server.truth()["issues"][1]["title"]
    with SampleServer() as other:
        other.edit_issue(1, title="Elsewhere")
        other.delete_comment(min(other.truth()["issue_comments"]))
    with SampleServer() as third:
        assert third.truth() == sample_server.truth()
    assert sample_server.truth()["issues"][1]["title"] == title
