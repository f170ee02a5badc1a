"""Repositories' own facts; also the cheap question whether anything in them changed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from core.errors import RetryLater, SliceRefused, UnexpectedAnswer
from core.operations.github_ops.client import GitHubClient
from core.operations.github_ops.tokens import Token
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """What GitHub says of many repositories, by the names that were asked for.

    ``refusals``: GitHub's words about those of which it shows nothing.
    """

    facts: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    refusals: dict[str, str] = field(default_factory=dict[str, str])

    def __or__(self, other: "Probe") -> "Probe":
        """Both answers together."""
        return Probe(facts=self.facts | other.facts, refusals=self.refusals | other.refusals)


def probe(client: GitHubClient, names: Mapping[str, str]) -> Probe:
    """The facts of many repositories: ``names`` has the node id (or nothing) of each ``owner/name``.

    A hundred repositories cost one request, for each of the tokens that see them. What one token does not see is asked
    for with the next one. Raises RetryLater when a limit is reached before anything was answered.
    """
    found, tried = Probe(), dict[str, set[str]]()
    waiting = list(names)
    while groups := client.token_groups(waiting, tried):
        for token, members in groups:
            for some in _batches(members, PER_QUERY):
                try:
                    answer, key = _ask(client, some, names, token)
                except RetryLater:
                    if not found.facts:
                        raise
                    return found  # the rest waits for its turn: its facts come over REST
                found |= answer
                for name in some:
                    client.note_seen(name, key, seen=name in answer.facts)
                    tried.setdefault(name, {token.key}).add(key)
        waiting = [name for name in waiting if name not in found.facts]
    return Probe(facts=found.facts, refusals={n: why for n, why in found.refusals.items() if n not in found.facts})


def _ask(client: GitHubClient, some: Sequence[str], names: Mapping[str, str], token: Token) -> tuple[Probe, str]:
    """One query; in halves, when it is too much. Returns the answer and the key of the token that asked."""
    parts = [f"r{place}: {_selector(name, names[name])} {{ ...Facts }}" for place, name in enumerate(some)]
    text = f"{{ {' '.join(parts)} viewer {{ login }} rateLimit {{ cost }} }}\n{REPOSITORY}"
    for attempt in range(4):
        try:
            answer = client.query(text, prefer=token)
            break
        except SliceRefused as error:
            if len(some) > 1:
                half = len(some) // 2
                first, key = _ask(client, some[:half], names, token)
                return first | _ask(client, some[half:], names, token)[0], key
            if attempt == 3:
                return Probe(refusals={some[0]: str(error)}), token.key
    else:
        raise AssertionError("unreachable")
    client.identify(answer.token_key, str((answer.data.get("viewer") or {}).get("login") or ""))
    facts = {name: answer.data.get(f"r{place}") for place, name in enumerate(some)}
    words = {str(error.path[0]): error.message for error in answer.errors}
    refusals = {name: words[f"r{place}"] for place, name in enumerate(some) if f"r{place}" in words}
    known = {name: _with_discussions(row) for name, row in facts.items() if row and row.get("databaseId")}
    return Probe(facts=known, refusals=refusals), answer.token_key


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
