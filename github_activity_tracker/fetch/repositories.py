"""Repositories' own facts; also the cheap question whether anything in them changed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from core.errors import SliceRefused, UnexpectedAnswer
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker.fetch.queries import REPOSITORY
from github_activity_tracker.payloads import RepositoryPayload

PER_QUERY = 100


def repository(client: GitHubClient, full_name: str, known_id: int | None) -> RepositoryPayload:
    """The facts of a repository over REST, by its id where that is known: names change hands, ids do not.

    Raises ``NotFound`` when it is gone, blocked or never was.
    """
    path = f"/repositories/{known_id}" if known_id else f"/repos/{full_name}"
    payload = client.get(path, scope=full_name).data
    if not isinstance(payload, dict) or "id" not in payload or "full_name" not in payload:
        raise UnexpectedAnswer(f"GitHub answered {path} with something that is not a repository. Run again later.")
    return cast("RepositoryPayload", payload)


def probe(client: GitHubClient, names: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The facts of many repositories: ``names`` has the node id (or nothing) of each ``owner/name``.

    A hundred repositories cost one request. What GitHub does not show is left out.
    """
    found: dict[str, dict[str, Any]] = {}
    for some in _batches(list(names), PER_QUERY):
        found |= _ask(client, some, names)
    return found


def _ask(client: GitHubClient, some: Sequence[str], names: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """One query; in halves, when it is too much."""
    parts = [f"r{place}: {_selector(name, names[name])} {{ ...Facts }}" for place, name in enumerate(some)]
    text = f"{{ {' '.join(parts)} viewer {{ login }} rateLimit {{ cost }} }}\n{REPOSITORY}"
    scope = some[0] if len(some) == 1 else ""
    for attempt in range(4):
        try:
            data = client.graphql(text, scope=scope, absent=("NOT_FOUND", "FORBIDDEN"))
            break
        except SliceRefused:
            if len(some) > 1:
                half = len(some) // 2
                return _ask(client, some[:half], names) | _ask(client, some[half:], names)
            if attempt == 3:
                raise
    else:
        raise AssertionError("unreachable")
    client.identify(scope, str(data["viewer"]["login"]))
    answers = ((name, data.get(f"r{place}")) for place, name in enumerate(some))
    return {name: _with_discussions(facts) for name, facts in answers if facts and facts.get("databaseId")}


def _with_discussions(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts with what follows from a server that lacks discussions, or the flag that they are enabled."""
    told = facts.get("discussions") or {"totalCount": 0, "nodes": []}
    return {"discussions": told, "hasDiscussionsEnabled": bool(told.get("totalCount"))} | facts


def _selector(name: str, node_id: str) -> str:
    if node_id:
        return f"node(id: {json.dumps(node_id)})"
    owner, _, short = name.partition("/")
    return f"repository(owner: {json.dumps(owner)}, name: {json.dumps(short)})"


def _batches(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), size):
        yield names[start : start + size]
