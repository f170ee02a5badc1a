"""Repositories."""

from typing import Any

from github_activity_tracker.convert.accounts import actor_id
from github_activity_tracker.convert.page import Row, clean, clean_or_none, clip, moment_or_none
from github_activity_tracker.payloads import RepositoryPayload

LARGEST_COUNT = 2**31 - 1
"""The largest value of PostgreSQL's integer."""


def count_of(value: object) -> int:
    """Return a number of stars, watchers or forks as it can be stored: 0 for anything but a number."""
    return min(max(value, 0), LARGEST_COUNT) if isinstance(value, int) else 0


def repository_row(payload: RepositoryPayload) -> Row:
    """A repository's facts."""
    owner = payload.get("owner")
    return {
        "id": int(payload["id"]),
        "full_name": clip(payload["full_name"], 300),
        "enabled": True,
        "node_id": clip(payload.get("node_id"), 100),
        "owner_id": int(owner["id"]) if owner else None,
        "description": clean_or_none(payload.get("description")),
        "default_branch": clip(payload.get("default_branch"), 300),
        "language": clip(payload.get("language"), 100) or None,
        "topics": [clean(topic) for topic in payload.get("topics") or []],
        "html_url": clean(payload.get("html_url")),
        "private": bool(payload.get("private")),
        "fork": bool(payload.get("fork")),
        "archived": bool(payload.get("archived")),
        "stargazers_count": count_of(payload.get("stargazers_count")),
        "watchers_count": count_of(payload.get("subscribers_count")),
        "forks_count": count_of(payload.get("forks_count")),
        "created_at": moment_or_none(payload.get("created_at")),
        "updated_at": moment_or_none(payload.get("updated_at")),
        "pushed_at": moment_or_none(payload.get("pushed_at")),
        "deleted_at": None,
    }


def provisional_row(repository_id: int, full_name: str) -> Row:
    """A repository that is known by its name alone; ``repository_id`` is made up and negative."""
    return repository_row({"id": repository_id, "full_name": full_name, "owner": None})


def repository_row_of_facts(facts: dict[str, Any]) -> Row:
    """A repository's facts as GraphQL tells them: the same row."""
    language, branch = facts.get("primaryLanguage") or {}, facts.get("defaultBranchRef") or {}
    topics = ((node or {}).get("topic") or {} for node in (facts.get("repositoryTopics") or {}).get("nodes") or [])
    return {
        "id": int(facts["databaseId"]),
        "full_name": clip(facts["nameWithOwner"], 300),
        "enabled": True,
        "node_id": clip(facts.get("id"), 100),
        "owner_id": actor_id(facts.get("owner")),
        "description": clean_or_none(facts.get("description")),
        "default_branch": clip(branch.get("name"), 300),
        "language": clip(language.get("name"), 100) or None,
        "topics": [clean(topic.get("name")) for topic in topics],
        "html_url": clean(facts.get("url")),
        "private": bool(facts.get("isPrivate")),
        "fork": bool(facts.get("isFork")),
        "archived": bool(facts.get("isArchived")),
        "stargazers_count": facts.get("stargazerCount") or 0,
        "watchers_count": (facts.get("watchers") or {}).get("totalCount") or 0,
        "forks_count": facts.get("forkCount") or 0,
        "created_at": moment_or_none(facts.get("createdAt")),
        "updated_at": moment_or_none(facts.get("updatedAt")),
        "pushed_at": moment_or_none(facts.get("pushedAt")),
        "deleted_at": None,
    }
