"""Whether what GitHub says about a repository has the documented shape.

https://docs.github.com/en/graphql/reference/objects#repository
https://docs.github.com/en/rest/repos/repos#get-a-repository
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

PAYLOAD_ERRORS = (
    ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
)  # fmt: skip
"""What code may raise that reads a payload of an undocumented shape."""
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
