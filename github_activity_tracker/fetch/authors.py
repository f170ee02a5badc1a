"""Which accounts the authors of commits have: a hundred commits cost one point."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.errors import NotFound, SliceRefused
from core.operations.github_ops.answers import graphql_error
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker.fetch.queries.events import ACTOR

PER_QUERY = 100


def authors(
    client: GitHubClient, repository: str, shas: Mapping[str, str], scope: str
) -> Iterator[dict[str, dict[str, Any] | None]]:
    """Yield accounts by address, some at a time; None for an address that GitHub knows no account of.

    An address about which GitHub answers with an error is left out. ``repository`` is a node id; ``shas`` has a commit
    for each address. Raises NotFound or AccessDenied when GitHub does not show the repository.
    """
    waiting, size = list(shas.items()), PER_QUERY
    while waiting:
        some = waiting[:size]
        try:
            users = _ask(client, repository, [sha for _, sha in some], scope)
        except SliceRefused:
            if size == 1:
                raise
            size = max(1, size // 2)
            continue
        yield {some[place][0]: user for place, user in users.items()}
        waiting = waiting[len(some) :]


def _ask(client: GitHubClient, repository: str, shas: list[str], scope: str) -> dict[int, dict[str, Any] | None]:
    """Return accounts by the positions of the commits; one query.

    ``object`` takes no list, so that each commit has a name of its own in the query.
    """
    parts = [
        f'c{place}: object(oid: "{sha}") {{ ... on Commit {{ author {{ user {{ ...Account }} }} }} }}'
        for place, sha in enumerate(shas)
    ]
    text = (
        f"query ($id: ID!) {{ node(id: $id) {{ ... on Repository {{ {' '.join(parts)} }} }} rateLimit {{ cost }} }}\n"
        f"{ACTOR}"
    )
    answer = client.query(text, {"id": repository}, scope=scope)
    node = answer.data.get("node")
    if not isinstance(node, dict):
        if answer.errors:
            raise graphql_error({"type": answer.errors[0].kind, "message": answer.errors[0].message})
        raise NotFound(f"GitHub does not show the commits of {scope}", reason="not_found")
    withheld = {error.path[1] for error in answer.errors if len(error.path) > 1}
    users = {
        place: ((node.get(f"c{place}") or {}).get("author") or {}).get("user")
        for place in range(len(shas))
        if f"c{place}" not in withheld
    }
    return {place: user if user and user.get("databaseId") else None for place, user in users.items()}
