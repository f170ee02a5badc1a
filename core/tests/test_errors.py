"""Which category each exception has."""

import errno
import socket

import aiohttp
import httpx
import psycopg
import pytest
import requests
import urllib3
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import DatabaseError, OperationalError

from core.errors import ReplaceToken, ScopeBusy, classify_failure, exit_code_for


def answered(status: int, text: str = "") -> requests.HTTPError:
    """What requests raises for a status."""
    response = requests.Response()
    response.status_code, response._content = status, text.encode()  # pyright: ignore[reportPrivateUsage]  # no public way
    return requests.HTTPError("told", response=response)


def stand_in(module: str, name: str, **attributes: object) -> Exception:
    """An exception of the same module and name as a vendor's."""
    error = type(name, (Exception,), {"__module__": module})()
    for key, value in attributes.items():
        setattr(error, key, value)
    return error


CASES = [
    (CommandError("x"), "command"),
    (ValidationError("x"), "validation"),
    (ReplaceToken("x"), "auth"),
    (ScopeBusy("x"), "command"),
    (answered(429), "rate_limit"),
    (answered(403, "You have exceeded a secondary rate limit"), "rate_limit"),
    (answered(401), "auth"),
    (answered(403), "auth"),
    (answered(502), "network"),
    (answered(408), "network"),
    (stand_in("discord.errors", "HTTPException", status=404), "unknown"),
    (stand_in("discord.errors", "HTTPException", status=503), "network"),
    (stand_in("discord.errors", "LoginFailure"), "auth"),
    (stand_in("discord.errors", "RateLimited"), "rate_limit"),
    (stand_in("slack_sdk.errors", "SlackApiError", response=stand_in("x", "R", status_code=429)), "rate_limit"),
    (stand_in("pinecone.exceptions", "PineconeApiException", status=401), "auth"),
    (stand_in("pinecone.exceptions", "PineconeApiException", status=500), "network"),
    (requests.ConnectTimeout(), "timeout"),
    (requests.ReadTimeout(), "timeout"),
    (requests.ConnectionError(), "network"),
    (urllib3.exceptions.ReadTimeoutError(urllib3.HTTPConnectionPool("h"), "/", "x"), "timeout"),
    (httpx.ConnectTimeout("x"), "timeout"),
    (httpx.ConnectError("x"), "network"),
    (aiohttp.ServerTimeoutError(), "timeout"),
    (aiohttp.ClientPayloadError(), "network"),
    (PermissionError(), "permission"),
    (TimeoutError(), "timeout"),
    (ConnectionResetError(), "network"),
    (socket.gaierror(), "network"),
    (OSError(errno.EHOSTUNREACH, "x"), "network"),
    (OSError(10061, "x", None, 10061), "network"),
    (FileNotFoundError(), "unknown"),
    (OSError(errno.ENOSPC, "x"), "unknown"),
    (ValueError(), "validation"),
    (DatabaseError(), "unknown"),
    (psycopg.errors.InvalidPassword(), "auth"),
    (psycopg.errors.InsufficientPrivilege(), "permission"),
    (psycopg.errors.QueryCanceled(), "timeout"),
    (psycopg.OperationalError("connection refused"), "network"),
    (ExceptionGroup("x", [RuntimeError(), TimeoutError()]), "timeout"),
    (RuntimeError(), "unknown"),
]


@pytest.mark.parametrize(("error", "category"), CASES, ids=lambda value: type(value).__name__)
def test_an_exception_has_its_category(error: Exception, category: str) -> None:
    assert classify_failure(error) == category


def test_an_unclassified_error_takes_the_category_of_its_cause() -> None:
    error = RuntimeError("x")
    error.__cause__ = TimeoutError()
    assert classify_failure(error) == "timeout"


def test_a_circle_of_causes_ends() -> None:
    first, second = RuntimeError(), RuntimeError()
    first.__cause__, second.__cause__ = second, first
    assert classify_failure(first) == "unknown"


def test_exit_codes_are_those_that_are_documented() -> None:
    assert exit_code_for(ScopeBusy("x")) == 75
    assert exit_code_for(CommandError("x", returncode=4)) == 4
    assert exit_code_for(OperationalError("cannot connect")) == 2
    assert exit_code_for(RuntimeError()) == 1
