"""Tests of milestones with odd creators."""

from typing import Any

import pytest

from github_activity_tracker.convert.planning import convert_milestones, milestone_creators

MILESTONE = {
    "id": 5, "number": 1, "title": "Spring tide", "state": "open",
    "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
}  # fmt: skip


@pytest.mark.parametrize("creator", [{"id": 7}, {"id": "x", "login": "ada"}, {"login": "ada"}, 3])
def test_a_milestone_with_a_malformed_creator_is_set_aside(creator: Any) -> None:
    payloads = [MILESTONE | {"creator": creator}, MILESTONE | {"id": 6, "creator": {"id": 7, "login": "ada"}}]
    rows, malformed = convert_milestones(payloads, 1)
    assert [(row["id"], row["creator_id"]) for row in rows] == [(6, 7)]
    assert [item.external_id for item in malformed] == ["5"]
    assert [row["id"] for row in milestone_creators(payloads)] == [7]
