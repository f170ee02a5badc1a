"""Tests that secrets in a text are replaced by ``***``, and that the rest of the text stays unchanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.logs import redact, register_secret

HIDDEN = ("xxxxxx", "hidden-word", "abcdefgh", "long-enough", "aGlkZGVu")


@pytest.mark.parametrize(
    "text",
    [
        *(f"{prefix}_{'x' * 36}" for prefix in ("ghp", "gho", "ghu", "ghs", "ghr", "github_pat")),
        "xoxb-123456789-abcdefgh",
        "xoxe.xoxp-1-abcdefgh",
        "xapp-1-A0-123-abcdefgh",
        "https://hooks.slack.com/services/T00/B00/abcdefgh",
        "https://discord.com/api/webhooks/1234/abcdefgh",
        '{"bot_token": "hidden-word", "page": 2}',
        "{'Authorization': 'Bearer hidden-word'}",
        "{'Api-Key': 'hidden-word'}",
        '{"password":"hidden-word"}',
        "pcsk_abcdefgh_ijkl",
        "sk-proj-abcdefghijklmnop",
        "Bot abcdefghijklmnopqrstuvwx.AbCdEf.abcdefghijklmnopqrstuvwxyz1",
        "Authorization: Bearer something-long-enough",
        "authorization: token something-long-enough1",
        "Authorization: Basic aGlkZGVuOndvcmQ=",
        "postgres://user:hidden-word@host/db",
        "https://x-access-token:hidden-word@github.com/o/r.git",
        "https://host/?token=hidden-word&page=2",
        "https://host/?access_token=hidden-word",
        "PGPASSWORD=hidden-word psql",
        "client_secret=hidden-word",
    ],
)
def test_a_secret_is_hidden(text: str) -> None:
    shown = redact(f"failed with {text} at once")
    assert "***" in shown
    assert shown.startswith("failed with ")
    assert shown.endswith(" at once")
    assert not any(part in shown for part in HIDDEN)


@pytest.mark.parametrize(
    "text",
    [
        "the token of the pool",
        '{"tokens": 3, "secret": false}',
        "GITHUB_TOKENS: put a valid token there",
        "a basic fix",
        "https://github.com/o/r/issues/1#issuecomment-2",
        "2026-01-01T00:00:00Z",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "ada@example.org",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_a_registered_secret_is_hidden_wherever_it_stands() -> None:
    register_secret("correct horse battery")
    assert redact("it was correct horse battery, was it") == "it was ***, was it"


def test_a_registered_word_that_is_too_short_is_not_hidden() -> None:
    register_secret("master")
    assert redact("the master branch") == "the master branch"


@given(st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@given(st.text(max_size=200), st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=36, max_size=36), st.text())
def test_a_token_is_hidden_in_any_text(before: str, value: str, after: str) -> None:
    assert f"ghp_{value}" not in redact(f"{before} ghp_{value} {after}")
