"""Tests of the Slack client against a fake Slack server: limits, errors, pages, and texts that contain mentions."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import (
    AccessDenied,
    CollectorError,
    ConfigurationError,
    NotFound,
    ReplaceToken,
    RetryLater,
    SourceTimeout,
    SourceUnavailable,
    UnexpectedAnswer,
)
from core.operations.slack_ops import Message, SlackClient, blocks
from core.operations.slack_ops.messages import fallback
from tests.support.slack_server import BROKEN, CHANNEL, PAGE, RATE_LIMITED, TOKEN, Fault, SlackServer

HELLO = Message(title="Hello", lines=["one", "two"], advice="Do this.", link="https://admin.example/x")


@pytest.fixture
def server() -> Iterator[SlackServer]:
    """Yield a fake Slack server for one test."""
    with SlackServer() as running:
        yield running


def client(server: SlackServer, slept: list[float] | None = None, **options: Any) -> SlackClient:
    """Return a client that records its pauses instead of sleeping."""
    slept = [] if slept is None else slept
    return SlackClient(TOKEN, server.url, timeout=options.pop("timeout", 5), sleep=slept.append, **options)


def test_a_message_arrives_with_its_parts(server: SlackServer) -> None:
    assert client(server).post(CHANNEL, HELLO, key="k1")
    sent = server.messages[0]
    shown = [block["text"]["text"] for block in sent["blocks"]]
    assert shown == ["Hello", "one\ntwo", "Do this.", "<https://admin.example/x|Open in the admin>"]
    assert sent["text"] == "Hello\none\ntwo"
    assert (sent["unfurl_links"], sent["unfurl_media"]) == (False, False)


def test_a_limit_is_waited_for_while_patience_lasts(server: SlackServer) -> None:
    slept: list[float] = []
    server.faults = [RATE_LIMITED, RATE_LIMITED]
    client(server, slept).post(CHANNEL, HELLO, key="k")
    assert len(server.messages) == 1
    assert [0 < pause <= 1 for pause in slept] == [True, True]


@pytest.mark.parametrize("wait", ["3600", "1000000", "soon", "-1", ""])
def test_a_longer_limit_is_left_to_a_later_run(server: SlackServer, wait: str) -> None:
    slept: list[float] = []
    server.faults = [Fault(429, "", {"Retry-After": wait})] * 9
    with pytest.raises(RetryLater) as raised:
        client(server, slept, patience=5).post(CHANNEL, HELLO, key="k")
    assert raised.value.not_before > datetime.now(UTC)
    assert (slept, server.messages, len(server.calls)) == ([], [], 1)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (BROKEN, SourceUnavailable),
        (PAGE, SourceUnavailable),
        (Fault(200, ""), SourceUnavailable),
        (Fault(200, "{"), CollectorError),
        (Fault(200, "[]"), CollectorError),
        (Fault(200, '{"ok": false}'), CollectorError),
        (Fault(503, "busy"), SourceUnavailable),
        (Fault(404, "<html>no</html>"), CollectorError),
        (Fault(200, "{}", delay=3), SourceTimeout),
        (Fault(200, " " * 100, drip=0.1), SourceTimeout),
        (Fault(lost=True), SourceUnavailable),
        (Fault(200, '{"ok": false, "error": "internal_error"}'), SourceUnavailable),
        (Fault(200, '{"ok": false, "error": "token_revoked"}'), ReplaceToken),
        (Fault(200, '{"ok": false, "error": "not_in_channel"}'), AccessDenied),
        (Fault(200, '{"ok": false, "error": "channel_not_found"}'), NotFound),
        (Fault(200, '{"ok": false, "error": "never_heard_of"}'), UnexpectedAnswer),
    ],
)
def test_whatever_goes_wrong_is_an_error_of_the_project_in_bounded_time(
    server: SlackServer, fault: Fault, error: type[Exception]
) -> None:
    server.faults, began = [fault], time.monotonic()
    with pytest.raises(error) as raised:
        client(server, timeout=1).post(CHANNEL, HELLO, key="k")
    assert time.monotonic() - began < 2.9
    assert "\n" not in str(raised.value)
    assert TOKEN not in str(raised.value)
    assert len(server.calls) == 1, "a message that may have been posted is not posted again at once"


def test_a_wrong_token_names_its_variable_and_not_itself(server: SlackServer) -> None:
    with pytest.raises(ReplaceToken, match="SLACK_BOT_TOKEN") as raised:
        SlackClient("xoxb-wrong-one-abcdef", server.url).post(CHANNEL, HELLO, key="k")
    assert "xoxb-wrong" not in str(raised.value)


def test_an_unreachable_server_is_an_error_of_the_project() -> None:
    with pytest.raises(SourceUnavailable):
        SlackClient(TOKEN, "http://127.0.0.1:9/api/", timeout=1).post(CHANNEL, HELLO, key="k")


def test_an_address_without_http_names_the_setting() -> None:
    with pytest.raises(ConfigurationError, match="SLACK_API_BASE must begin with https"):
        SlackClient("token", "slack.com/api/").post("C0", Message(title="Title"), key="key")


def test_reads_are_repeated_and_paged(server: SlackServer) -> None:
    server.faults = [BROKEN, RATE_LIMITED, PAGE]
    pages = list(client(server).users())
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [person["id"] for page in pages for person in page] == [f"U{n}" for n in range(7)]
    assert sum(len(page) for page in client(server).channels()) == 7


def test_a_channel_is_read_from_a_message_on_and_a_thread_whole(server: SlackServer) -> None:
    slack = client(server)
    ids = [slack.post(CHANNEL, Message(title=f"m{n}"), key=f"k{n}") for n in range(8)]
    assert [m["ts"] for page in slack.history(CHANNEL, oldest=ids[3]) for m in page] == ids[:2:-1]
    server.messages += [{"ts": f"{9e9 + n:.6f}", "thread_ts": ids[0], "text": str(n)} for n in range(4)]
    assert [len(page) for page in slack.replies(CHANNEL, ids[0])] == [3, 2]
    with pytest.raises(NotFound):
        list(slack.replies(CHANNEL, "1.000000"))


def test_a_message_is_found_by_its_key(server: SlackServer) -> None:
    slack, since = client(server), datetime.now(UTC)
    for n in range(7):
        slack.post(CHANNEL, HELLO, key=f"k{n}")
    assert slack.find(CHANNEL, "k0", since)
    assert not slack.find(CHANNEL, "k9", since)
    assert not slack.find(CHANNEL, "k0", since + timedelta(hours=1))


@pytest.mark.parametrize(
    "call", ["<!channel>", "<!here>", "<@U012AB3CD>", "<#C024BE7LR>", "<https://evil.example|log in>"]
)
def test_texts_mention_no_one_and_become_no_link(call: str) -> None:
    message = Message(title=call, lines=[f"owner/{call}: {call}"], advice=call)
    texts = [block["text"] for block in blocks(message)]
    assert call not in "".join(text["text"] for text in texts if text["type"] == "mrkdwn")
    assert call not in fallback(message)
    assert all(text["verbatim"] for text in texts if text["type"] == "mrkdwn")


def test_a_secret_in_an_error_is_hidden() -> None:
    message = Message(title="x", lines=["refused ghp_" + "a" * 36], advice="xoxb-1234567-abcdefgh")
    assert "ghp_" not in str(blocks(message)) + fallback(message)
    assert "xoxb-" not in str(blocks(message))


def test_direction_marks_and_line_breaks_are_removed() -> None:
    shown = blocks(Message(title="a\u202eb\x00\n\nc\ud800", lines=["\u2066x"]))
    assert [block["text"]["text"] for block in shown] == ["ab c", "x"]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=600), max_size=20), st.text(max_size=2000), st.text())
def test_every_message_fits(lines: list[str], advice: str, title: str) -> None:
    message = Message(title=title or "x", lines=[*lines, "&" * 5000] * 12, advice=advice, link="https://a.example/")
    found = blocks(message)
    assert len(found) <= 50
    assert all(len(block["text"]["text"]) <= 3000 for block in found[1:])
    assert len(found[0]["text"]["text"]) <= 150
    assert len(fallback(message)) <= 4000
