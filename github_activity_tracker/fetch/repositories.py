"""X"""

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
LARGEST_COUNT = 2**31 - 1
NEEDED = ("issues", "pullRequests")
LISTS = (*NEEDED, "discussions", "milestones", "releases", "labels", "heads", "tags")
NUMBERS = ("stargazerCount", "forkCount")
OBJECTS = ("owner", "watchers", "primaryLanguage", "repositoryTopics", "defaultBranchRef")


def is_repository_id(value: object) -> bool:
    """Return whether a value can be the numeric id of a repository."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST_ID


def is_full_name(value: object) -> bool:
    """Return whether a value reads ``owner/name``."""
    return isinstance(value, str) and len(parts := value.split("/")) == 2 and all(parts)


def are_facts(answer: object) -> bool:
    """Return whether the GraphQL facts of a repository are complete and of the documented types.

    Lists that an older server does not have may be missing; issues and pull requests may not.
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
    """Return whether a REST answer is a repository with an id and a name."""
    if not isinstance(answer, dict):
        return False
    payload = cast("dict[str, Any]", answer)
    return is_repository_id(payload.get("id")) and is_full_name(payload.get("full_name"))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT


def _is_list(value: object) -> bool:
    """Return whether a connection has a total and, if any, nodes with readable dates."""
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
    """Return whether a value is nothing or an ISO 8601 time with a zone."""
    if value is None:
        return True
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


logger = logging.getLogger(__name__)
PER_QUERY = 100
TRIES_OF_ONE = 3
"""Number of times a single repository is asked about when GitHub calls the query too much."""
FAILED_QUERIES = 40
"""Failed queries of one probe after which the remaining repositories are asked about over REST alone."""
FEATURES = {"issues": "has_issues", "pulls": "has_pull_requests", "discussions": "has_discussions"}
"""Kinds of threads that an owner can switch off, and what REST calls the switch."""
Facts = dict[str, Any]


def fetch_repository(client: GitHubClient, full_name: str, known_id: int | None) -> RepositoryPayload:
    """Return the facts of a repository over REST, by its id where that is known: names change hands, ids do not.

    Raises ``NotFound`` when it is gone, blocked or never was, ``UnexpectedAnswer`` for anything but a repository.
    """
    path = f"/repositories/{known_id}" if known_id else repository_path(full_name)
    payload = client.get(path, scope=full_name).data
    if not is_repository(payload):
        raise UnexpectedAnswer(f"GitHub answered {path} with something that is not a repository. Run again later.")
    return cast("RepositoryPayload", payload)


def fetch_features(client: GitHubClient, full_name: str, known_id: int) -> dict[str, bool]:
    """Return which kinds of threads are switched on; kinds that the server does not mention are left out.

    https://docs.github.com/en/rest/repos/repos#get-a-repository
    """
    payload = cast("Mapping[str, object]", fetch_repository(client, full_name, known_id))
    return {kind: bool(payload[name]) for kind, name in FEATURES.items() if isinstance(payload.get(name), bool)}


Asked = tuple[str, str]
"""A repository to ask about: ``owner/name``, and its node id or nothing where only the name is known."""


@dataclass(kw_only=True, slots=True)
class Probe:
    """What GitHub said about many repositories.

    ``facts``: of the documented shape. ``failures``: why a repository has none; a repository in neither of the two
    was null without an error. ``limit`` and ``outage``: why the remaining ones were not asked about.
    """

    facts: dict[Asked, Facts] = field(default_factory=dict[Asked, Facts])
    failures: dict[Asked, CollectorError] = field(default_factory=dict[Asked, CollectorError])
    limit: RetryLater | None = None
    outage: CollectorError | None = None


def probe_repositories(client: GitHubClient, repositories: Sequence[Asked]) -> Probe:
    """Return the facts of many repositories.

    A hundred repositories cost one request, for each of the tokens that see them; what one token does not see is asked
    for with the next one. A query that fails is repeated in halves, so that one repository that GitHub cannot show
    costs none of the others their facts.
    Raises only what no query can escape: ``ReplaceToken``, ``BudgetExhausted``.
    """
    told, tried = Probe(), dict[str, set[str]]()
    waiting = list(dict.fromkeys(repositories))
    while groups := client.token_groups(list(dict.fromkeys(name for name, _ in waiting)), tried):
        for token, names in groups:
            members = [asked for asked in waiting if asked[0] in set(names)]
            _probe_with(client, told, members, token, tried)
            if told.limit is not None or told.outage is not None:
                return told
        waiting = [asked for asked in waiting if asked not in told.facts]
    for asked in told.facts:  # an earlier token did not see it
        told.failures.pop(asked, None)
    return told


