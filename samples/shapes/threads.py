"""Create the JSON of issues, and the fields that pull requests share with them.

https://docs.github.com/en/rest/issues/issues
"""

from urllib.parse import quote

from samples.community import Issue, Label, Repository
from samples.shapes.accounts import Json, Site, node_id, simple_user
from samples.shapes.posts import reactions


def label(site: Site, repo: Repository, name: str) -> Json:
    known = repo.labels.get(name) or Label(id=0, name=name)
    return {
        "id": known.id,
        "node_id": node_id("LA", repo.id, known.id),
        "url": f"{site.repo(repo)}/labels/{quote(name)}",
        "name": name,
        "color": known.color,
        "default": False,
        "description": known.description,
    }


def milestone(site: Site, repo: Repository, number: int | None) -> Json | None:
    known = repo.milestones.get(number) if number else None
    if known is None:
        return None
    url = f"{site.repo(repo)}/milestones/{number}"
    states = [issue.state for issue in repo.issues.values() if issue.milestone == number]
    return {
        "url": url,
        "html_url": f"https://github.com/{site.community.full_name(repo)}/milestone/{number}",
        "labels_url": f"{url}/labels",
        "id": known.id,
        "node_id": node_id("MI", repo.id, known.id),
        "number": number,
        "title": known.title,
        "description": known.description,
        "creator": simple_user(site, known.creator),
        "open_issues": states.count("open"),
        "closed_issues": states.count("closed"),
        "state": "closed" if known.closed_at else "open",
        "created_at": known.created_at,
        "updated_at": known.closed_at or known.created_at,
        "due_on": known.due_on,
        "closed_at": known.closed_at,
    }


def common(site: Site, repo: Repository, post: Issue) -> Json:
    """Return the fields that issues and pull requests share."""
    assignees = [user for id_ in post.assignees if (user := simple_user(site, id_))]
    return {
        "number": post.number,
        "title": post.title,
        "user": simple_user(site, post.user),
        "labels": [label(site, repo, name) for name in post.labels],
        "state": post.state,
        "locked": post.locked,
        "assignee": assignees[0] if assignees else None,
        "assignees": assignees,
        "milestone": milestone(site, repo, post.milestone),
        "created_at": post.created_at,
        "updated_at": post.updated_at,
        "closed_at": post.closed_at,
        "author_association": post.association,
        "active_lock_reason": post.lock_reason,
        "body": post.body,
    }


def issue(site: Site, repo: Repository, post: Issue, comments: int) -> Json:
    """Return an issue, or a pull request in the form of an issue. ``comments`` is the number of comments."""
    root, page = site.repo(repo), site.page(repo, post.number)
    url = f"{root}/issues/{post.number}"
    whole: Json = {
        "url": url,
        "repository_url": root,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": page,
        "id": post.id,
        "node_id": node_id("PR" if post.pull else "I", repo.id, post.id),
        **common(site, repo, post),
        "comments": comments,
    }
    if post.pull:
        addresses = {"url": f"{root}/pulls/{post.number}", "html_url": page, "diff_url": f"{page}.diff"}
        merged = {"patch_url": f"{page}.patch", "merged_at": post.pull.merged_at}
        whole |= {"draft": post.pull.draft, "pull_request": addresses | merged}
    else:
        total, done = post.sub_issues
        percent = 100 * done // total if total else 0
        blocked = dict.fromkeys(("blocked_by", "total_blocked_by"), post.blocked_by)
        whole |= {
            "type": {"id": 1, "name": post.type, "color": "red"} if post.type else None,
            "sub_issues_summary": {"total": total, "completed": done, "percent_completed": percent},
            "issue_dependencies_summary": {**blocked, "blocking": 0, "total_blocking": 0},
        }
    return whole | {
        "closed_by": simple_user(site, post.closed_by),
        "reactions": reactions(url, post.reactions),
        "timeline_url": f"{url}/timeline",
        "performed_via_github_app": {"id": 7, "slug": post.app, "name": post.app} if post.app else None,
        "state_reason": post.state_reason,
    }
