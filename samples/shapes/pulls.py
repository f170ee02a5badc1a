"""Create the JSON of pull requests.

https://docs.github.com/en/rest/pulls/pulls#get-a-pull-request
"""

from samples.community import Issue, Pull, Repository
from samples.shapes.accounts import Json, Site, node_id, simple_user
from samples.shapes.repositories import repository
from samples.shapes.threads import common


def pull(site: Site, repo: Repository, post: Issue, detail: Pull) -> Json:
    """Return a pull request with all fields, as in the response for a single pull request."""
    root, page = site.repo(repo), site.page(repo, post.number)
    url, thread = f"{root}/pulls/{post.number}", f"{root}/issues/{post.number}"
    statuses = f"{root}/statuses/{detail.head_sha}"
    links = {
        "self": url,
        "html": page,
        "issue": thread,
        "comments": f"{thread}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{root}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": statuses,
    }
    return {
        "url": url,
        "id": detail.id,
        "node_id": node_id("PR", repo.id, post.id),
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": thread,
        **common(site, repo, post),
        "merged_at": detail.merged_at,
        "merge_commit_sha": detail.merge_commit_sha,
        "requested_reviewers": [],
        "requested_teams": [],
        "draft": detail.draft,
        **{
            f"{name}_url": links[name]
            for name in ("commits", "review_comments", "review_comment", "comments", "statuses")
        },
        "head": _branch(site, repo, post.user, detail.head, detail.head_sha, known=detail.head_repo),
        "base": _branch(site, repo, repo.owner, detail.base, detail.base_sha, known=True),
        "_links": {name: {"href": address} for name, address in links.items()},
        "auto_merge": None,
        "merged": detail.merged_at is not None,
        "mergeable": None if post.state == "closed" else True,
        "rebaseable": None,
        "mergeable_state": "unknown" if post.state == "closed" else "clean",
        "merged_by": simple_user(site, detail.merged_by),
        "comments": sum(comment.number == post.number for comment in repo.comments.values()),
        "review_comments": sum(comment.number == post.number for comment in repo.review_comments.values()),
        "maintainer_can_modify": False,
        "commits": detail.commits,
        "additions": detail.additions,
        "deletions": detail.deletions,
        "changed_files": detail.changed_files,
    }


def _branch(site: Site, repo: Repository, owner: int | None, ref: str, sha: str, *, known: bool) -> Json:
    """Return the head or base of a pull request. ``repo`` is null if the fork was deleted."""
    user = simple_user(site, owner)
    login = user["login"] if user else "unknown repository"
    record = repository(site, repo) if known else None
    return {"label": f"{login}:{ref}", "ref": ref, "sha": sha, "user": user, "repo": record}
