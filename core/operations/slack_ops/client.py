"""A client for Slack's Web API with the token of one bot. It limits how long it waits, and raises the project's errors.

https://docs.slack.dev/apis/web-api/rate-limits
"""

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http.client import HTTPException, HTTPResponse
from io import BytesIO
from typing import IO, Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from django.conf import settings
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

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
from core.logs import redact
from core.operations import bounds
from core.operations.slack_ops.messages import Message, blocks, fallback

LARGEST = 16 * 1024 * 1024
"""Maximum bytes of one answer. A page has 200 messages of at most 40 KB each, which is half of this maximum."""


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Return ``None``, so that ``urllib`` raises the redirect as an HTTPError."""


class BoundedWebClient(WebClient):
    """The client of slack_sdk, changed so that it does not follow redirects and limits the size of answers.

    The library uses ``urllib.request``, which follows redirects and sends all headers, including the token.
    """

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        """Return the status, the headers and the body of an answer.

        Raises HTTPError for status 300 and above. Raises UnexpectedAnswer for a body that is too large.
        """
        proxies = [ProxyHandler({"http": self.proxy, "https": self.proxy})] if self.proxy else []
        opener = build_opener(*proxies, HTTPSHandler(context=self.ssl), _NoRedirects)
        try:
            answer: HTTPResponse = opener.open(req, timeout=self.timeout)
        except HTTPError as error:
            with error:
                body = BytesIO(_read(error))
            raise HTTPError(error.url, error.code, error.msg, error.headers, body) from None
        with answer:
            charset = answer.headers.get_content_charset() or "utf-8"
            return {"status": answer.status, "headers": answer.headers, "body": _read(answer).decode(charset)}


def _read(answer: "HTTPResponse | HTTPError | IO[bytes]") -> bytes:
    body = answer.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise UnexpectedAnswer(f"Slack returned more than {LARGEST} bytes")
    return body


sdk_logger = logging.getLogger(f"{__name__}.sdk")
sdk_logger.setLevel(logging.CRITICAL)  # its records contain whole HTML pages and repeat the errors raised here
EVENT = "activity_trackers_notice"
ATTEMPTS = 4
LONGEST_LIMIT = 3600.0
"""Maximum seconds for which a rate limit is respected. Slack's rate limits last about a minute, so a much
longer time is an error of Slack."""
PAGE = 200
TOKEN = "Slack refuses the token ({}): put a valid one into SLACK_BOT_TOKEN"  # noqa: S105  (words, no token)
SCOPE = (
    "Slack does not allow the request ({}): add the scope to the app, invite it to the channel, or change SLACK_CHANNEL"
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
        ("channel_not_found", "thread_not_found", "user_not_found"),
        (NotFound, "Slack finds no such channel, thread or user ({})"),
    ),
    **dict.fromkeys(
        ("internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"),
        (SourceUnavailable, "Slack has a temporary problem ({}); run again later"),
    ),
}  # fmt: skip
"""Error classes and messages, by Slack's error code: https://docs.slack.dev/reference/methods/chat.postMessage#errors"""


