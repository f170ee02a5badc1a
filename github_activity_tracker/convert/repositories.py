"""Accounts and repositories."""

from github_activity_tracker.convert.page import Row, clean, clean_or_none, clip, moment_or_none
from github_activity_tracker.payloads import AccountPayload, RepositoryPayload


def account_row(payload: AccountPayload) -> Row:
    """An account; its id is its identity, everything else may change."""
    return {
        "id": int(payload["id"]),
        "login": clip(payload["login"], 200),
        "kind": clip(payload.get("type") or "User", 32),
        "node_id": clip(payload.get("node_id"), 100),
        "avatar_url": clip(payload.get("avatar_url"), 500),
        "html_url": clean(payload.get("html_url")),
    }


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
        "stargazers_count": payload.get("stargazers_count") or 0,
        "watchers_count": payload.get("subscribers_count") or 0,
        "forks_count": payload.get("forks_count") or 0,
        "created_at": moment_or_none(payload.get("created_at")),
        "updated_at": moment_or_none(payload.get("updated_at")),
        "pushed_at": moment_or_none(payload.get("pushed_at")),
        "deleted_at": None,
    }


def provisional_row(repository_id: int, full_name: str) -> Row:
    """A repository that is known by its name alone; ``repository_id`` is made up and negative."""
    return repository_row({"id": repository_id, "full_name": full_name, "owner": None})
