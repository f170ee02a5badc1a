"""Requests for the facts of repositories and for the repositories of an organisation, and checks of the responses.

https://docs.github.com/en/graphql/reference/objects#repository
https://docs.github.com/en/rest/repos/repos#get-a-repository
"""

import json
import logging
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from core.errors import (
    AccessDenied,
    CollectorError,
    NotFound,
    RetryLater,
    SliceRefused,
    SourceTimeout,
    SourceUnavailable,
    UnexpectedAnswer,
)
from core.operations.github_ops.answers import GraphQLAnswer
from core.operations.github_ops.client import GitHubClient
from core.operations.github_ops.links import escaped, repository_path
from core.operations.github_ops.tokens import Token
from github_activity_tracker.fetch.client import PAYLOAD_ERRORS, graphql_works
from github_activity_tracker.fetch.queries import REPOSITORY
from github_activity_tracker.fetch.rest import as_items
from github_activity_tracker.payloads import RepositoryPayload

LARGEST_ID = 2**63 - 1
"""The largest value of PostgreSQL's type ``bigint``. Ids are stored in columns of this type."""
LARGEST_COUNT = 2**31 - 1
NEEDED = ("issues", "pullRequests")
"""Connections of a repository that every server has."""
LISTS = (*NEEDED, "discussions", "milestones", "releases", "labels", "heads", "tags")
NUMBERS = ("stargazerCount", "forkCount")
OBJECTS = ("owner", "watchers", "primaryLanguage", "repositoryTopics", "defaultBranchRef")


def is_repository_id(value: object) -> bool:
    """Return whether a value can be the numeric id of a repository."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST_ID


def is_full_name(value: object) -> bool:
    """Return whether a value has the form ``owner/name``."""
    return isinstance(value, str) and len(parts := value.split("/")) == 2 and all(parts)


def are_facts(answer: object) -> bool:
    """Return whether the GraphQL facts of a repository are complete and have the documented types.

    Lists that older servers lack may be missing. Issues and pull requests are required.
    """
    if not isinstance(answer, dict):
        return False
    facts = cast("dict[str, Any]", answer)
    return (
        is_repository_id(facts.get("databaseId"))
        and isinstance(facts.get("id"), str)
        and bool(facts["id"])
        and is_full_name(facts.get("nameWithOwner"))
        and all(name in facts for name in NEEDED)
        and all(_is_list(facts[name]) for name in LISTS if name in facts)
        and all(_is_count(facts[name]) for name in NUMBERS if name in facts)
        and all(isinstance(facts.get(name), dict | None) for name in OBJECTS)
        and _is_moment(facts.get("pushedAt"))
    )


def is_repository(answer: object) -> bool:
    """Return whether a REST response is a repository with an id and a full name."""
    if not isinstance(answer, dict):
        return False
    payload = cast("dict[str, Any]", answer)
    return is_repository_id(payload.get("id")) and is_full_name(payload.get("full_name"))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT


def _is_list(value: object) -> bool:
    """Return whether a connection has a valid total, and only nodes with valid dates."""
    if not isinstance(value, dict):
        return False
    connection = cast("Mapping[str, Any]", value)
    nodes: Any = connection.get("nodes") or []
    return (
        _is_count(connection.get("totalCount"))
        and isinstance(nodes, list)
        and all(_is_node(node) for node in cast("list[object]", nodes))
    )


def _is_node(node: object) -> bool:
    return node is None or (isinstance(node, dict) and _is_moment(cast("Mapping[str, Any]", node).get("updatedAt")))


def _is_moment(value: object) -> bool:
    """Return whether a value is None or an ISO 8601 time with a time zone."""
    if value is None:
        return True
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


logger = logging.getLogger(__name__)
PER_QUERY = 100
"""Maximum number of repositories in one query. Such a query costs one point."""
TRIES_OF_ONE = 3
"""Attempts to query a single repository that GitHub refuses as too expensive. A refusal can be temporary."""
FAILED_QUERIES = 40
"""Maximum number of failed queries with one token.

