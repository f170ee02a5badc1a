"""GitHub's REST API: tokens, limits, redirects, typed errors.

Rules: https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import urlsplit

from core.errors import AccessDenied, NotFound, ReplaceToken, RetryLater, UnexpectedAnswer
from core.operations.github_ops.tokens import Token, TokenPool
from core.operations.http import Response, Transport

HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
NEXT = re.compile(r'<([^>]+)>\s*;[^,]*rel="next"')
LONGEST_WAIT = 90.0
"""Seconds to wait inside a run for a limit to end: a secondary limit's usual minute, no more."""
REDIRECTS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A good answer: parsed JSON, and the address of the next page where there is one."""

    data: Any
    next_url: str | None
    url: str


class GitHubClient:
    """Asks GitHub; one request at a time, with the token that still has quota."""

    def __init__(self, api_url: str, tokens: TokenPool, transport: Transport) -> None:
        self.api_url, self.tokens, self.transport = api_url.rstrip("/"), tokens, transport

    @property
    def requests(self) -> int:
        """Requests made so far, retries among them."""
        return self.transport.allowance.spent

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, scope: str = "") -> Answer:
        """One page. ``path`` begins with ``/`` or is a whole address on the API's host.

        Raises NotFound (404, 410, 451, blocked, 409 empty), AccessDenied, ReplaceToken, RetryLater, UnexpectedAnswer
        and what ``Transport`` raises.
        """
        response = self._ask(self._url(path), dict(params or {}), scope)
        for _ in range(REDIRECTS):
            if response.status not in {301, 302, 307, 308}:
                break
            response = self._ask(self._url(response.headers.get("location", "")), {}, scope)
        if response.status != 200:
            raise self._error(response)
        found = NEXT.search(response.headers.get("link", ""))
        return Answer(data=response.json(), next_url=self._url(found[1]) if found else None, url=response.url)

    def pages(self, path: str, params: Mapping[str, Any] | None = None, *, scope: str = "") -> Iterator[Answer]:
        """Follow the whole ``next`` address, whatever it holds, until there is none."""
        answer, seen = self.get(path, params, scope=scope), set[str]()
        yield answer
        while answer.next_url is not None:
            if answer.next_url in seen:
                raise UnexpectedAnswer(f"GitHub's pages of {path} lead back to where they were; run again later")
            seen.add(answer.next_url)
            answer = self.get(answer.next_url, scope=scope)
            yield answer

    def _url(self, path: str) -> str:
        """A whole address; one on another host never gets our token."""
        if path.startswith("/"):
            return self.api_url + path
        if urlsplit(path)[:2] != urlsplit(self.api_url)[:2]:
            raise UnexpectedAnswer("GitHub points to another host; check GITHUB_API_URL")
        return path

    def _ask(self, url: str, params: Mapping[str, Any], scope: str) -> Response:
        """One answer that no limit and no bad token spoiled."""
        while True:
            token = self._token(scope)
            response = self.transport.request("GET", url, headers=HEADERS | token.headers(), params=params)
            token.note(response.headers)
            if response.status == 401:
                self.tokens.drop(token)
                if self.tokens.is_empty:
                    raise ReplaceToken("GitHub refuses the token: put a valid one into GITHUB_TOKENS.")
            elif (wait := limit_wait(response, time.time())) is not None:
                token.rest_until(time.time() + wait)
            else:
                return response

    def _token(self, scope: str) -> Token:
        """A token that may be used now; waits a little for one, RetryLater when it would be long."""
        token = self.tokens.choose(scope)
        wait = token.ready_at - time.time()
        if wait <= 0:
            return token
        if wait > LONGEST_WAIT:
            at = datetime.fromtimestamp(token.ready_at, UTC)
            raise RetryLater(
                f"GitHub's limit is reached until {at:%Y-%m-%d %H:%M:%S} UTC; the next run goes on", not_before=at
            )
        self.transport.pause(wait)
        return token

    def _error(self, response: Response) -> Exception:
        try:
            body: object = response.json()
        except UnexpectedAnswer:
            body = None
        told = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
        message = str(told.get("message") or "no message")[:200]
        place = urlsplit(response.url).path
        if response.status == 451 or "block" in told:
            return NotFound(f"GitHub has blocked {place}: {message}", status=response.status, reason="blocked")
        reasons = {404: "not_found", 410: "gone", 409: "empty"}
        if response.status in reasons:
            return NotFound(
                f"GitHub answers {place}: {message}", status=response.status, reason=reasons[response.status]
            )
        if response.status == 403:
            return AccessDenied(f"GitHub denies {place}: {message}. Use a token that may read it.")
        return UnexpectedAnswer(f"GitHub answers {place} with {response.status}: {message}")


def limit_wait(response: Response, now: float) -> float | None:
    """Seconds to wait when an answer says that a limit is reached, else None.

    A secondary limit may come while requests remain: it is told by ``retry-after`` or by its message.
    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
    """
    if response.status not in {403, 429}:
        return None
    after = response.headers.get("retry-after", "")
    if after.isdigit():
        return max(1.0, float(after))
    if after:
        try:
            return max(1.0, parsedate_to_datetime(after).timestamp() - now)
        except ValueError:
            return 60.0
    if response.headers.get("x-ratelimit-remaining") == "0" and response.headers.get("x-ratelimit-reset", "").isdigit():
        return max(1.0, float(response.headers["x-ratelimit-reset"]) - now + 1)
    limited = response.status == 429 or b"rate limit" in response.body.lower()
    return 60.0 if limited else None
