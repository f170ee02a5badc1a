"""Creates the GitHub client of a run, and checks whether GitHub responds."""

import threading

from django.conf import settings
from django.db import connection

from core.errors import (
    AccessDenied,
    NotFound,
    RetryLater,
    SourceTimeout,
    SourceUnavailable,
    UnexpectedAnswer,
)
from core.operations.bounds import Allowance
from core.operations.files import Workspace
from core.operations.github_ops.app_auth import GitHubApp, read_app_credentials
from core.operations.github_ops.client import GitHubClient
from core.operations.github_ops.limits import ServerClock
from core.operations.github_ops.query_fitting import QueryFitter
from core.operations.github_ops.sending import HEADERS
from core.operations.github_ops.tokens import TokenPool
from core.operations.http import Transport
from github_activity_tracker.fetch.schema_rules import RULES

PAYLOAD_ERRORS = (
    ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
)  # fmt: skip
"""Errors that code may raise while it reads a payload that differs from GitHub's documentation."""


def open_client(allowance: Allowance | None = None) -> GitHubClient:
    """Return a GitHub client. ``allowance`` limits its requests and seconds; ``None`` means no limit.

    Raises ConfigurationError if the settings of the GitHub App are incomplete or its key cannot be read.
    """
    transport = Transport(allowance or Allowance())
    app = _app(transport)
    tokens = TokenPool(settings.GITHUB_TOKENS, anonymous=app is None)

    owner = threading.get_ident()

    def publish() -> None:
        """Exchange the budgets of the tokens with other processes, through the database.

        Afterwards, a thread other than the one that opened the client closes its database connection.
        """
        tokens.share()
        if threading.get_ident() != owner:
            connection.close()

    folder = Workspace(settings.WORKSPACE_DIR).path("github-schema")
    fitter = QueryFitter(settings.GITHUB_API_URL, folder, RULES)
    return GitHubClient(settings.GITHUB_API_URL, tokens, transport, app=app, publish=publish, fitter=fitter)


def _app(transport: Transport) -> GitHubApp | None:
    """Return the GitHub App in the settings, or None if no App is configured."""
    key = read_app_credentials(settings.GITHUB_APP_ID, settings.GITHUB_APP_PRIVATE_KEY_FILE)
    if key is None:
        return None
    return GitHubApp(
        app_id=settings.GITHUB_APP_ID, private_key=key, api_url=settings.GITHUB_API_URL, transport=transport,
        clock=ServerClock(), headers=HEADERS,
    )  # fmt: skip


def is_reachable(client: GitHubClient) -> bool:
    """Return whether the REST API responds at all. The request does not count towards the rate limit.

    https://docs.github.com/en/rest/rate-limit/rate-limit
    """
    try:
        client.get("/rate_limit")
    except (SourceUnavailable, SourceTimeout):
        return False
    except (NotFound, AccessDenied, RetryLater, UnexpectedAnswer):
        return True  # GitHub responded; GitHub Enterprise Server returns 404 if rate limits are disabled
    return True


def graphql_works(client: GitHubClient) -> bool:
    """Return whether GraphQL responds to a minimal query. A rate limit or a denied access also counts as a response."""
    try:
        client.graphql("{ viewer { login } rateLimit { cost } }")
    except (SourceUnavailable, SourceTimeout, UnexpectedAnswer, *PAYLOAD_ERRORS):
        return False
    except (NotFound, AccessDenied, RetryLater):
        return True
    return True
