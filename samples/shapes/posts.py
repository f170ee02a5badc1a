"""Create the JSON of comments.

https://docs.github.com/en/rest/issues/comments
https://docs.github.com/en/rest/pulls/comments
"""

from collections.abc import Mapping

from samples.community import Comment, Repository, ReviewComment
from samples.community.model import CommitComment
from samples.shapes.accounts import Json, Site, node_id, simple_user

REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def reactions(url: str, counts: Mapping[str, int]) -> Json:
    """Return the number of reactions of each kind, including zeros, and the total number."""
    return {
        "url": f"{url}/reactions",
        "total_count": sum(counts.values()),
        **{name: counts.get(name, 0) for name in REACTIONS},
    }


def comment(site: Site, repo: Repository, post: Comment) -> Json:
    """Return a comment on an issue or a pull request."""
    url = f"{site.repo(repo)}/issues/comments/{post.id}"
    return {
        "url": url,
        "html_url": f"{site.page(repo, post.number)}#issuecomment-{post.id}",
        "issue_url": f"{site.repo(repo)}/issues/{post.number}",
        "id": post.id,
        "node_id": node_id("IC", repo.id, post.id),
        "user": simple_user(site, post.user),
        "created_at": post.created_at,
        "updated_at": post.updated_at,
        "body": post.body,
        "author_association": post.association,
        "reactions": reactions(url, post.reactions),
        "performed_via_github_app": None,
    }


def commit_comment(site: Site, repo: Repository, post: CommitComment) -> Json:
    """Return a comment on a commit. See https://docs.github.com/en/rest/commits/comments."""
    page = f"https://github.com/{site.community.full_name(repo)}/commit/{post.commit_id}"
    url = f"{site.repo(repo)}/comments/{post.id}"
    return {
        "url": url,
        "html_url": f"{page}#commitcomment-{post.id}",
        "id": post.id,
        "node_id": node_id("CC", repo.id, post.id),
        "user": simple_user(site, post.user),
        "position": post.position,
        "line": post.line,
        "path": post.path,
        "commit_id": post.commit_id,
        "created_at": post.created_at,
        "updated_at": post.updated_at,
        "author_association": post.association,
        "body": post.body,
        "reactions": reactions(url, post.reactions),
    }


def review_comment(site: Site, repo: Repository, post: ReviewComment) -> Json:
    """Return a comment on a diff. Only replies have ``in_reply_to_id``."""
    root, page = f"{site.repo(repo)}/pulls", f"{site.page(repo, post.number)}#discussion_r{post.id}"
    url, pull = f"{root}/comments/{post.id}", f"{root}/{post.number}"
    whole: Json = {
        "url": url,
        "pull_request_review_id": post.review_id,
        "id": post.id,
        "node_id": node_id("PRRC", repo.id, post.id),
        "diff_hunk": post.diff_hunk,
        "path": post.path,
        "commit_id": post.commit_id,
        "original_commit_id": post.original_commit_id,
        "user": simple_user(site, post.user),
        "body": post.body,
        "created_at": post.created_at,
        "updated_at": post.updated_at,
        "html_url": page,
        "pull_request_url": pull,
        "author_association": post.association,
        "_links": {"self": {"href": url}, "html": {"href": page}, "pull_request": {"href": pull}},
        "reactions": reactions(url, post.reactions),
        "start_line": post.start_line,
        "original_start_line": post.start_line,
        "start_side": post.side if post.start_line else None,
        "line": post.line,
        "original_line": post.original_line,
        "side": post.side,
        "original_position": post.original_position,
        "position": post.position,
        "subject_type": post.subject_type,
    }
    return whole | ({"in_reply_to_id": post.in_reply_to_id} if post.in_reply_to_id else {})