class SlackClient:
    """Posts messages and reads lists page by page.

    ``timeout`` is the maximum seconds for one whole request. ``patience`` is the maximum total seconds that the client
    waits between attempts, over all requests. Raises ConfigurationError for a ``base_url`` without HTTP(S).
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
        if not base_url.lower().startswith(("https://", "http://")):
            raise ConfigurationError("SLACK_API_BASE must begin with https:// or http://.")
        self.timeout, self.patience, self.sleep = timeout, patience, sleep
        # The library's own retries are off, because they wait as long as Slack requests, without a maximum.
        self.web = BoundedWebClient(
            token, base_url, timeout=max(1, round(timeout)), retry_handlers=[], logger=sdk_logger
        )

    def post(self, channel: str, message: Message, *, key: str) -> str:
        """Post a message with ``key`` in its metadata, and return the message's ``ts``.

        The request is repeated only after a rate limit. After another failure, a repetition could post a duplicate.
        """
        answer = self._call(
            self.web.chat_postMessage, repeat=False, channel=channel, text=fallback(message), blocks=blocks(message),
            metadata={"event_type": EVENT, "event_payload": {"key": key}}, unfurl_links=False, unfurl_media=False,
        )  # fmt: skip
        return str(answer.get("ts", ""))

    def find(self, channel: str, key: str, since: datetime) -> bool:
        """Return whether a message with this key was posted after ``since``, with a tolerance of one minute."""
        for page in self.history(channel, oldest=f"{since.timestamp() - 60:.6f}", metadata=True):
            for message in page:
                event = message.get("metadata") or {}
                if event.get("event_type") == EVENT and (event.get("event_payload") or {}).get("key") == key:
                    return True
        return False

    def channels(self) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Yield the channels that the bot may see, page by page."""
        return self._pages(self.web.conversations_list, "channels", types="public_channel,private_channel")

    def history(
        self, channel: str, *, oldest: str = "0", latest: str | None = None, metadata: bool = False
    ) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Yield a channel's messages, newest first, page by page. ``oldest`` and ``latest`` are values of ``ts``."""
        params: dict[str, Any] = {"channel": channel, "oldest": oldest, "inclusive": True}
        params |= {"latest": latest} if latest else {}
        params |= {"include_all_metadata": True} if metadata else {}
        return self._pages(self.web.conversations_history, "messages", **params)

    def replies(self, channel: str, ts: str) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Yield the messages of a thread, oldest first, page by page."""
        return self._pages(self.web.conversations_replies, "messages", channel=channel, ts=ts)

    def users(self) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Yield the people and bots of the workspace, page by page."""
        return self._pages(self.web.users_list, "members")

    def _pages(self, method: Callable[..., Any], items: str, **params: Any) -> Iterator[Sequence[Mapping[str, Any]]]:
        cursor = ""
        while True:
            position: dict[str, Any] = {"limit": PAGE} | ({"cursor": cursor} if cursor else {})
            answer = self._call(method, **params, **position)
            page = answer.get(items)
            if not isinstance(page, list):
                raise UnexpectedAnswer(f"Slack's answer does not contain {items}")
            yield page
            next_cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not next_cursor or next_cursor == cursor:
                return
            cursor = next_cursor

    def _call(self, method: Callable[..., Any], *, repeat: bool = True, **params: Any) -> Mapping[str, Any]:
        """Call a method of slack_sdk and return its successful answer. Make at most ``ATTEMPTS`` attempts.

        Repeat the call after a rate limit and, with ``repeat``, after a temporary failure. If the next pause is longer
        than the remaining ``patience``, raise the error.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(method, params)
            except RetryLater as error:
                pause = (error.not_before - datetime.now(UTC)).total_seconds() if error.not_before else 1.0
                if attempt == ATTEMPTS or pause > self.patience:
                    raise
            except (SourceUnavailable, SourceTimeout):
                pause = 0.5 * 2**attempt
                if not repeat or attempt == ATTEMPTS or pause > self.patience:
                    raise
            self.patience -= pause
            bounds.pause(max(0.0, pause), self.sleep)
        raise AssertionError("unreachable")

    def _once(self, method: Callable[..., Any], params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make one request and return its successful answer."""
        try:
            return bounds.call_within(self.timeout + 1, lambda: method(**params).data)
        except (SlackClientError, OSError, HTTPException, ValueError) as error:
            raise _translated(error) from error


def _translated(error: Exception) -> CollectorError:
    """Return the project's error for an error of slack_sdk. The answer in the error may be HTML or empty."""
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
        if status >= 500 or not re.fullmatch(r"\w+", name):  # slack_sdk uses an HTML page as the error's name
            return SourceUnavailable(f"Slack returned no usable answer (status {status or 'unknown'}); run again later")
        return UnexpectedAnswer(f"Slack refuses the request: {redact(name)[:100]}")
    if isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError):
        return SourceTimeout("Slack did not answer in time; run again later")
    if isinstance(error, (OSError, HTTPException)):
        return SourceUnavailable(f"Slack cannot be reached ({type(error).__name__}); run again later")
    return UnexpectedAnswer(f"Slack's answer cannot be read ({type(error).__name__})")


def _limited(headers: Mapping[str, Any]) -> RetryLater:
    header = next((str(value) for name, value in headers.items() if name.lower() == "retry-after"), "")
    requested = bounds.wait_seconds(header)
    seconds = 30.0 if requested is None else min(requested, LONGEST_LIMIT)
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return RetryLater(f"Slack's rate limit applies until {at:%H:%M:%S} UTC; run again later", not_before=at)


def open_slack(*, timeout: float = 10.0, patience: float = 60.0) -> SlackClient:
    """Return a client with the token and address from the settings. See ``SlackClient`` for the parameters."""
    return SlackClient(settings.SLACK_BOT_TOKEN, settings.SLACK_API_BASE, timeout=timeout, patience=patience)
