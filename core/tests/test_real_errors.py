"""Tests that exceptions of libraries, and substitutes with the same module and name, get the documented categories."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import httpx
import pinecone.errors.exceptions as pinecone_errors
import psycopg
import pytest
import requests
import slack_sdk.errors
import urllib3.exceptions

from core.errors import classify_failure

STATUSES = [
    (400, "unknown"), (401, "auth"), (403, "auth"), (404, "unknown"), (408, "network"), (409, "unknown"),
    (429, "rate_limit"), (500, "network"), (502, "network"), (503, "network"),
]  # fmt: skip
BY_TRANSPORT = [(status, "network" if category == "unknown" else category) for status, category in STATUSES]
POOL = urllib3.HTTPConnectionPool("h")
REQUEST = httpx.Request("GET", "http://h/")


def stand_in(module: str, name: str, **attributes: object) -> Exception:
    """Return an exception with the same module and class name as an exception of a library."""
    error = type(name, (Exception,), {"__module__": module})("message")
    for key, value in attributes.items():
        setattr(error, key, value)
    return error


def of_requests(status: int, text: str = "", **headers: str) -> requests.HTTPError:
    """Return an HTTPError like the one that ``requests.Response.raise_for_status`` raises."""
    response = requests.Response()
    response.status_code, response._content = status, text.encode()  # pyright: ignore[reportPrivateUsage]  # no public way
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return requests.HTTPError("message", response=response)


@pytest.mark.parametrize(("status", "category"), STATUSES)
def test_an_answer_to_an_sdk_is_known_by_its_status(status: int, category: str) -> None:
    answer: Any = SimpleNamespace(status=status, reason="message", status_code=status)
    for error in (
        discord.HTTPException(answer, "message"),
        slack_sdk.errors.SlackApiError("message", answer),
        pinecone_errors.ApiError("message", status),
        stand_in("discord.errors", "HTTPException", status=status),
        stand_in("slack_sdk.errors", "SlackApiError", response=answer),
        stand_in("pinecone.exceptions", "PineconeApiException", status=status),
    ):
        assert classify_failure(error) == category, error


@pytest.mark.parametrize(("status", "category"), BY_TRANSPORT)
def test_an_answer_to_a_transport_is_known_by_its_status(status: int, category: str) -> None:
    info: Any = SimpleNamespace(real_url="http://h/")
    for error in (
        of_requests(status),
        httpx.HTTPStatusError("message", request=REQUEST, response=httpx.Response(status)),
        aiohttp.ClientResponseError(info, (), status=status),
        stand_in("requests.exceptions", "HTTPError", response=SimpleNamespace(status_code=status)),
    ):
        assert classify_failure(error) == category, error


@pytest.mark.parametrize(
    "limited",
    [
        of_requests(403, "You have exceeded a secondary rate limit"),
        of_requests(403, Retry_After="60"),
        of_requests(403, X_RateLimit_Remaining="0"),
        stand_in("requests", "HTTPError", response=SimpleNamespace(status_code=403, text="Secondary Rate Limit")),
    ],
)
def test_github_s_limits_may_come_as_403(limited: Exception) -> None:
    assert classify_failure(limited) == "rate_limit"


CASES = [
    (discord.LoginFailure("message"), "auth"),
    (discord.RateLimited(1.0), "rate_limit"),
    (discord.GatewayNotFound(), "unknown"),
    (pinecone_errors.UnauthorizedError(), "auth"),
    (pinecone_errors.RateLimitError(), "rate_limit"),
    (pinecone_errors.ServiceError(), "network"),
    (pinecone_errors.PineconeConnectionError("message"), "network"),
    (pinecone_errors.PineconeTimeoutError("message"), "timeout"),
    (pinecone_errors.PineconeValueError("message"), "validation"),
    (slack_sdk.errors.SlackRequestError("message"), "unknown"),
    (requests.ConnectTimeout(), "timeout"),
    (requests.ReadTimeout(), "timeout"),
    (requests.ConnectionError(), "network"),
    (requests.exceptions.SSLError(), "network"),
    (requests.exceptions.ChunkedEncodingError(), "network"),
    (urllib3.exceptions.ReadTimeoutError(POOL, "/", "message"), "timeout"),
    (urllib3.exceptions.NewConnectionError(POOL, "refused"), "network"),  # pyright: ignore[reportArgumentType]  # any pool
    (urllib3.exceptions.MaxRetryError(POOL, "/"), "network"),
    (urllib3.exceptions.ProtocolError(), "network"),
    (httpx.ConnectTimeout("message"), "timeout"),
    (httpx.PoolTimeout("message"), "timeout"),
    (httpx.ConnectError("message"), "network"),
    (httpx.RemoteProtocolError("message"), "network"),
    (aiohttp.ServerTimeoutError(), "timeout"),
    (aiohttp.ServerDisconnectedError(), "network"),
    (aiohttp.ClientPayloadError(), "network"),
    (stand_in("httpx", "ReadTimeout"), "timeout"),
    (stand_in("aiohttp.client_exceptions", "ClientConnectorError"), "network"),
    (stand_in("django.core.management.base", "CommandError"), "command"),
    (stand_in("django.core.exceptions", "ValidationError"), "validation"),
    (stand_in("django.db.utils", "Error"), "unknown"),
    (stand_in("psycopg.errors", "UniqueViolation", sqlstate="23505"), "validation"),
    (stand_in("requestsque", "Timeout"), "unknown"),
    (psycopg.errors.InvalidPassword(), "auth"),
    (psycopg.errors.InsufficientPrivilege(), "permission"),
    (psycopg.errors.QueryCanceled(), "timeout"),
    (psycopg.errors.LockNotAvailable(), "timeout"),
    (psycopg.errors.AdminShutdown(), "network"),
    (psycopg.errors.ConnectionFailure(), "network"),
    (psycopg.errors.UniqueViolation(), "validation"),
    (psycopg.errors.NumericValueOutOfRange(), "validation"),
    (psycopg.errors.SyntaxError(), "unknown"),
    (psycopg.OperationalError("connection failed: refused"), "network"),
]


@pytest.mark.parametrize(("error", "category"), CASES, ids=lambda value: repr(value)[:60])
def test_an_error_of_a_library_has_its_category(error: Exception, category: str) -> None:
    assert classify_failure(error) == category


@pytest.mark.parametrize("broken", ["sys.modules['django'] = None", "sys.meta_path.insert(0, Broken())"])
def test_classifying_survives_a_django_that_cannot_be_imported(broken: str) -> None:
    program = (
        "import sys\nclass Broken:\n def find_spec(self, name, *rest):\n"
        f"  if name.startswith('django'): raise RuntimeError('broken')\n{broken}\n"
        "from core.errors import classify_failure as of\nprint(of(TimeoutError()), of(KeyError()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["timeout", "unknown"], done.stderr
