"""Create the JSON of repositories.

https://docs.github.com/en/rest/repos/repos#get-a-repository
"""

from samples.community import Repository
from samples.shapes.accounts import WEB, Json, Site, node_id, simple_user

PATHS = {
    "archive": "/{archive_format}{/ref}",
    "assignees": "/assignees{/user}",
    "blobs": "/git/blobs{/sha}",
    "branches": "/branches{/branch}",
    "collaborators": "/collaborators{/collaborator}",
    "comments": "/comments{/number}",
    "commits": "/commits{/sha}",
    "compare": "/compare/{base}...{head}",
    "contents": "/contents/{+path}",
    "contributors": "/contributors",
    "deployments": "/deployments",
    "downloads": "/downloads",
    "events": "/events",
    "forks": "/forks",
    "git_commits": "/git/commits{/sha}",
    "git_refs": "/git/refs{/sha}",
    "git_tags": "/git/tags{/sha}",
    "hooks": "/hooks",
    "issue_comment": "/issues/comments{/number}",
    "issue_events": "/issues/events{/number}",
    "issues": "/issues{/number}",
    "keys": "/keys{/key_id}",
    "labels": "/labels{/name}",
    "languages": "/languages",
    "merges": "/merges",
    "milestones": "/milestones{/number}",
    "notifications": "/notifications{?since,all,participating}",
    "pulls": "/pulls{/number}",
    "releases": "/releases{/id}",
    "stargazers": "/stargazers",
    "statuses": "/statuses/{sha}",
    "subscribers": "/subscribers",
    "subscription": "/subscription",
    "tags": "/tags",
    "teams": "/teams",
    "trees": "/git/trees{/sha}",
}
SWITCHES = {
    "has_issues": True,
    "has_projects": True,
    "has_downloads": True,
    "has_wiki": False,
    "has_pages": False,
    "has_discussions": False,
    "archived": False,
    "disabled": False,
    "allow_forking": True,
    "is_template": False,
    "web_commit_signoff_required": False,
}


def repository(site: Site, repo: Repository) -> Json:
    """Return a repository in the form that other objects contain."""
    name, url = site.community.full_name(repo), site.repo(repo)
    open_issues = sum(issue.state == "open" for issue in repo.issues.values())
    return {
        "id": repo.id,
        "node_id": node_id("R", repo.id),
        "name": repo.name,
        "full_name": name,
        "private": False,
        "owner": simple_user(site, repo.owner),
        "html_url": f"{WEB}/{name}",
        "description": repo.description,
        "fork": repo.parent is not None,
        "url": url,
        **{f"{key}_url": url + path for key, path in PATHS.items()},
        "git_url": f"git://github.com/{name}.git",
        "ssh_url": f"git@github.com:{name}.git",
        "clone_url": f"{site.api}/{name}.git",
        "svn_url": f"{WEB}/{name}",
        "mirror_url": None,
        "homepage": "https://example.org/",
        "language": "Python" if repo.has_git else None,
        "size": 420 if repo.has_git else 0,
        "created_at": repo.created_at,
        "updated_at": repo.updated_at,
        "pushed_at": repo.pushed_at,
        **dict.fromkeys(("stargazers_count", "watchers_count", "watchers"), 128),
        **dict.fromkeys(("forks_count", "forks"), 9),
        **dict.fromkeys(("open_issues_count", "open_issues"), open_issues),
        "default_branch": "main",
        "license": {"key": "mit", "name": "MIT License", "spdx_id": "MIT", "url": f"{site.api}/licenses/mit"},
        **SWITCHES,
        "topics": list(repo.topics),
        "visibility": "public",
        "permissions": {"admin": False, "maintain": False, "push": False, "triage": False, "pull": True},
    }


def full_repository(site: Site, repo: Repository) -> Json:
    """Return a repository with all fields, as in the response for a single repository."""
    whole = repository(site, repo)
    account = site.community.accounts[repo.owner]
    organization = {"organization": whole["owner"]} if account.type == "Organization" else {}
    extra: Json = {"temp_clone_token": None, "custom_properties": {}, "network_count": 9, "subscribers_count": 14}
    family: Json = {}
    if repo.parent:
        family = {key: {"id": repo.parent[0], "full_name": repo.parent[1]} for key in ("parent", "source")}
    return {**whole, **extra, **organization, **family}
