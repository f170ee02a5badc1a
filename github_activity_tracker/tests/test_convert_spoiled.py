"""Tests of payloads with one malformed value. A payload becomes a row that fits its table, or is set aside."""

import copy
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import pytest
from django.db import models

from core.ingest.records import Malformed, Page, Record
from core.ingest.values import account_number
from core.models import Activity
from core.protocols import require_activity_record
from github_activity_tracker.convert.issues import convert_issue_comments, convert_issues, convert_review_comments
from github_activity_tracker.models import Account, Issue, IssueComment, ReviewComment

Path = tuple[str | int, ...]
MISSING = object()
SPOILS: list[Any] = [
    MISSING, None, "", 0, -1, True, 1.5, "x" * 70_000, "\x00", "\ud800", "²", "NEVER_HEARD_OF", "2025-03-02T08:10:00",
    [], {}, [None], [1], ["s"], {"a": 1}, 2**31, 2**62, 2**70,
]  # fmt: skip
AT = "2025-03-02T08:10:00Z"
USER = {"id": 7, "login": "ada", "type": "User", "node_id": "U", "avatar_url": "https://x/7", "html_url": "https://x"}
POST = {
    "id": 2**40, "node_id": "N", "user": USER, "body": "b", "html_url": "https://github.com/o/r/issues/12",
    "author_association": "MEMBER", "reactions": {"+1": 2, "url": "u"}, "created_at": AT, "updated_at": AT,
}  # fmt: skip
ISSUE = POST | {
    "number": 12, "title": "t", "state": "open", "state_reason": "completed", "locked": False, "draft": False,
    "active_lock_reason": "off-topic", "labels": [{"name": "bug"}, "plain"], "assignees": [USER], "comments": 3,
    "milestone": {"title": "m"}, "closed_at": AT, "pull_request": {"merged_at": AT},
}  # fmt: skip
COMMENT = POST | {"issue_url": "https://x/issues/12"}
NUMBERS = ("line", "original_line", "start_line", "original_start_line", "position", "original_position")
REVIEW_COMMENT = POST | {
    "pull_request_url": "https://x/pulls/12", "path": "a.c", "diff_hunk": "@@", "pull_request_review_id": 5,
    "in_reply_to_id": 6, "commit_id": "c", "original_commit_id": "o", "subject_type": "line", "side": "RIGHT",
    "start_side": "LEFT", **dict.fromkeys(NUMBERS, 1),
}  # fmt: skip
SIZES = {"SmallIntegerField": 1 << 15, "IntegerField": 1 << 31, "PositiveIntegerField": 1 << 31}


def places(value: object, here: Path = ()) -> Iterator[Path]:
    """Yield the path to each value in a payload."""
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    for key, member in inner:
        yield (*here, key)
        yield from places(member, (*here, key))


def malformed_payloads(payload: Any) -> Iterator[tuple[Path, Any]]:
    """Yield pairs: the path of a value, and a copy of the payload in which this value is malformed or missing."""
    for place in places(payload):
        for spoil in SPOILS:
            holder = whole = copy.deepcopy(payload)
            for key in place[:-1]:
                holder = holder[key]
            if spoil is MISSING:
                del holder[place[-1]]
            else:
                holder[place[-1]] = copy.deepcopy(spoil)
            yield place, whole


def storable(value: object) -> bool:
    """Return whether PostgreSQL accepts all texts in the value."""
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, dict):
        return all(storable(k) and storable(v) for k, v in value.items())
    return all(map(storable, value)) if isinstance(value, list) else True


def fits(field: Any, value: object) -> bool:
    """Return whether a column accepts a value."""
    column = field.target_field if field.is_relation else field
    if value is None or isinstance(column, models.JSONField):
        return (value is not None or field.null) and storable(value)
    if isinstance(column, models.CharField | models.TextField):
        return isinstance(value, str) and storable(value) and len(value) <= (column.max_length or len(value))
    if isinstance(column, models.BooleanField | models.DateTimeField):
        return isinstance(value, bool if isinstance(column, models.BooleanField) else datetime)
    kind, least = column.get_internal_type(), 0 if "Positive" in column.get_internal_type() else -(1 << 63)
    return isinstance(value, int) and least <= value < SIZES.get(kind, 1 << 63)


def refused(model: type[models.Model], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a row that the table would refuse."""
    fields = {field.attname: field for field in model._meta.concrete_fields}
    return {name: str(value)[:40] for name, value in row.items() if not fits(fields[name], value)}


def refused_activity(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of an activity that the timeline would refuse."""
    account = account_number(row["actor_external_id"])
    texts = {name: value for name, value in row.items() if name in WIDTHS}
    times = {name: value for name, value in row.items() if name in {"occurred_at", "edited_at", "deleted_at"}}
    wrong = {name: value for name, value in texts.items() if not storable(value) or len(value) > WIDTHS[name]}
    return wrong | refused(Activity, {"actor": account, **times})


WIDTHS = {
    "external_id": 200, "thread": 200, "activity_type": 64, "actor_name": 200, "source_url": 1000, "summary": 300
}  # fmt: skip


def check_record(model: type[models.Model], record: Record) -> None:
    """Check that the row and its timeline entry can be stored."""
    assert refused(model, record.row) == {}
    activity = require_activity_record(record.activity)
    names = ("source_system", "external_id", "activity_type", "actor_external_id", "source_url", "summary")
    row = {name: getattr(activity, name) for name in names}
    more = {"thread": record.activity.thread, "actor_name": record.activity.actor_name}
    assert refused_activity(row | more) == {}
    assert datetime.fromisoformat(activity.occurred_at).tzinfo is not None


def check_aside(aside: list[Malformed]) -> None:
    """Check that PostgreSQL accepts the texts of malformed items, and that their external ids fit the column."""
    for item in aside:
        assert storable(item.payload)
        assert storable(item.reason + item.external_id)
        assert len(item.external_id) <= 300


@pytest.mark.parametrize(
    ("turn", "model", "payload"),
    [
        (convert_issues, Issue, ISSUE),
        (convert_issue_comments, IssueComment, COMMENT),
        (convert_review_comments, ReviewComment, REVIEW_COMMENT),
    ],
)
def test_an_item_becomes_a_row_that_fits_or_is_set_aside(
    turn: Callable[..., Page], model: type[models.Model], payload: dict[str, Any]
) -> None:
    assert turn([payload], 5).malformed == []
    for place, item in malformed_payloads(payload):
        page = turn([item, payload], 5)
        assert len(page.records) + len(page.malformed) == 2, place
        assert page.records, place
        check_aside(page.malformed)
        for record in page.records:
            check_record(model, record)
        for account in page.accounts.values():
            assert refused(Account, account) == {}, place
