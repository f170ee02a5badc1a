"""A repository's own facts."""

from typing import cast

from core.errors import UnexpectedAnswer
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker.payloads import RepositoryPayload


def repository(client: GitHubClient, full_name: str, known_id: int | None) -> RepositoryPayload:
    """The facts of a repository, by its id where that is known: names change hands, ids do not.

    Raises ``NotFound`` when it is gone, blocked or never was.
    """
    path = f"/repositories/{known_id}" if known_id else f"/repos/{full_name}"
    payload = client.get(path, scope=full_name).data
    if not isinstance(payload, dict) or "id" not in payload or "full_name" not in payload:
        raise UnexpectedAnswer(f"GitHub answered {path} with something that is not a repository. Run again later.")
    return cast("RepositoryPayload", payload)
