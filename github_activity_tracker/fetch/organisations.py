"""The repositories of an organisation or a person."""

import logging
from typing import Any, cast

from core.errors import NotFound
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker.fetch.facts import is_repository
from github_activity_tracker.fetch.lists import as_items

logger = logging.getLogger(__name__)


def repositories_of(client: GitHubClient, owner: str) -> list[dict[str, Any]]:
    """Return every repository that is not a fork, archived ones included; NotFound when there is no such owner.

    Items that are not repositories are left out and logged.
    """
    try:
        return _all(client, f"/orgs/{owner}/repos")
    except NotFound:
        return _all(client, f"/users/{owner}/repos")


def _all(client: GitHubClient, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for answer in client.pages(path, {"per_page": 100, "type": "all", "sort": "full_name"}):
        for item in as_items(answer.data):
            if not is_repository(item):
                logger.warning("GitHub lists something that is not a repository path=%s", path)
            elif not cast("dict[str, Any]", item).get("fork"):
                found.append(item)
    return found
