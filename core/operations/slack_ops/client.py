"""One bot's view of Slack: bounded in time, with the project's own errors.

https://docs.slack.dev/apis/web-api/rate-limits
"""

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import Any

from slack_sdk.errors import SlackApiError, SlackClientError

from core.errors import (
    AccessDenied,
    CollectorError,
    NotFound,
    ReplaceToken,
    RetryLater,
    SourceTimeout,
    SourceUnavailable,
    UnexpectedAnswer,
)
from core.logs.redaction import redact
from core.operations import bounds
from core.operations.slack_ops.bounded import BoundedWebClient
from core.operations.slack_ops.messages import Message, blocks, fallback

sdk_logger = logging.getLogger(f"{__name__}.sdk")
sdk_logger.setLevel(logging.CRITICAL)  # what it says, and whole pages of HTML, are in the errors that are raised here
EVENT = "activity_trackers_notice"
ATTEMPTS = 4
LONGEST_LIMIT = 3600.0
"""Seconds; Slack's limits last about a minute, so that a longer one is an error, and the next run asks again."""
PAGE = 200
TOKEN = "Slack refuses the token ({}): put a valid one into SLACK_BOT_TOKEN"  # noqa: S105  (words, no token)
SCOPE = (
    "Slack does not allow it ({}): give the app the scope, invite it to the channel, or choose another SLACK_CHANNEL"
)
ERRORS: Mapping[str, tuple[type[CollectorError], str]] = {
    **dict.fromkeys(
        ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"), (ReplaceToken, TOKEN)
    ),
    **dict.fromkeys(
        (
            "missing_scope", "not_in_channel", "access_denied", "no_permission", "ekm_access_denied", "is_archived",
            "restricted_action", "not_allowed_token_type", "channel_is_limited_access", "team_access_not_granted",
        ),
        (AccessDenied, SCOPE),
    ),
    **dict.fromkeys(
        ("channel_not_found", "thread_not_found", "user_not_found"), (NotFound, "Slack knows no such thing ({})")
    ),
    **dict.fromkeys(
        ("internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"),
        (SourceUnavailable, "Slack does not work as it should ({}); run again later"),
    ),
}  # fmt: skip
"""https://docs.slack.dev/reference/methods/chat.postMessage#errors"""


