"""Conversion of pull requests, reviews and timelines from GraphQL payloads."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.ingest.records import CONVERSION_ERRORS, Malformed, Record, malformed_item
from core.ingest.values import Row, clean, clean_or_none, clip, one_line, parse_time, parse_time_or_none
from github_activity_tracker.convert.accounts import actor_id, actor_login, remember
from github_activity_tracker.convert.events import convert_event
from github_activity_tracker.convert.page import arrived_whole, hidden_state, reaction_counts
from github_activity_tracker.payloads import NOT_EVENTS
from github_activity_tracker.protocol_impl import CONTINUED, SHORTFALL, GitHubActivity

COLUMNS = {"review_requests": "reviewRequests", "closes": "closingIssuesReferences"}
"""The columns of a pull request that contain lists, with the GraphQL connection of each column."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ThreadPage:
    """A converted page of issues or pull requests.

    ``whole_reviews`` has the numbers of the items that have all their reviews on this page. ``whole_timelines`` has the
    numbers of the items that have all their events on this page.
    """

    pulls: list[Row] = field(default_factory=list[Row])
    timelines: list[Row] = field(default_factory=list[Row])
    reviews: list[Record] = field(default_factory=list[Record])
    events: list[Record] = field(default_factory=list[Record])
    accounts: dict[int, Row] = field(default_factory=dict[int, Row])
    malformed: list[Malformed] = field(default_factory=list[Malformed])
    whole_reviews: list[int] = field(default_factory=list[int])
    whole_timelines: list[int] = field(default_factory=list[int])
    short_columns: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    """Columns with incomplete lists, by pull request id. An incomplete list does not replace a longer stored list."""


def convert_threads(items: Iterable[Any], repository_id: int, kind: str) -> ThreadPage:
    """Convert a page of ``issue`` or ``pull_request`` items. Malformed items are added to ``malformed``."""
    page = ThreadPage()
    for item in items:
        try:
            number, rows = int(item["number"]), [] if item.get(CONTINUED) else [_timeline(item, repository_id)]
            if kind == "pull_request" and not item.get(CONTINUED):
                page.pulls.append(pull := _pull(item, repository_id))
                if short := _short_columns(item):
                    page.short_columns[pull["id"]] = short
                remember(page.accounts, item.get("mergedBy"))
        except CONVERSION_ERRORS as error:
            page.malformed.append(malformed_item(item, error, _name(kind, item)))
            continue
        page.timelines.extend(row for row in rows if row)
        if kind == "pull_request" and _reviews(page, item, repository_id):
            page.whole_reviews.append(number)
        if _events(page, item, kind, repository_id):
            page.whole_timelines.append(number)
    return page


def _timeline(item: Any, repository_id: int) -> Row | None:
    """Return the row with the size of a timeline, or None if an error prevented GitHub from returning the timeline."""
    if item["timelineItems"] is None and SHORTFALL in item:
        return None
    return {
        "repository_id": repository_id, "number": int(item["number"]), "node_id": clip(item["id"], 100),
        "entries": int(item["timelineItems"]["totalCount"]),
    }  # fmt: skip


def _name(kind: str, item: Any) -> str:
    """Return the external id for a malformed item or node. A retry requests the item with the number in this id."""
    return f"{kind}:{item.get('number')}" if isinstance(item, dict) else ""  # pyright: ignore[reportUnknownMemberType]  # any JSON


def _reviews(page: ThreadPage, item: Any, repository_id: int) -> bool:
    """Add the reviews of a pull request to the page. Returns whether the reviews are complete."""
    connection: Any = item.get("reviews") or {"nodes": [], "totalCount": -1}
    for node in connection["nodes"]:
        try:
            page.reviews.append(_review(node, item, repository_id))
            remember(page.accounts, node.get("author"))
        except CONVERSION_ERRORS as error:
            page.malformed.append(malformed_item(node, error, _name("pull_request", item)))
    return _is_whole(connection)


def _events(page: ThreadPage, item: Any, kind: str, repository_id: int) -> bool:
    """Add the events of a timeline to the page. Returns whether the timeline is complete."""
    connection: Any = item.get("timelineItems") or {"nodes": [], "totalCount": -1}
    for node in connection["nodes"]:
        if node and node.get("__typename") in NOT_EVENTS:
            continue
        try:
            page.events.append(convert_event(node, thread=item, kind=kind, repository_id=repository_id))
            remember(page.accounts, node.get("actor"), *_author(node))
        except CONVERSION_ERRORS as error:
            page.malformed.append(malformed_item(node, error, _name(kind, item)))
    return _is_whole(connection)


def _author(node: Any) -> Iterator[Any]:
    if pushed := node.get("pushed"):
        yield (pushed.get("author") or {}).get("user")


