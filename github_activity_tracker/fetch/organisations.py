"""The repositories of an organisation or a person."""

import logging
from collections.abc import Iterator
from typing import Any, cast

from core.errors import AccessDenied, NotFound
from core.operations.github_ops.client import GitHubClient
from core.operations.github_ops.links import escaped
from github_activity_tracker.fetch.facts import is_repository
from github_activity_tracker.fetch.lists import as_items

logger = logging.getLogger(__name__)


def repositories_of(client: GitHubClient, owner: str) -> list[dict[str, Any]]:
    """Return every repository that is not a fork, archived ones included; NotFound when there is no such owner.

    Items that are not repositories are left out and logged.
    """
    try:
        return _all(client, owner, f"/orgs/{escaped(owner)}/repos")
    except NotFound:
        return _all(client, owner, f"/users/{escaped(owner)}/repos")


def _all(client: GitHubClient, owner: str, path: str) -> list[dict[str, Any]]:
    """Every list shows what its token sees and no more, so each token is asked for its own."""
    found: dict[str, dict[str, Any]] = {}
    params = {"per_page": 100, "type": "all", "sort": "full_name"}
    absent: list[NotFound | AccessDenied] = []
    tokens = client.listing_tokens(owner)
    for token in tokens:
        try:
            for answer in client.pages(path, params, scope=owner, prefer=token):
                found |= {str(item["full_name"]): item for item in _repositories(answer.data, path)}
        except (NotFound, AccessDenied) as error:
            absent.append(error)
    if len(absent) == len(tokens):
        raise absent[0]
    return list(found.values())


def _repositories(data: object, path: str) -> Iterator[dict[str, Any]]:
    """Yield the repositories of one page that are not forks; anything else in the list is logged."""
    for item in as_items(data):
        if not is_repository(item):
            logger.warning("GitHub lists something that is not a repository path=%s", path)
        elif not cast("dict[str, Any]", item).get("fork"):
            yield item
