"""Conversion of issues, pull requests in the issue list, and comments on issues, diffs and commits."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, cast

from core.ingest.records import Page, Record, convert_each
from core.ingest.values import (
    Row,
    bounded_int,
    bounded_int_or_none,
    clean,
    clean_json,
    clean_or_none,
    clip,
    one_line,
    parse_time,
    parse_time_or_none,
)
from github_activity_tracker.convert.accounts import GHOST, account_row, living
from github_activity_tracker.convert.page import last_number, rest_reaction_counts
from github_activity_tracker.payloads import (
    CommitCommentPayload,
    IssueCommentPayload,
    IssuePayload,
    PostPayload,
    ReviewCommentPayload,
)
from github_activity_tracker.protocol_impl import GitHubActivity

SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
"""Matches a SHA-1 or SHA-256 hash as git writes it, in lower-case hexadecimal digits."""


def convert_issues(payloads: Iterable[Any], repository_id: int) -> Page:
    """Convert a page of the repository's issues and pull requests."""
    return convert_each(payloads, partial(_issue, repository_id=repository_id), _issue_people)


def convert_issue_comments(payloads: Iterable[Any], repository_id: int) -> Page:
    """Convert a page of the repository's comments on issues and pull requests."""
    return convert_each(payloads, partial(_issue_comment, repository_id=repository_id), _people)


def convert_review_comments(payloads: Iterable[Any], repository_id: int) -> Page:
    """Convert a page of the repository's review comments."""
    return convert_each(payloads, partial(_review_comment, repository_id=repository_id), _people)


def _issue(payload: IssuePayload, *, repository_id: int) -> Record:
    pull = payload.get("pull_request")
    kind = "issue" if pull is None else "pull_request"
    number, title = bounded_int(payload["number"], 32), clean(payload["title"])
    milestone = payload.get("milestone")
    names = (label if isinstance(label, str) else label.get("name") for label in payload.get("labels") or [])
    closed_by = living(payload.get("closed_by"))
    row: Row = _post(payload, repository_id) | {
        "number": number,
        "is_pull_request": pull is not None,
        "title": title,
        "state": clip(payload["state"], 32),
        "state_reason": clip(payload.get("state_reason"), 64) or None,
        "locked": bool(payload.get("locked")),
        "active_lock_reason": clip(payload.get("active_lock_reason"), 64) or None,
        "draft": bool(payload.get("draft")),
        "labels": [clean(name) for name in names if name],
        "assignees": [bounded_int(account["id"]) for account in payload.get("assignees") or []],
        "milestone": clean(milestone["title"]) if milestone else None,
        "comments_count": bounded_int(payload.get("comments") or 0, 32),
        "closed_at": parse_time_or_none(payload.get("closed_at")),
        "merged_at": parse_time_or_none(pull.get("merged_at")) if pull else None,
        "issue_type": _name_of(payload.get("type"), "name"),
        "sub_issues_summary": clean_json(payload.get("sub_issues_summary")),
        "issue_dependencies_summary": clean_json(payload.get("issue_dependencies_summary")),
        "closed_by_id": bounded_int(closed_by["id"]) if closed_by else None,
        "performed_via_github_app": _name_of(payload.get("performed_via_github_app"), "slug"),
        "transferred_to": "",
    }
    document = f"github:{kind}:{repository_id}:{number}"
    # The list does not distinguish an edit of the text from other changes, so edited_at of an issue stays empty.
    activity = _activity(payload, f"github.{kind}", document, document, title, edits=False)
    return Record(row=row, activity=activity, document=document, kind=kind)


def _issue_comment(payload: IssueCommentPayload, *, repository_id: int) -> Record:
    number = last_number(payload["issue_url"])
    kind = "pull_request" if "/pull/" in payload["html_url"] else "issue"
    row: Row = _post(payload, repository_id) | {
        "issue_number": number,
        "performed_via_github_app": _name_of(payload.get("performed_via_github_app"), "slug"),
    }
    document = f"github:{kind}:{repository_id}:{number}"
    identity = f"github:issue_comment:{row['id']}"
    activity = _activity(payload, "github.issue_comment", identity, document, row["body"] or "")
    return Record(row=row, activity=activity, document=document, kind=kind)


