"""The collector: for each repository, stream by stream, fetch -> convert -> store."""

from github_activity_tracker.collector.collector import GitHubCollector
from github_activity_tracker.collector.options import CollectOptions
from github_activity_tracker.collector.streams import STREAMS

__all__ = ["STREAMS", "CollectOptions", "GitHubCollector"]
