"""Tests that the reason for a malformed item is readable, and contains no text of a Python exception."""

import re
from typing import Any

import pytest

from github_activity_tracker.convert.issues import convert_issue_comments, convert_issues, convert_review_comments
from github_activity_tracker.tests.test_convert_spoiled import COMMENT, ISSUE, REVIEW_COMMENT, malformed_payloads

PYTHON = re.compile(r"\w+Error\b|NoneType|object is not|invalid literal|subscriptable|has no attribute|isoformat")


@pytest.mark.parametrize(
    ("convert_some", "payload"),
    [
        (convert_issues, ISSUE),
        (convert_issue_comments, COMMENT),
        (convert_review_comments, REVIEW_COMMENT),
    ],
)
def test_reasons_are_words_for_people(convert_some: Any, payload: dict[str, Any]) -> None:
    odd = [other for _, other in malformed_payloads(payload)]
    reasons = {item.reason for item in convert_some([None, 7, "x", {}, *odd], 5).malformed}
    assert len(reasons) > 1
    assert not [reason for reason in reasons if PYTHON.search(reason)]


def test_a_missing_field_is_named() -> None:
    item = convert_issues([{name: value for name, value in ISSUE.items() if name != "number"}], 5).malformed[0]
    assert item.reason == "the field 'number' is missing"
