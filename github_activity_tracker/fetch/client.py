"""The client of a run, out of the settings."""

from django.conf import settings

from core.operations.github_ops.client import GitHubClient
from core.operations.github_ops.tokens import TokenPool
from core.operations.http import Allowance, Transport


def open_client(*, max_requests: int | None = None, max_seconds: float | None = None) -> GitHubClient:
    """A client that may spend so many requests and seconds; ``None`` is no bound."""
    allowance = Allowance(max_requests, max_seconds)
    return GitHubClient(settings.GITHUB_API_URL, TokenPool(settings.GITHUB_TOKENS), Transport(allowance))