class SlackClient:
    """Posts, and reads page by page. ``timeout``: seconds for one request, whatever the server does with them.

    ``patience``: seconds that may be waited for limits, in all.
    """

    def __init__(
        self,
        token: str,
        base_url: str,
        *,
        timeout: float = 10.0,
        patience: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.timeout, self.patience, self.sleep = timeout, patience, sleep
        # Its own retries wait as long as Slack says, however long that is.
        self.web = BoundedWebClient(
            token, base_url, timeout=max(1, round(timeout)), retry_handlers=[], logger=sdk_logger
        )

    def post(self, channel: str, message: Message, *, key: str) -> str:
        """Post a message that carries ``key``; returns its ``ts``. Asked again only where nothing was posted."""
        answer = self._call(
            self.web.chat_postMessage, again=False, channel=channel, text=fallback(message), blocks=blocks(message),
            metadata={"event_type": EVENT, "event_payload": {"key": key}}, unfurl_links=False, unfurl_media=False,
        )  # fmt: skip
        return str(answer.get("ts", ""))

    def find(self, channel: str, key: str, since: datetime) -> bool:
        """Whether the message with this key, posted not before ``since``, is in the channel."""
        for page in self.history(channel, oldest=f"{since.timestamp() - 60:.6f}", metadata=True):
            for message in page:
                told = message.get("metadata") or {}
                if told.get("event_type") == EVENT and (told.get("event_payload") or {}).get("key") == key:
                    return True
        return False

    def channels(self) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Pages of the channels that the bot may see."""
        return self._pages(self.web.conversations_list, "channels", types="public_channel,private_channel")

    def history(
        self, channel: str, *, oldest: str = "0", latest: str | None = None, metadata: bool = False
    ) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Pages of a channel's messages, the newest first; ``oldest`` and ``latest`` are a message's ``ts``."""
        given: dict[str, Any] = {"channel": channel, "oldest": oldest, "inclusive": True}
        given |= {"latest": latest} if latest else {}
        given |= {"include_all_metadata": True} if metadata else {}
        return self._pages(self.web.conversations_history, "messages", **given)

    def replies(self, channel: str, ts: str) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Pages of a thread, its first message first."""
        return self._pages(self.web.conversations_replies, "messages", channel=channel, ts=ts)

    def users(self) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Pages of the people and bots of the workspace."""
        return self._pages(self.web.users_list, "members")

    def _pages(self, method: Callable[..., Any], items: str, **given: Any) -> Iterator[Sequence[Mapping[str, Any]]]:
        cursor = ""
        while True:
            place: dict[str, Any] = {"limit": PAGE} | ({"cursor": cursor} if cursor else {})
            answer = self._call(method, **given, **place)
            found = answer.get(items)
            if not isinstance(found, list):
                raise UnexpectedAnswer(f"Slack answered without {items}")
            yield found
            following = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not following or following == cursor:
                return
            cursor = following

    def _call(self, method: Callable[..., Any], *, again: bool = True, **given: Any) -> Mapping[str, Any]:
        """One good answer; limits are waited for while patience lasts, and reading is tried again."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(method, given)
            except RetryLater as error:
                pause = (error.not_before - datetime.now(UTC)).total_seconds() if error.not_before else 1.0
                if attempt == ATTEMPTS or pause > self.patience:
                    raise
            except (SourceUnavailable, SourceTimeout):
                pause = 0.5 * 2**attempt
                if not again or attempt == ATTEMPTS or pause > self.patience:
                    raise
            self.patience -= pause
            bounds.pause(max(0.0, pause), self.sleep)
        raise AssertionError("unreachable")

    def _once(self, method: Callable[..., Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
        """One good answer to one request."""
        try:
            return bounds.call_within(self.timeout + 1, lambda: method(**given).data)
        except (SlackClientError, OSError, HTTPException, ValueError) as error:
            raise _translated(error) from error


def _translated(error: Exception) -> CollectorError:
    """The project's own error for whatever slack_sdk raised. Slack's answers may be HTML, or nothing at all."""
    if isinstance(error, SlackApiError):
        response: Any = error.response
        data = response.data if hasattr(response, "data") else response
        status = int(getattr(response, "status_code", 0) or 0)
        name = str(data.get("error", "")) if isinstance(data, Mapping) else ""
        if status == 429 or name in {"ratelimited", "rate_limited"}:
            return _limited(getattr(response, "headers", {}))
        if name in ERRORS:
            kind, words = ERRORS[name]
            return kind(words.format(redact(name)))
        if status in bounds.REDIRECTS:
            return bounds.redirect_refused("Slack", "SLACK_API_BASE")
        if status >= 500 or not re.fullmatch(r"\w+", name):  # slack_sdk calls a page of HTML the error's name
            return SourceUnavailable(f"Slack answered {status or 'something'} that is no answer; run again later")
        return UnexpectedAnswer(f"Slack refuses it: {redact(name)[:100]}")
    if isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError):
        return SourceTimeout("Slack did not answer in time; run again later")
    if isinstance(error, (OSError, HTTPException)):
        return SourceUnavailable(f"Slack cannot be reached ({type(error).__name__}); run again later")
    return UnexpectedAnswer(f"Slack answered what cannot be read ({type(error).__name__})")


def _limited(headers: Mapping[str, Any]) -> RetryLater:
    told = next((str(value) for name, value in headers.items() if name.lower() == "retry-after"), "")
    asked = bounds.wait_seconds(told)
    seconds = 30.0 if asked is None else min(asked, LONGEST_LIMIT)
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return RetryLater(f"Slack's limit is reached until {at:%H:%M:%S} UTC", not_before=at)
