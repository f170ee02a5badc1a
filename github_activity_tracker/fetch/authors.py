"""Which accounts the authors of commits have: a hundred commits cost one point."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.errors import SliceRefused
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker.fetch.queries.events import ACTOR

PER_QUERY = 100


def authors(
    client: GitHubClient, repository: str, shas: Mapping[str, str], scope: str
) -> Iterator[dict[str, dict[str, Any] | None]]:
    """Accounts by address, some at a time; None for an address that GitHub knows no account of.

    ``repository`` is a node id; ``shas`` has a commit for each address.
    """
    waiting, size = list(shas.items()), PER_QUERY
    while waiting:
        some = waiting[:size]
        try:
            told = _ask(client, repository, [sha for _, sha in some], scope)
        except SliceRefused:
            if size == 1:
                raise
            size = max(1, size // 2)
            continue
        yield dict(zip((email for email, _ in some), told, strict=True))
        waiting = waiting[len(some) :]


def _ask(client: GitHubClient, repository: str, shas: list[str], scope: str) -> list[dict[str, Any] | None]:
    """One query; ``object`` takes no list, so that each commit has a name of its own in it."""
    parts = [
        f'c{place}: object(oid: "{sha}") {{ ... on Commit {{ author {{ user {{ ...Account }} }} }} }}'
        for place, sha in enumerate(shas)
    ]
    text = (
        f"query ($id: ID!) {{ node(id: $id) {{ ... on Repository {{ {' '.join(parts)} }} }} rateLimit {{ cost }} }}\n"
        f"{ACTOR}"
    )
    node = client.graphql(text, {"id": repository}, scope=scope, absent=("NOT_FOUND",)).get("node") or {}
    found = (((node.get(f"c{place}") or {}).get("author") or {}).get("user") for place in range(len(shas)))
    return [user if user and user.get("databaseId") else None for user in found]
