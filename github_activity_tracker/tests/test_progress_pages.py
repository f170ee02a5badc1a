"""Tests that a run reports its progress after each page."""

from collections import defaultdict

import pytest

from core.runs import recorded_run
from github_activity_tracker.collector.collector import GitHubCollector
from github_activity_tracker.collector.run import CollectOptions
from samples.server import SampleServer

pytestmark = pytest.mark.django_db(transaction=True)


class Reports:
    """A progress object that records every report."""

    def __init__(self) -> None:
        self.items: dict[str, list[int]] = defaultdict(list)
        self._stream = ""

    def expect(self, scope: str, stream: str, total: int | None) -> None:
        self._stream = stream

    def advance(self, seen: int) -> None:
        self.items[self._stream].append(seen)


def test_a_collection_reports_every_page(server: SampleServer) -> None:
    collector = GitHubCollector(CollectOptions(repositories=[server.truth()["full_name"]]))
    collector.progress = reports = Reports()
    with recorded_run("github", {}):
        collector.run()
    for stream, pages in {"issues": 2, "issue_comments": 4, "review_comments": 1}.items():
        assert len([step for step in reports.items[stream] if step]) >= pages, stream
