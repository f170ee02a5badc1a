"""The vendors' own exception classes have the categories that are promised, also without Django."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import discord
import pinecone.exceptions as pinecone_errors
import pytest
import slack_sdk.errors

from core.errors import classify_failure


def of_discord(kind: type[discord.HTTPException], status: int) -> discord.HTTPException:
    """As discord.py raises it."""
    response: Any = SimpleNamespace(status=status, reason="told")
    return kind(response, "told")


@pytest.mark.parametrize(
    ("error", "category"),
    [
        (of_discord(discord.Forbidden, 403), "auth"),
        (of_discord(discord.NotFound, 404), "unknown"),
        (of_discord(discord.HTTPException, 429), "rate_limit"),
        (of_discord(discord.DiscordServerError, 503), "network"),
        (discord.LoginFailure("told"), "auth"),
        (discord.RateLimited(1.0), "rate_limit"),
        (slack_sdk.errors.SlackApiError("told", SimpleNamespace(status_code=429)), "rate_limit"),
        (slack_sdk.errors.SlackApiError("told", SimpleNamespace(status_code=400)), "unknown"),
        (slack_sdk.errors.SlackApiError("told", SimpleNamespace(status_code=401)), "auth"),
    ],
)
def test_a_vendor_s_own_error_has_its_category(error: Exception, category: str) -> None:
    assert classify_failure(error) == category


@pytest.mark.parametrize(
    ("name", "category"),
    [("UnauthorizedException", "auth"), ("ForbiddenException", "auth"), ("ServiceException", "network")],
)
def test_pinecone_s_own_errors_have_their_categories(name: str, category: str) -> None:
    kind = getattr(pinecone_errors, name)
    statuses = {"UnauthorizedException": 401, "ForbiddenException": 403, "ServiceException": 503}
    assert classify_failure(kind("told", statuses[name])) == category


def test_classifying_survives_a_django_that_cannot_be_imported() -> None:
    program = (
        "import sys; sys.modules['django'] = None\n"
        "from core.errors.classify import classify_failure\n"
        "print(classify_failure(TimeoutError()).value)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "timeout", done.stderr