def _is_whole(connection: Any) -> bool:
    """Return whether a connection contains all nodes that GitHub counts.

    If it does not, stored reviews and events that the connection lacks are not marked as deleted.
    """
    ids = {node["id"] for node in connection["nodes"] if node and node.get("id")}
    return len(ids) == len(connection["nodes"]) == connection["totalCount"] and not connection.get("before")


def _pull(item: Any, repository_id: int) -> Row:
    head, merged = item.get("headRepository") or {}, item.get("mergeCommit") or {}
    return {
        "id": int(item["fullDatabaseId"]),
        "node_id": clip(item["id"], 100),
        "repository_id": repository_id,
        "number": int(item["number"]),
        "draft": bool(item.get("isDraft")),
        "merged_at": parse_time_or_none(item.get("mergedAt")),
        "merged_by_id": actor_id(item.get("mergedBy")),
        "merge_commit_sha": clip(merged.get("oid"), 64),
        "head_ref": clean(item.get("headRefName")),
        "head_sha": clip(item.get("headRefOid"), 64),
        "head_repository": clip(head.get("nameWithOwner"), 300),
        "base_ref": clean(item.get("baseRefName")),
        "base_sha": clip(item.get("baseRefOid"), 64),
        "additions": item.get("additions") or 0,
        "deletions": item.get("deletions") or 0,
        "changed_files": item.get("changedFiles") or 0,
        "review_decision": clip(item.get("reviewDecision"), 64),
        "review_requests": [_reviewer(node) for node in _nodes(item, "reviewRequests")],
        "closes": [
            {"repository": (node.get("repository") or {}).get("databaseId"), "number": node.get("number")}
            for node in _nodes(item, "closingIssuesReferences")
        ],
        "updated_at": parse_time(item["updatedAt"]),
        "deleted_at": None,
    }


def _nodes(item: Any, name: str) -> Sequence[Any]:
    return [node for node in (item.get(name) or {}).get("nodes") or [] if node and not _is_withheld(node, item)]


def _is_withheld(node: Any, item: Any) -> bool:
    """Return whether a requested reviewer is null because of an error, and not because the account was deleted."""
    return SHORTFALL in item and "requestedReviewer" in node and node["requestedReviewer"] is None


def _short_columns(item: Any) -> list[str]:
    """Return the names of the columns with incomplete lists."""
    return [
        column for column, name in COLUMNS.items()
        if not arrived_whole(item.get(name)) or len(_nodes(item, name)) < len(item[name]["nodes"])
    ]  # fmt: skip


def _reviewer(node: Any) -> dict[str, Any]:
    """Return the kind, numeric id and name of a requested reviewer. Teams have a node id instead of a numeric id."""
    reviewer = node.get("requestedReviewer") or {}
    known = {"kind": str(reviewer.get("__typename") or ""), "id": actor_id(reviewer)}
    if known["kind"] == "Team":
        known["node_id"] = clip(reviewer.get("id"), 100)
    return known | {"name": clean(str(reviewer.get("login") or reviewer.get("slug") or ""))}


def _review(node: Any, item: Any, repository_id: int) -> Record:
    number, body = int(item["number"]), clean_or_none(node.get("body"))
    author = node.get("author")
    row: Row = {
        "id": int(node["fullDatabaseId"]),
        "node_id": clip(node["id"], 100),
        "repository_id": repository_id,
        "author_id": actor_id(author),
        "author_association": clip(node.get("authorAssociation"), 32),
        "body": body,
        "html_url": clean(node.get("url")),
        "reactions": reaction_counts(node.get("reactionGroups")),
        "created_at": parse_time(node["createdAt"]),
        "updated_at": parse_time(node["updatedAt"]),
        "deleted_at": None,
        "pull_number": number,
        "state": clip(node["state"], 32),
        "submitted_at": parse_time_or_none(node.get("submittedAt")),
        "commit_sha": clip((node.get("commit") or {}).get("oid"), 64),
    } | hidden_state(node)
    document = f"github:pull_request:{repository_id}:{number}"
    at = node.get("submittedAt") or node["createdAt"]
    activity = GitHubActivity(
        external_id=f"github:review:{row['id']}",
        occurred_at=at,
        activity_type="github.review",
        actor_external_id=str(row["author_id"] or ""),
        actor_name=actor_login(author),
        source_url=clip(row["html_url"], 1000),
        summary=one_line(f"{str(row['state']).lower().replace('_', ' ')}: {body or ''}"),
        thread=document,
        edited_at=row["updated_at"] if body and row["updated_at"] > parse_time(at) else None,
    )
    return Record(row=row, activity=activity, document=document, kind="pull_request")
