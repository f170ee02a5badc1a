"""Conversion of discussions with their comments and replies from GraphQL payloads."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from core.ingest.records import CONVERSION_ERRORS, Malformed, Record, malformed_item
from core.ingest.values import Row, clean, clean_or_none, clip, one_line, parse_time, parse_time_or_none
from github_activity_tracker.convert.accounts import actor_id, actor_login, remember
from github_activity_tracker.convert.page import arrived_whole, hidden_state, reaction_counts
from github_activity_tracker.protocol_impl import CONTINUED, SHORTFALL, GitHubActivity


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscussionPage:
    """A converted page of discussions.

    ``whole`` has the numbers of the discussions that have all their comments and replies on this page.
    """

    discussions: list[Record] = field(default_factory=list[Record])
    comments: list[Record] = field(default_factory=list[Record])
    accounts: dict[int, Row] = field(default_factory=dict[int, Row])
    malformed: list[Malformed] = field(default_factory=list[Malformed])
    whole: list[int] = field(default_factory=list[int])
    short_columns: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    """Columns with incomplete lists, by discussion id. An incomplete list does not replace a longer stored list."""


def convert_discussions(items: Iterable[Any], repository_id: int) -> DiscussionPage:
    """Convert a page of discussions. Malformed discussions and comments are added to ``malformed``."""
    page = DiscussionPage()
    for item in items:
        try:
            if not item.get(CONTINUED):
                page.discussions.append(record := _discussion(item, repository_id))
                if not arrived_whole(item.get("labels")):
                    page.short_columns[record.row["id"]] = ["labels"]
                remember(page.accounts, item.get("author"))
        except CONVERSION_ERRORS as error:
            number = item.get("number") if isinstance(item, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # any JSON
            page.malformed.append(malformed_item(item, error, f"discussion:{number}" if number else ""))
            continue
        for node in _spoken(item):
            try:
                page.comments.append(_comment(node, item, repository_id))
                remember(page.accounts, node.get("author"))
            except CONVERSION_ERRORS as error:
                page.malformed.append(malformed_item(node, error, f"discussion:{item['number']}"))
        if _is_whole(item):
            page.whole.append(int(item["number"]))
    return page


def _spoken(item: Any) -> Iterator[Any]:
    """Yield the comments of a discussion, each followed by its replies. Continuations yield only their replies."""
    for comment in (item.get("comments") or {}).get("nodes") or []:
        if comment:
            if not comment.get(CONTINUED):
                yield comment
            yield from (reply for reply in (comment.get("replies") or {}).get("nodes") or [] if reply)


def _is_whole(item: Any) -> bool:
    """Return whether the page contains all comments and replies of a discussion that GitHub counts."""
    if item.get(CONTINUED) or item.get("comments") is None:
        return False
    connections = [item["comments"], *(node["replies"] for node in item["comments"]["nodes"] if node)]
    if None in connections:
        return False
    return all(
        len({node["id"] for node in one["nodes"] if node}) == len(one["nodes"]) == one["totalCount"]
        for one in connections
    )


def _post(node: Any, repository_id: int) -> Row:
    """Return the columns that discussions and comments share."""
    return {
        "id": int(node["databaseId"]),
        "node_id": clip(node["id"], 100),
        "repository_id": repository_id,
        "author_id": actor_id(node.get("author")),
        "author_association": clip(node.get("authorAssociation"), 32),
        "body": clean_or_none(node.get("body")),
        "html_url": clean(node.get("url")),
        "reactions": reaction_counts(node.get("reactionGroups")),
        "created_at": parse_time(node["createdAt"]),
        "updated_at": parse_time(node["updatedAt"]),
        "deleted_at": None,
    }


def _discussion(item: Any, repository_id: int) -> Record:
    number, title = int(item["number"]), clean(item["title"])
    row: Row = _post(item, repository_id) | {
        "number": number,
        "title": title,
        "category": clip((item.get("category") or {}).get("name"), 200),
        "state_reason": clip(item.get("stateReason"), 64),
        "answer_id": (item.get("answer") or {}).get("databaseId"),
        "locked": bool(item.get("locked")),
        "labels": [clean(node["name"]) for node in (item.get("labels") or {}).get("nodes") or [] if node],
        "upvotes": item.get("upvoteCount") or 0,
        "comments_count": 0 if item["comments"] is None and SHORTFALL in item else item["comments"]["totalCount"],
        "closed_at": parse_time_or_none(item.get("closedAt")),
    }
    document = f"github:discussion:{repository_id}:{number}"
    return _record(item, row, "github.discussion", document, document, title, edits=False)


def _comment(node: Any, item: Any, repository_id: int) -> Record:
    number = int(item["number"])
    row: Row = (
        _post(node, repository_id)
        | hidden_state(node)
        | {
            "discussion_number": number,
            "reply_to_id": (node.get("replyTo") or {}).get("databaseId"),
            "is_answer": bool(node.get("isAnswer")),
            "upvotes": node.get("upvoteCount") or 0,
        }
    )
    document = f"github:discussion:{repository_id}:{number}"
    identity = f"github:discussion_comment:{row['id']}"
    return _record(node, row, "github.discussion_comment", identity, document, row["body"] or "")


def _record(
    node: Any, row: Row, activity_type: str, identity: str, document: str, text: str, *, edits: bool = True
) -> Record:
    """Return a record that contains the row and its activity."""
    activity = GitHubActivity(
        external_id=identity,
        occurred_at=node["createdAt"],
        activity_type=activity_type,
        actor_external_id=str(row["author_id"] or ""),
        actor_name=actor_login(node.get("author")),
        source_url=clip(row["html_url"], 1000),
        summary=one_line(text),
        thread=document,
        edited_at=row["updated_at"] if edits and row["updated_at"] != row["created_at"] else None,
    )
    return Record(row=row, activity=activity, document=document, kind="discussion")
