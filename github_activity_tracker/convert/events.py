"""Conversion of timeline events."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from core.ingest.records import Record
from core.ingest.values import Row, clean_json, clip, one_line, parse_time
from github_activity_tracker.convert.accounts import actor_id, actor_login
from github_activity_tracker.payloads import ALIAS_MARK
from github_activity_tracker.protocol_impl import GitHubActivity

NAMES = {
    "RenamedTitleEvent": "renamed",
    "CrossReferencedEvent": "cross-referenced",
    "PullRequestCommit": "committed",
    "AutomaticBaseChangeFailedEvent": "automatic_base_change_failed",
}
"""REST names of events, by GraphQL type. Other names are the GraphQL type in snake case, without ``Event``.

https://docs.github.com/en/rest/using-the-rest-api/issue-event-types
"""
BORING = {"__typename", "id", "createdAt", "actor"}


def event_name(typename: str) -> str:
    """Return the name that GitHub's REST API uses for a GraphQL type of event."""
    short = typename.removesuffix("Event")
    return clip(NAMES.get(typename) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", short).lower(), 64)


def convert_event(node: Mapping[str, Any], *, thread: Mapping[str, Any], kind: str, repository_id: int) -> Record:
    """Convert an event of an issue or pull request. ``thread`` is the issue or pull request.

    An event without a time gets the time of the thread's last update, and its record has ``has_own_time=False``.
    """
    node = _without_aliases(node)
    name, number = event_name(str(node["__typename"])), int(thread["number"])
    actor, at = node.get("actor"), node.get("createdAt")
    if pushed := node.get("pushed"):
        actor, at = (pushed.get("author") or {}).get("user"), pushed.get("committedDate")
    has_own_time, at = bool(at), at or thread["updatedAt"]
    data = clean_json({key: value for key, value in node.items() if key not in BORING and value is not None})
    row: Row = {
        "node_id": clip(str(node["id"]), 200),
        "repository_id": repository_id,
        "number": number,
        "event": name,
        "actor_id": actor_id(actor),
        "data": data,
        "created_at": parse_time(at),
        "deleted_at": None,
    }
    document = f"github:{kind}:{repository_id}:{number}"
    activity = GitHubActivity(
        external_id=f"github:event:{row['node_id']}",
        occurred_at=at,
        activity_type=f"github.event.{name}",
        actor_external_id=str(row["actor_id"] or ""),
        actor_name=_actor_name(node, actor),
        source_url=clip(str(thread.get("url") or ""), 1000),
        summary=one_line(f"{name.replace('_', ' ')} {_what(node)}"),
        thread=document,
    )
    return Record(row=row, activity=activity, document="", kind=kind, has_own_time=has_own_time)


def _without_aliases(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the event with the original names of its fields instead of aliases."""
    return {name[: name.find(ALIAS_MARK, 1)] if ALIAS_MARK in name[1:] else name: node[name] for name in node}


def _actor_name(node: Mapping[str, Any], actor: dict[str, Any] | None) -> str:
    """Return the login of the actor. For a commit by an author without an account, return the author's name."""
    if not actor and (pushed := node.get("pushed")):
        return clip(str((pushed.get("author") or {}).get("name") or ""), 200)
    return actor_login(actor)


def _what(node: Mapping[str, Any]) -> str:
    """Return a few words about the object of the event, such as the label, the new title or the commit."""
    if "currentTitle" in node:
        return f"{node['previousTitle']} -> {node['currentTitle']}"
    for key, part in (("label", "name"), ("commit", "oid"), ("pushed", "oid"), ("afterCommit", "oid")):
        if node.get(key):
            return str(node[key].get(part) or "")[:200]
    for key in ("requestedReviewer", "assignee", "deletedCommentAuthor"):
        if node.get(key):
            return str(node[key].get("login") or node[key].get("slug") or "")
    if node.get("source"):
        return f"#{node['source'].get('number')} {node['source'].get('title') or ''}"
    for key in ("milestoneTitle", "stateReason", "headRefName", "reason"):
        if node.get(key):
            return str(node[key])
    return _words(value for key, value in node.items() if key not in BORING)


def _words(values: Iterable[Any]) -> str:
    """Return the first readable value of an event of an unknown kind, or an empty string if there is none."""
    for value in values:
        if isinstance(value, dict):
            number, title = value.get("number"), value.get("title") or value.get("name") or value.get("login")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # any JSON
            if number or title:
                return f"{f'#{number} ' if number else ''}{title or ''}"[:200]
        elif isinstance(value, str) and value:
            return value[:200]
    return ""