def _probe_with(
    client: GitHubClient, told: Probe, members: Sequence[Asked], token: Token, tried: dict[str, set[str]]
) -> None:
    """Ask about repositories with one token, or with another one where a limit holds that one back."""
    failed = 0
    waiting = deque(_batches(members, PER_QUERY))
    while waiting:
        some = waiting.popleft()
        for name, _ in some:
            tried.setdefault(name, set()).add(token.key)
        try:
            answer = _ask(client, some, token)
        except RetryLater as error:
            told.limit = error
            return
        except (NotFound, AccessDenied, SourceUnavailable, SourceTimeout, UnexpectedAnswer) as error:
            failed += 1
            if len(some) == 1:
                told.failures[some[0]] = error
            refused = isinstance(error, (NotFound, AccessDenied))
            if failed > FAILED_QUERIES or not (refused or graphql_works(client)):
                logger.warning("facts are not available over GraphQL: %s", error)
                told.outage = error
                return
            if len(some) > 1:
                half = len(some) // 2
                waiting.extendleft((some[half:], some[:half]))
            continue
        _read(told, some, answer)
        for asked in some:
            tried[asked[0]].add(answer.token_key)
            client.note_seen(asked[0], answer.token_key, seen=asked in told.facts)


def _ask(client: GitHubClient, some: Sequence[Asked], token: Token) -> GraphQLAnswer:
    """Send one query; about a single repository several times, while GitHub calls it too much."""
    parts = [f"r{place}: {_selector(name, node_id)} {{ ...Facts }}" for place, (name, node_id) in enumerate(some)]
    text = f"{{ {' '.join(parts)} viewer {{ login }} rateLimit {{ cost }} }}\n{REPOSITORY}"
    for attempt in range(1, TRIES_OF_ONE + 1):
        try:
            answer = client.query(text, prefer=token)
            break
        except SliceRefused:
            if len(some) > 1 or attempt == TRIES_OF_ONE:
                raise
        except PAYLOAD_ERRORS as error:
            raise UnexpectedAnswer("GitHub's GraphQL answered with something undocumented. Run again later.") from error
    else:
        raise AssertionError("unreachable")
    if not any(f"r{place}" in answer.data for place in range(len(some))):
        raise UnexpectedAnswer("GitHub's GraphQL answered without the repositories. Run again later.")
    viewer = answer.data.get("viewer")
    if isinstance(viewer, dict):
        client.identify(answer.token_key, str(cast("dict[str, object]", viewer).get("login") or ""))
    return answer


def _read(told: Probe, some: Sequence[Asked], answer: GraphQLAnswer) -> None:
    """Take the facts of each repository, or the reason why there are none, out of one answer."""
    errors = {str(error.path[0]): error for error in reversed(answer.errors)}
    for place, asked in enumerate(some):
        facts, error = _with_discussions(answer.data.get(f"r{place}")), errors.get(f"r{place}")
        if error is not None and error.kind == "NOT_FOUND" and facts is None:
            told.failures[asked] = NotFound(f"GitHub's GraphQL: {error.message}")
        elif error is not None:
            told.failures[asked] = AccessDenied(f"GitHub's GraphQL: {error.message}. Use a token that may read it.")
        elif are_facts(facts):
            told.facts[asked] = cast("Facts", facts)
        elif facts is not None:
            told.failures[asked] = UnexpectedAnswer(
                "GitHub's GraphQL answered with something that is not a repository. Run again later."
            )


def _with_discussions(facts: object) -> object:
    """Return the facts with what follows from a server that lacks discussions, or the flag that they are enabled."""
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


def _batches(repositories: Sequence[Asked], size: int) -> Iterator[Sequence[Asked]]:
    for start in range(0, len(repositories), size):
        yield repositories[start : start + size]


def list_repositories(client: GitHubClient, owner: str) -> list[dict[str, Any]]:
    """Return every repository that is not a fork, archived ones included; NotFound when there is no such owner.

    Items that are not repositories are left out and logged.
    """
    try:
        return _list_repositories(client, owner, f"/orgs/{escaped(owner)}/repos")
    except NotFound:
        return _list_repositories(client, owner, f"/users/{escaped(owner)}/repos")


def _list_repositories(client: GitHubClient, owner: str, path: str) -> list[dict[str, Any]]:
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
