"""Tests that the sample community contains the cases that are difficult for collectors."""

import tomllib

from samples import SAMPLE_REPOSITORY
from samples.community import Repository, SampleCommunity
from samples.community.loading import DATA
from samples.git_history import commit_names
from samples.server import SampleServer
from samples.tests.conftest import Ask

ROOT = f"/repos/{SAMPLE_REPOSITORY}"


def repository() -> Repository:
    return SampleCommunity.load().repository(SAMPLE_REPOSITORY)


def bodies(repo: Repository) -> list[str | None]:
    posts = (*repo.issues.values(), *repo.comments.values(), *repo.review_comments.values())
    return [post.body for post in posts]


def test_the_community_is_small_and_complete() -> None:
    repo = repository()
    assert 25 <= len(repo.issues) <= 40
    assert 150 <= len(repo.comments) <= 250
    assert 35 <= len(repo.review_comments) <= 50
    assert max(repo.comments) > 2**32


def test_bodies_are_null_empty_long_and_odd() -> None:
    found = bodies(repository())
    texts = [body for body in found if body]
    assert None in found
    assert "" in found
    assert max(map(len, texts)) > 59_000
    for piece in (
        "\x00",
        "\r\n",
        "\u202e",
        "\u200d",
        "<script>",
        "```python",
        "|---|",
        "- [x]",
        "\n> ",
        "e\u0301",
        "𠮷",
    ):
        assert any(piece in body for body in texts), piece
    for script in ("编码", "المحطات", "मात्राएँ", "検潮所"):
        assert any(script in body for body in texts), script


def test_states_reasons_and_people_are_of_every_kind() -> None:
    community = SampleCommunity.load()
    issues = repository().issues.values()
    assert {issue.state_reason for issue in issues} == {None, "completed", "not_planned", "duplicate", "reopened"}
    pulls = [issue for issue in issues if issue.pull]
    assert any(issue.pull and issue.pull.merged_at for issue in pulls)
    assert any(issue.pull and issue.pull.draft for issue in pulls)
    assert any(issue.state == "closed" and issue.pull and not issue.pull.merged_at for issue in pulls)
    assert any(issue.locked for issue in issues)
    assert any(issue.milestone for issue in issues)
    assert {account.type for account in community.accounts.values()} == {"User", "Bot", "Organization"}
    posts = (*issues, *repository().comments.values(), *repository().review_comments.values())
    assert {None, 10137, 90000000013} <= {post.user for post in posts}


def test_review_comments_have_chains_outdated_places_and_a_lost_beginning() -> None:
    comments = repository().review_comments
    replies = [comment for comment in comments.values() if comment.in_reply_to_id]
    assert len(replies) > 10
    assert any(comment.in_reply_to_id not in comments for comment in replies)
    outdated = [comment for comment in comments.values() if comment.position is None]
    assert all(comment.line is None and comment.original_line for comment in outdated)
    assert outdated
    assert any(comment.subject_type == "file" for comment in comments.values())
    assert any(comment.review_id is None for comment in comments.values())


def test_numbers_grow_with_time() -> None:
    issues = sorted(repository().issues.values(), key=lambda issue: issue.number)
    moments = [issue.created_at for issue in issues]
    assert moments == sorted(moments)
    assert [issue.id for issue in issues] == sorted(issue.id for issue in issues)


def test_nobody_comments_before_the_issue_exists() -> None:
    threads = [thread for path in DATA.glob("*.toml") for thread in tomllib.loads(path.read_text()).get("threads", [])]
    for thread in threads:
        for post in (*thread.get("comments", []), *thread.get("review_comments", [])):
            assert post["at"] >= thread["at"], (thread["number"], post["body"])


def test_pull_requests_point_at_real_commits(ask: Ask, sample_server: SampleServer) -> None:
    names = set(commit_names(sample_server.git_dir))
    merged = [issue.pull for issue in repository().issues.values() if issue.pull and issue.pull.merged_at]
    assert len(merged) == 3
    for pull in merged:
        assert {pull.head_sha, pull.base_sha, pull.merge_commit_sha} <= names
    shown = ask(f"{ROOT}/pulls/5").data
    assert (shown["merged"], shown["head"]["ref"], shown["comments"]) == (True, "stream-import", 4)
    assert ask(f"{ROOT}/pulls/18").data["head"]["repo"] is None


def test_objects_have_the_keys_that_github_documents(ask: Ask) -> None:
    issue = ask(f"{ROOT}/issues/5").data
    assert {
        "node_id",
        "draft",
        "pull_request",
        "reactions",
        "author_association",
        "closed_by",
        "locked",
    } <= issue.keys()
    assert issue["html_url"] == f"https://github.com/{SAMPLE_REPOSITORY}/pull/5"
    assert issue["user"].keys() >= {"login", "id", "node_id", "avatar_url", "html_url", "type", "site_admin"}
    assert issue["labels"][0]["name"] == "import"
    assert issue["milestone"]["title"] == "1.1"
    review = ask(f"{ROOT}/pulls/comments?per_page=1").data[0]
    assert review.keys() >= {"pull_request_url", "diff_hunk", "path", "commit_id", "original_line", "_links", "side"}


def test_a_synthetic_community_depends_on_its_seed_only() -> None:
    first, again = (SampleCommunity.synthetic(issues=50, comments=90, review_comments=40, seed=3) for _ in range(2))
    other = SampleCommunity.synthetic(issues=50, comments=90, review_comments=40, seed=4)
    assert first.repositories == again.repositories != other.repositories