def _review_comment(payload: ReviewCommentPayload, *, repository_id: int) -> Record:
    number = last_number(payload["pull_request_url"])
    row: Row = _post(payload, repository_id) | {
        "pull_number": number,
        "review_id": bounded_int_or_none(payload.get("pull_request_review_id")),
        "in_reply_to_id": bounded_int_or_none(payload.get("in_reply_to_id")),
        "path": clean(payload["path"]),
        "diff_hunk": clean(payload.get("diff_hunk")),
        "commit_id": clip(payload.get("commit_id"), 64),
        "original_commit_id": clip(payload.get("original_commit_id"), 64),
        "subject_type": clip(payload.get("subject_type"), 16),
        "side": clip(payload.get("side"), 16) or None,
        "start_side": clip(payload.get("start_side"), 16) or None,
        "line": bounded_int_or_none(payload.get("line"), 32),
        "original_line": bounded_int_or_none(payload.get("original_line"), 32),
        "start_line": bounded_int_or_none(payload.get("start_line"), 32),
        "original_start_line": bounded_int_or_none(payload.get("original_start_line"), 32),
        "position": bounded_int_or_none(payload.get("position"), 32),
        "original_position": bounded_int_or_none(payload.get("original_position"), 32),
    }
    document = f"github:pull_request:{repository_id}:{number}"
    identity = f"github:review_comment:{row['id']}"
    activity = _activity(payload, "github.review_comment", identity, document, row["body"] or "")
    return Record(row=row, activity=activity, document=document, kind="pull_request")


def convert_commit_comments(payloads: Iterable[Any], repository_id: int) -> Page:
    """Convert a page of the repository's comments on commits."""
    return convert_each(payloads, partial(_commit_comment, repository_id=repository_id), _people)


def _commit_comment(payload: CommitCommentPayload, *, repository_id: int) -> Record:
    """Convert a comment on a commit. The comment belongs to the thread of the commit.

    Raises ValueError if the payload does not contain the hash of a commit.
    """
    row: Row = _post(payload, repository_id) | {
        "commit_sha": clip(payload["commit_id"], 64),
        "path": clean_or_none(payload.get("path")),
        "line": bounded_int_or_none(payload.get("line"), 32),
        "position": bounded_int_or_none(payload.get("position"), 32),
    }
    if not SHA.fullmatch(row["commit_sha"]):
        raise ValueError(f"not the hash of a commit: {row['commit_sha']!r}")
    document = f"github:commit:{repository_id}:{row['commit_sha']}"
    identity = f"github:commit_comment:{row['id']}"
    activity = _activity(payload, "github.commit_comment", identity, document, row["body"] or "")
    return Record(row=row, activity=activity, document=document, kind="commit")


def _name_of(value: object, key: str) -> str | None:
    """Return the name of an issue type or GitHub App, or None if it is missing or has an unexpected type.

    The name is optional, so an unexpected value does not make the issue or comment malformed.
    """
    known = cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}
    name = known.get(key) or known.get("name")
    return clip(name, 100) if isinstance(name, str) and name else None


def _post(payload: PostPayload, repository_id: int) -> Row:
    """Return the columns that issues and comments share."""
    user = living(payload["user"])
    return {
        "id": bounded_int(payload["id"]),
        "node_id": clip(payload.get("node_id"), 100),
        "repository_id": repository_id,
        "author_id": bounded_int(user["id"]) if user else None,
        "author_association": clip(payload.get("author_association"), 32),
        "body": clean_or_none(payload.get("body")),
        "html_url": clean(payload["html_url"]),
        "reactions": rest_reaction_counts(payload.get("reactions")),
        "created_at": parse_time(payload["created_at"]),
        "updated_at": parse_time(payload["updated_at"]),
        "deleted_at": None,
    }


def _activity(
    payload: PostPayload, activity_type: str, external_id: str, thread: str, text: str, *, edits: bool = True
) -> GitHubActivity:
    """Return the activity of an item.

    ``edits`` says whether a later ``updated_at`` means that the text was edited.
    """
    user = living(payload["user"])
    edited = edits and payload["updated_at"] != payload["created_at"]
    return GitHubActivity(
        external_id=external_id,
        occurred_at=payload["created_at"],
        activity_type=activity_type,
        actor_external_id=str(user["id"]) if user else "",
        actor_name=clip(user["login"], 200) if user else GHOST,
        source_url=clip(payload["html_url"], 1000),
        summary=one_line(text),
        thread=thread,
        edited_at=parse_time(payload["updated_at"]) if edited else None,
    )


def _people(payload: PostPayload) -> Iterator[Row]:
    """Yield the row of the author, unless the account no longer exists."""
    if user := living(payload["user"]):
        yield account_row(user)


def _issue_people(payload: IssuePayload) -> Iterator[Row]:
    """Yield the rows of the author, of the assignees, and of the account that closed the issue."""
    yield from _people(payload)
    if closed_by := living(payload.get("closed_by")):
        yield account_row(closed_by)
    for account in payload.get("assignees") or []:
        yield account_row(account)
