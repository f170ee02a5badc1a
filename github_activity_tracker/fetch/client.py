"""The client of a run, out of the settings."""

from django.conf import settings

from core.operations.files import Workspace
from core.operations.github_ops.client import GitHubClient
from core.operations.github_ops.query_fitting import QueryFitter
from core.operations.github_ops.tokens import TokenPool
from core.operations.http import Allowance, Transport
from github_activity_tracker.fetch.queries.server import RULES


def open_client(*, max_requests: int | None = None, max_seconds: float | None = None) -> GitHubClient:
    """A client that may spend so many requests and seconds; ``None`` is no bound."""
    allowance = Allowance(max_requests, max_seconds)
    folder = Workspace(settings.WORKSPACE_DIR).path("github-schema")
    fitter = QueryFitter(settings.GITHUB_API_URL, folder, RULES)
    return GitHubClient(settings.GITHUB_API_URL, TokenPool(settings.GITHUB_TOKENS), Transport(allowance), fitter=fitter)
