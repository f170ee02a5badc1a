"""Tests that an estimate lists the streams that cannot be collected without a token."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from core.collectors.estimate import Estimate, in_words
from samples.server import SampleServer

pytestmark = pytest.mark.django_db


def printed_estimate(server: SampleServer) -> str:
    out = StringIO()
    call_command("collect_github", server.truth()["full_name"], "--estimate", stdout=out)
    return out.getvalue()


def test_without_a_token_it_says_what_cannot_be_collected(server: SampleServer, settings: Any) -> None:
    settings.GITHUB_TOKENS = []
    words = printed_estimate(server)
    assert "without a token pull requests, reviews, timelines and discussions" in words
    assert "set GITHUB_TOKENS" in words
    assert "at most" in words


def test_with_a_token_nothing_is_impossible(server: SampleServer) -> None:
    assert "without a token" not in printed_estimate(server)


def test_a_note_stands_behind_the_numbers() -> None:
    whole = Estimate(scope="a/b", requests=3, items={"issues": 5}, note="mind this")
    assert in_words(whole) == "a/b: at most 3 requests, under a minute (5 issues); mind this"