After more failures, the remaining repositories are requested over REST only. It takes about eight failed queries to
isolate one bad repository among a hundred.
"""
FEATURES = {"issues": "has_issues", "pulls": "has_pull_requests", "discussions": "has_discussions"}
"""Features that an owner can switch off, with the fields of REST that say whether they are switched on."""
Facts = dict[str, Any]


def fetch_repository(client: GitHubClient, full_name: str, known_id: int | None) -> RepositoryPayload:
    """Return the facts of a repository from the REST API.

    A known id is used instead of the name, because another repository can take over a name.

    Raises ``NotFound`` if the repository is blocked or invisible to the token or does not exist, and
    ``UnexpectedAnswer`` if the response is not a repository.
    """
    path = f"/repositories/{known_id}" if known_id else repository_path(full_name)
    payload = client.get(path, scope=full_name).data
    if not is_repository(payload):
        raise UnexpectedAnswer(f"GitHub's response for {path} is not a repository. Run again later.")
    return cast("RepositoryPayload", payload)


def fetch_features(client: GitHubClient, full_name: str, known_id: int) -> dict[str, bool]:
    """Return whether each feature is switched on, by feature. Features that the response does not mention are omitted.

    https://docs.github.com/en/rest/repos/repos#get-a-repository
    """
    payload = cast("Mapping[str, object]", fetch_repository(client, full_name, known_id))
    return {kind: bool(payload[name]) for kind, name in FEATURES.items() if isinstance(payload.get(name), bool)}


Key = tuple[str, str]
"""A repository in a probe: ``owner/name`` and its node id. The node id is empty if only the name is known."""


@dataclass(kw_only=True, slots=True)
class Probe:
    """The facts of many repositories, or the reasons why they are missing.

    ``facts`` have the documented shape. ``failures`` has the error of each repository without facts. If a repository
    is in neither of them, GitHub returned null without an error, or the repository was not requested. ``limit`` or
    ``outage`` is the error that ended the probe before all repositories were requested.
    """

    facts: dict[Key, Facts] = field(default_factory=dict[Key, Facts])
    failures: dict[Key, CollectorError] = field(default_factory=dict[Key, CollectorError])
    limit: RetryLater | None = None
    outage: CollectorError | None = None


def probe_repositories(client: GitHubClient, repositories: Sequence[Key]) -> Probe:
    """Return the facts of many repositories.

    One query contains up to a hundred repositories. Repositories that one token does not see are requested with the
    next token. A failed query is repeated in halves, so that one bad repository does not affect the facts of the
    others. Raises only ``ReplaceToken`` and ``BudgetExhausted``.
    """
    result, tried = Probe(), dict[str, set[str]]()
    waiting = list(dict.fromkeys(repositories))
    while groups := client.token_groups(list(dict.fromkeys(name for name, _ in waiting)), tried):
        for token, names in groups:
            members = [key for key in waiting if key[0] in set(names)]
            _probe_with(client, result, members, token, tried)
            if result.limit is not None or result.outage is not None:
                return result
        waiting = [key for key in waiting if key not in result.facts]
    for key in result.facts:  # an earlier token may have failed to see this repository
        result.failures.pop(key, None)
    return result


def _probe_with(
    client: GitHubClient, result: Probe, members: Sequence[Key], token: Token, tried: dict[str, set[str]]
) -> None:
    """Probe repositories with one token, or with another one while that token is limited."""
    failed = 0
    waiting = deque(_batches(members, PER_QUERY))
    while waiting:
        batch = waiting.popleft()
        for name, _ in batch:
            tried.setdefault(name, set()).add(token.key)
        try:
            answer = _ask(client, batch, token)
        except RetryLater as error:
            result.limit = error
            return
        except (NotFound, AccessDenied, SourceUnavailable, SourceTimeout, UnexpectedAnswer) as error:
            failed += 1
            if len(batch) == 1:
                result.failures[batch[0]] = error
            refused = isinstance(error, (NotFound, AccessDenied))
            if failed > FAILED_QUERIES or not (refused or graphql_works(client)):
                logger.warning("facts are not available over GraphQL: %s", error)
                result.outage = error
                return
            if len(batch) > 1:
                half = len(batch) // 2
                waiting.extendleft((batch[half:], batch[:half]))
            continue
        _read(result, batch, answer)
        for key in batch:
            tried[key[0]].add(answer.token_key)
            client.note_seen(key[0], answer.token_key, seen=key in result.facts)


def _ask(client: GitHubClient, batch: Sequence[Key], token: Token) -> GraphQLAnswer:
    """Send one query. A query for a single repository is repeated if GitHub refuses it as too expensive."""
    parts = [
        f"r{position}: {_selector(name, node_id)} {{ ...Facts }}" for position, (name, node_id) in enumerate(batch)
    ]
    text = f"{{ {' '.join(parts)} viewer {{ login }} rateLimit {{ cost }} }}\n{REPOSITORY}"
    for attempt in range(1, TRIES_OF_ONE + 1):
        try:
            answer = client.query(text, prefer=token)
            break
        except SliceRefused:
            if len(batch) > 1 or attempt == TRIES_OF_ONE:
                raise
        except PAYLOAD_ERRORS as error:
            raise UnexpectedAnswer("GitHub's GraphQL returned an undocumented response. Run again later.") from error
    else:
        raise AssertionError("unreachable")
    if not any(f"r{position}" in answer.data for position in range(len(batch))):
        raise UnexpectedAnswer("GitHub's GraphQL returned a response without the repositories. Run again later.")
    viewer = answer.data.get("viewer")
    if isinstance(viewer, dict):
        client.identify(answer.token_key, str(cast("dict[str, object]", viewer).get("login") or ""))
    return answer


def _read(result: Probe, batch: Sequence[Key], answer: GraphQLAnswer) -> None:
    """Add the facts of each repository to the probe, or the error that explains why they are missing."""
    errors = {str(error.path[0]): error for error in reversed(answer.errors)}
    for position, key in enumerate(batch):
        facts, error = _with_discussions(answer.data.get(f"r{position}")), errors.get(f"r{position}")
        if error is not None and error.kind == "NOT_FOUND" and facts is None:
            result.failures[key] = NotFound(f"GitHub's GraphQL: {error.message}")
        elif error is not None:
            result.failures[key] = AccessDenied(f"GitHub's GraphQL: {error.message}. Use a token that may read it.")
        elif are_facts(facts):
            result.facts[key] = cast("Facts", facts)
        elif facts is not None:
            result.failures[key] = UnexpectedAnswer(
                "GitHub's GraphQL returned a repository in an undocumented format. Run again later."
            )


def _with_discussions(facts: object) -> object:
    """Add default values to the facts for fields of discussions that the server lacks."""
    if not isinstance(facts, dict):
        return facts
    row = cast("Facts", facts)
    discussions: Any = row.get("discussions") or {"totalCount": 0, "nodes": []}
    enabled = isinstance(discussions, dict) and bool(cast("Facts", discussions).get("totalCount"))
    return {"discussions": discussions, "hasDiscussionsEnabled": enabled} | row


def _selector(name: str, node_id: str) -> str:
    if node_id:
        return f"node(id: {json.dumps(node_id)})"
    owner, _, short = name.partition("/")
    return f"repository(owner: {json.dumps(owner)}, name: {json.dumps(short)})"


def _batches(repositories: Sequence[Key], size: int) -> Iterator[Sequence[Key]]:
    for start in range(0, len(repositories), size):
        yield repositories[start : start + size]


def list_repositories(client: GitHubClient, owner: str) -> list[dict[str, Any]]:
    """Return the visible repositories of an organisation or a person, including archived ones but no forks.

    Items that are not repositories are logged and omitted. Raises NotFound if the owner does not exist.
    """
    try:
        return _list_repositories(client, owner, f"/orgs/{escaped(owner)}/repos")
    except NotFound:
        return _list_repositories(client, owner, f"/users/{escaped(owner)}/repos")


def _list_repositories(client: GitHubClient, owner: str, path: str) -> list[dict[str, Any]]:
    """Request the list with each token, and return all listed repositories. Each token may see different ones."""
    repositories: dict[str, dict[str, Any]] = {}
    params = {"per_page": 100, "type": "all", "sort": "full_name"}
    errors: list[NotFound | AccessDenied] = []
    tokens = client.listing_tokens(owner)
    for token in tokens:
        try:
            for answer in client.pages(path, params, scope=owner, prefer=token):
                repositories |= {str(item["full_name"]): item for item in _repositories(answer.data, path)}
        except (NotFound, AccessDenied) as error:
            errors.append(error)
    if len(errors) == len(tokens):
        raise errors[0]
    return list(repositories.values())


def _repositories(data: object, path: str) -> Iterator[dict[str, Any]]:
    """Yield the repositories of one page that are not forks. Items that are not repositories are logged."""
    for item in as_items(data):
        if not is_repository(item):
            logger.warning("omitted a list item that is not a repository path=%s", path)
        elif not cast("dict[str, Any]", item).get("fork"):
            yield item
