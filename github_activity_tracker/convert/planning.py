"""Conversion of releases, labels and milestones."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from core.ingest.records import CONVERSION_ERRORS, Malformed, Page, Record, convert_each, malformed_item
from core.ingest.values import Row, clean, clean_or_none, clip, one_line, parse_time, parse_time_or_none
from github_activity_tracker.convert.accounts import account_row, living
from github_activity_tracker.convert.page import rest_reaction_counts
from github_activity_tracker.payloads import LabelPayload, MilestonePayload, ReleasePayload
from github_activity_tracker.protocol_impl import GitHubActivity


def convert_releases(payloads: Iterable[Any], repository_id: int) -> Page:
    """Convert a repository's releases."""
    return convert_each(payloads, partial(_release, repository_id=repository_id), _author)


def convert_labels(payloads: Iterable[Any], repository_id: int) -> tuple[list[Row], list[Malformed]]:
    """Convert a repository's labels. Returns the rows and the malformed labels."""
    return _rows(payloads, partial(_label, repository_id=repository_id))


def convert_milestones(payloads: Iterable[Any], repository_id: int) -> tuple[list[Row], list[Malformed]]:
    """Convert a repository's milestones. Returns the rows and the malformed milestones."""
    return _rows(payloads, partial(_milestone, repository_id=repository_id))


def milestone_creators(payloads: Iterable[Any]) -> Iterator[Row]:
    """Yield the rows of the accounts that created the milestones. Malformed milestones are omitted."""
    for payload in payloads:
        try:
            if creator := living(payload.get("creator")):
                yield account_row(creator)
        except CONVERSION_ERRORS:
            continue


def _rows(payloads: Iterable[Any], convert: Any) -> tuple[list[Row], list[Malformed]]:
    rows: list[Row] = []
    aside: list[Malformed] = []
    for payload in payloads:
        try:
            rows.append(convert(payload))
        except CONVERSION_ERRORS as error:
            aside.append(malformed_item(payload, error))
    return rows, aside


def _label(payload: LabelPayload, *, repository_id: int) -> Row:
    return {
        "id": int(payload["id"]),
        "repository_id": repository_id,
        "name": clean(payload["name"]),
        "color": clip(payload.get("color"), 16),
        "description": clean_or_none(payload.get("description")),
        "is_default": bool(payload.get("default")),
        "deleted_at": None,
    }


def _milestone(payload: MilestonePayload, *, repository_id: int) -> Row:
    creator = living(payload.get("creator"))
    return {
        "id": int(payload["id"]),
        "repository_id": repository_id,
        "number": int(payload["number"]),
        "title": clean(payload["title"]),
        "description": clean_or_none(payload.get("description")),
        "state": clip(payload["state"], 32),
        "creator_id": account_row(creator)["id"] if creator else None,  # fails for every creator without a row
        "open_issues": payload.get("open_issues") or 0,
        "closed_issues": payload.get("closed_issues") or 0,
        "html_url": clean(payload.get("html_url")),
        "due_on": parse_time_or_none(payload.get("due_on")),
        "created_at": parse_time(payload["created_at"]),
        "updated_at": parse_time(payload["updated_at"]),
        "closed_at": parse_time_or_none(payload.get("closed_at")),
        "deleted_at": None,
    }


def _release(payload: ReleasePayload, *, repository_id: int) -> Record:
    author = living(payload.get("author"))
    at = payload.get("published_at") or payload["created_at"]
    row: Row = {
        "id": int(payload["id"]),
        "node_id": clip(payload.get("node_id"), 100),
        "repository_id": repository_id,
        "author_id": int(author["id"]) if author else None,
        "author_association": "",
        "body": clean_or_none(payload.get("body")),
        "html_url": clean(payload.get("html_url")),
        "reactions": rest_reaction_counts(payload.get("reactions")),
        "created_at": parse_time(payload["created_at"]),
        "updated_at": parse_time(payload.get("updated_at") or at),
        "deleted_at": None,
        "tag_name": clean(payload["tag_name"]),
        "name": clean(payload.get("name")),
        "target_commitish": clean(payload.get("target_commitish")),
        "draft": bool(payload.get("draft")),
        "prerelease": bool(payload.get("prerelease")),
        "published_at": parse_time_or_none(payload.get("published_at")),
        "assets": [
            {"name": clean(asset.get("name")), "size": asset.get("size"), "downloads": asset.get("download_count")}
            for asset in payload.get("assets") or []
        ],
    }
    external_id = f"github:release:{row['id']}"
    activity = GitHubActivity(
        external_id=external_id,
        occurred_at=at,
        activity_type="github.release",
        actor_external_id=str(row["author_id"] or ""),
        actor_name=clip(author["login"], 200) if author else "",
        source_url=clip(row["html_url"], 1000),
        summary=one_line(f"{row['name'] or row['tag_name']}"),
        thread=external_id,
    )
    return Record(row=row, activity=activity, document=external_id, kind="release")


def _author(payload: ReleasePayload) -> Iterator[Row]:
    if author := living(payload.get("author")):
        yield account_row(author)
