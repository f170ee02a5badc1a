"""Conversion of repositories from REST and GraphQL payloads."""

from collections.abc import Mapping
from typing import Any

from core.ingest.values import Row, clean, clean_or_none, clip, parse_time_or_none
from github_activity_tracker.convert.accounts import actor_id
from github_activity_tracker.convert.page import arrived_whole
from github_activity_tracker.payloads import RepositoryPayload

LARGEST_COUNT = 2**31 - 1
"""The largest value of PostgreSQL's type ``integer``. Counts above this value are stored as this value."""


def count_of(value: object) -> int:
    """Return a number of stars, watchers or forks that fits into its column, or 0 if the value is not a number."""
    return min(max(value, 0), LARGEST_COUNT) if isinstance(value, int) else 0


SWITCHES = (
    "has_issues", "has_pull_requests", "has_discussions", "has_projects", "has_wiki", "has_pages", "has_downloads",
    "is_template", "disabled",
)  # fmt: skip
SWITCHES_OF_FACTS = {
    "hasIssuesEnabled": "has_issues", "hasPullRequestsEnabled": "has_pull_requests",
    "hasDiscussionsEnabled": "has_discussions", "hasProjectsEnabled": "has_projects", "hasWikiEnabled": "has_wiki",
    "isTemplate": "is_template", "isDisabled": "disabled",
}  # fmt: skip
"""Columns by the names of GraphQL's fields. GraphQL has no fields for ``has_pages`` and ``has_downloads``."""


def repository_row(payload: RepositoryPayload) -> Row:
    """Return the row of a repository.

    If the payload lacks a switch, the license, a fork relation, ``homepage``, ``visibility`` or ``mirror_url``, the row
    omits its columns, and the stored values are preserved.
    """
    owner = payload.get("owner")
    return {
        **{name: bool(value) for name in SWITCHES if (value := payload.get(name)) is not None},
        **_shown(payload, ("homepage", "homepage"), ("visibility", "visibility"), ("mirror_url", "mirror_url")),
        **_license(payload, "license", "spdx_id"),
        **_family(payload.get("fork"), payload.get("parent"), payload.get("source"), ("id", "full_name")),
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
        "created_at": parse_time_or_none(payload.get("created_at")),
        "updated_at": parse_time_or_none(payload.get("updated_at")),
        "pushed_at": parse_time_or_none(payload.get("pushed_at")),
        "deleted_at": None,
    }


def _shown(payload: Mapping[str, Any], *names: tuple[str, str]) -> Row:
    """Return the texts that the payload contains, by column. Empty texts become None.

    ``names`` are pairs of a payload field and its column.
    """
    found = {column: clean_or_none(payload[name]) or None for name, column in names if name in payload}
    if found.get("visibility"):
        found["visibility"] = clip(str(found["visibility"]).lower(), 32)
    return found


def _license(payload: Mapping[str, Any], name: str, identifier: str) -> Row:
    """Return the columns of the license, or no columns if the payload lacks the field ``name``."""
    if name not in payload:
        return {}
    shown = payload[name] or {}
    known = shown.get(identifier) or shown.get("key")
    return {"license_id": clip(known, 100) or None, "license_name": clip(shown.get("name"), 300) or None}


def _family(fork: object, parent: Any, source: Any, names: tuple[str, str]) -> Row:
    """Return the columns with the parent and the source of a fork.

    The values are None if the repository is not a fork. Columns are omitted if GitHub hides the related repository.
    """
    row: Row = {}
    for column, related in (("parent", parent), ("source", source)):
        if related or fork is False:
            number, full_name = (related.get(name) for name in names) if related else (None, None)
            row |= {
                f"{column}_id": int(number) if number else None,
                f"{column}_full_name": clip(full_name, 300) or None,
            }
    return row


def _topics(connection: Mapping[str, Any] | None) -> Row:
    """Return the column of topics.

    If some topics are missing, return no column, so that the stored topics are preserved.
    """
    if connection is None or not arrived_whole(connection):
        return {}
    return {"topics": [clean((node.get("topic") or {}).get("name")) for node in connection["nodes"]]}


def provisional_row(repository_id: int, full_name: str) -> Row:
    """Return the row of a repository with an unknown id. ``repository_id`` is a negative placeholder."""
    return repository_row({"id": repository_id, "full_name": full_name, "owner": None})


def repository_row_of_facts(facts: dict[str, Any]) -> Row:
    """Return the row of a repository from GraphQL fields, without the columns that GraphQL lacks.

    GraphQL does not return the source of a fork. The source is known only if the parent is not itself a fork.
    """
    parent = facts.get("parent")
    source = parent if parent and parent.get("isFork") is False else None
    language, branch = facts.get("primaryLanguage") or {}, facts.get("defaultBranchRef") or {}
    return {
        **{row: bool(facts[name]) for name, row in SWITCHES_OF_FACTS.items() if facts.get(name) is not None},
        **_shown(facts, ("homepageUrl", "homepage"), ("visibility", "visibility"), ("mirrorUrl", "mirror_url")),
        **_license(facts, "licenseInfo", "spdxId"),
        **_family(facts.get("isFork"), parent, source, ("databaseId", "nameWithOwner")),
        **_topics(facts.get("repositoryTopics")),
        "id": int(facts["databaseId"]),
        "full_name": clip(facts["nameWithOwner"], 300),
        "enabled": True,
        "node_id": clip(facts.get("id"), 100),
        "owner_id": actor_id(facts.get("owner")),
        "description": clean_or_none(facts.get("description")),
        "default_branch": clip(branch.get("name"), 300),
        "language": clip(language.get("name"), 100) or None,
        "html_url": clean(facts.get("url")),
        "private": bool(facts.get("isPrivate")),
        "fork": bool(facts.get("isFork")),
        "archived": bool(facts.get("isArchived")),
        "stargazers_count": facts.get("stargazerCount") or 0,
        "watchers_count": (facts.get("watchers") or {}).get("totalCount") or 0,
        "forks_count": facts.get("forkCount") or 0,
        "created_at": parse_time_or_none(facts.get("createdAt")),
        "updated_at": parse_time_or_none(facts.get("updatedAt")),
        "pushed_at": parse_time_or_none(facts.get("pushedAt")),
        "deleted_at": None,
    }
