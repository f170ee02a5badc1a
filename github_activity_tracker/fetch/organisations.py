"""The repositories of an organisation or a person."""

from typing import Any

from core.errors import AccessDenied, NotFound
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker.fetch.lists import as_items


def repositories_of(client: GitHubClient, owner: str) -> list[dict[str, Any]]:
    """Every repository that is not a fork, archived ones included; NotFound when there is no such owner."""
    try:
        return _all(client, owner, f"/orgs/{owner}/repos")
    except NotFound:
        return _all(client, owner, f"/users/{owner}/repos")


def _all(client: GitHubClient, owner: str, path: str) -> list[dict[str, Any]]:
    """Every list shows what its token sees and no more, so each token is asked for its own."""
    found: dict[str, dict[str, Any]] = {}
    params = {"per_page": 100, "type": "all", "sort": "full_name"}
    absent: list[NotFound | AccessDenied] = []
    tokens = client.listing_tokens(owner)
    for token in tokens:
        try:
            for answer in client.pages(path, params, scope=owner, prefer=token):
                found |= {str(item["full_name"]): item for item in as_items(answer.data) if not item.get("fork")}
        except (NotFound, AccessDenied) as error:
            absent.append(error)
    if len(absent) == len(tokens):
        raise absent[0]
    return list(found.values())
