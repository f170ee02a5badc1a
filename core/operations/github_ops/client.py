"""GitHub's REST and GraphQL APIs: tokens, limits, redirects, typed errors.

Rules: https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from core.errors import ReplaceToken, RetryLater, SliceRefused, SourceTimeout, SourceUnavailable, UnexpectedAnswer
from core.operations.github_ops.answers import (
    GraphQLAnswer,
    graphql_answer,
    graphql_error,
    is_rate_limited,
    limit_wait,
    rest_error,
)
from core.operations.github_ops.query_fitting import QueryFitter
from core.operations.github_ops.tokens import CORE, GRAPHQL, Token, TokenPool
from core.operations.http import Response, Transport

HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
LINK = re.compile(r'<([^>]+)>\s*;[^,]*rel="(next|last)"')
REDIRECTS = 5
LIMITS_IN_A_ROW = 10
REWRITES = 12
"""Times that one query is sent without what the server refused of it before."""
GRAPHQL_ATTEMPTS = 2
"""A query that fails twice is likely too much for GitHub: the caller asks for less before it asks again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A good answer: parsed JSON, and the address of the next page where there is one.

    ``unchanged``: the ETag that was sent still holds, and there is no data.
    """

    data: Any
    next_url: str | None
    url: str
    last_url: str | None = None
    etag: str = ""
    unchanged: bool = False


class GitHubClient:
    """Asks GitHub; one request at a time, with a token that still has quota.

    ``patience``: seconds to wait inside a request for a limit to end; RetryLater when it is longer.
    ``fitter`` leaves out of every query text what the server lacks or the token may not read.
    """

    def __init__(
        self, api_url: str, tokens: TokenPool, transport: Transport, patience: float = 90.0,
        fitter: QueryFitter | None = None,
    ) -> None:  # fmt: skip
        self.api_url, self.tokens, self.transport, self.patience = api_url.rstrip("/"), tokens, transport, patience
        self.fitter = fitter
        self.points = 0
        self._verified: set[Token] = set()
        self.server_time: datetime | None = None
        """GitHub's own clock (UTC) at the last answer."""

    @property
    def requests(self) -> int:
        """Requests made so far, retries among them."""
        return self.transport.allowance.spent

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, *, scope: str = "", etag: str = "",
        redirects: int = REDIRECTS,
    ) -> Answer:  # fmt: skip
        """One page. ``path`` begins with ``/`` or is a whole address on the API's host.

        Raises NotFound (404, 410, 451, blocked, 409 empty, a redirect too many), AccessDenied, ReplaceToken,
        RetryLater, UnexpectedAnswer and what ``Transport`` raises.
        """
        more = {"If-None-Match": etag} if etag else {}
        response = self._ask(self._url(path), dict(params or {}), scope, more)
        for _ in range(redirects):
            if response.status not in {301, 302, 307, 308}:
                break
            response = self._ask(self._url(response.headers.get("location", "")), {}, scope, more)
        if response.status == 304:
            return Answer(data=None, next_url=None, url=response.url, etag=etag, unchanged=True)
        if response.status != 200:
            raise rest_error(response)
        links = {name: self._url(url) for url, name in LINK.findall(response.headers.get("link", ""))}
        return Answer(
            data=response.json(), next_url=links.get("next"), last_url=links.get("last"), url=response.url,
            etag=response.headers.get("etag", ""),
        )  # fmt: skip

    def pages(
        self, path: str, params: Mapping[str, Any] | None = None, *, scope: str = "", etag: str = ""
    ) -> Iterator[Answer]:
        """Follow the whole ``next`` address, whatever it holds, until there is none."""
        answer, seen = self.get(path, params, scope=scope, etag=etag), set[str]()
        yield answer
        while answer.next_url is not None:
            if answer.next_url in seen:
                raise UnexpectedAnswer(f"GitHub's pages of {path} lead back to where they were; run again later")
            seen.add(answer.next_url)
            answer = self.get(answer.next_url, scope=scope)
            yield answer

    def graphql(
        self, query: str, variables: Mapping[str, Any] | None = None, *, scope: str = "",
        absent: Collection[str] = (),
    ) -> dict[str, Any]:  # fmt: skip
        """Return the ``data`` of a query, whole or not at all. ``absent``: kinds of node errors that are ignored.

        Raises AccessDenied or NotFound for any other node error, and what ``query`` raises.
        """
        answer = self.query(query, variables, scope=scope)
        if unexpected := [error for error in answer.errors if error.kind not in absent]:
            raise graphql_error({"type": unexpected[0].kind, "message": unexpected[0].message})
        return answer.data

    def query(self, query: str, variables: Mapping[str, Any] | None = None, *, scope: str = "") -> GraphQLAnswer:
        """Return the data of a query together with the errors about single nodes in it.

        Raises SliceRefused for what a smaller query may get through, CursorRefused, and what ``get`` raises.
        """
        for _ in range(REWRITES):
            if self.fitter is not None:
                self.fitter.prepare(query, lambda text: self._introspect(text, scope))
            answer = self._send(query, variables or {}, scope, self.fitter)
            if answer is not None:
                return answer
        raise UnexpectedAnswer("GitHub's GraphQL keeps refusing parts of a query")

    def _introspect(self, text: str, scope: str) -> Mapping[str, Any]:
        answer = self._send(text, {}, scope, None)
        return answer.data if answer is not None and not answer.errors else {}

    def _send(
        self, query: str, variables: Mapping[str, Any], scope: str, fitter: QueryFitter | None
    ) -> GraphQLAnswer | None:
        """Return an answer; None where the server refused parts of the text, which ``fitter`` now leaves out."""
        sent, fingerprint = query, ""

        def ask(token: Token) -> Response:
            nonlocal sent, fingerprint
            fingerprint = token.fingerprint
            if fitter is not None:
                sent = fitter.fit(query, token.scopes, fingerprint)
            return self.transport.request(
                "POST", self.graphql_url, headers=HEADERS | token.headers(),
                body={"query": sent, "variables": dict(variables)}, attempts=GRAPHQL_ATTEMPTS,
            )  # fmt: skip

        try:
            response = self._with_token(scope, GRAPHQL, ask)
        except (SourceUnavailable, SourceTimeout) as error:
            raise SliceRefused(str(error)) from error
        if response.status != 200:
            raise rest_error(response)
        if fitter is not None and fitter.learn(sent, response.parsed, fingerprint):
            return None
        answer = graphql_answer(response.json())
        cost: Any = answer.data.get("rateLimit")
        self.points += cost["cost"] if isinstance(cost, dict) and "cost" in cost else 1
        return answer

    @property
    def graphql_url(self) -> str:
        """Beside the REST API; GitHub Enterprise Server has it at ``/api/graphql`` instead of ``/api/v3``."""
        return self.api_url.removesuffix("/v3") + "/graphql"

    def identify(self, scope: str, account: str) -> None:
        """Say whose the token is that asked last for this scope."""
        self.tokens.identify(self.tokens.choose(scope, GRAPHQL), account)

    def share_budgets(self, *, everything: bool = False) -> None:
        """Tell other processes what is left and hear from them; not in a thread that only fetches."""
        self.tokens.share(everything=everything)

    def _url(self, path: str) -> str:
        """A whole address; one on another host never gets our token."""
        if path.startswith("/"):
            return self.api_url + path
        if urlsplit(path)[:2] != urlsplit(self.api_url)[:2]:
            raise UnexpectedAnswer("GitHub points to another host; check GITHUB_API_URL")
        return path

    def _ask(self, url: str, params: Mapping[str, Any], scope: str, more: Mapping[str, str]) -> Response:
        """One answer to a GET."""
        return self._with_token(
            scope, CORE,
            lambda token: self.transport.request(
                "GET", url, headers={**HEADERS, **token.headers(), **more}, params=params
            ),
        )  # fmt: skip

    def _with_token(self, scope: str, resource: str, ask: Callable[[Token], Response]) -> Response:
        """One answer that no limit and no bad token spoiled; RetryLater when limits keep coming."""
        for hit in range(LIMITS_IN_A_ROW):
            token = self._token(scope, resource)
            token.quota.pool(resource).count()
            response = ask(token)
            token.note(response.headers, resource)
            self._read_clock(response)
            if response.status == 401:
                self.tokens.drop(token)
                if self.tokens.is_empty:
                    raise ReplaceToken("GitHub refuses the token: put a valid one into GITHUB_TOKENS.")
            elif (wait := limit_wait(response, time.time())) is not None:
                exhausted = response.headers.get("x-ratelimit-remaining") == "0"
                if exhausted:  # the headers have been noted
                    continue
                wait *= 1 if "retry-after" in response.headers else 2**hit
                for limited in (CORE, GRAPHQL):  # a secondary limit holds for both
                    token.rest_until(time.time() + wait, limited)
            elif resource == GRAPHQL and is_rate_limited(response):
                if response.headers.get("x-ratelimit-remaining") != "0":  # else the headers have been noted
                    token.rest_until(time.time() + 60, GRAPHQL)
            else:
                return response
        raise RetryLater("GitHub keeps saying that a limit is reached; the next run goes on")

    def _read_clock(self, response: Response) -> None:
        try:
            self.server_time = parsedate_to_datetime(response.headers["date"]).astimezone(UTC)
        except (KeyError, ValueError):
            self.server_time = datetime.now(UTC)

    def _verify(self, token: Token) -> None:
        """Ask what is really left, once a run and token: what another run wrote down may be outdated. This is free.

        https://docs.github.com/en/rest/rate-limit/rate-limit
        """
        self._verified.add(token)
        response = self.transport.request("GET", self._url("/rate_limit"), headers={**HEADERS, **token.headers()})
        if response.status != 200:
            return
        for resource, told in (response.json().get("resources") or {}).items():
            if resource in {CORE, GRAPHQL}:
                token.quota.correct(resource, told["limit"], told["remaining"], told["reset"])

    def _token(self, scope: str, resource: str) -> Token:
        """A token that may be used now; waits a little for one, RetryLater when it would be long."""
        token = self.tokens.choose(scope, resource)
        wait = token.ready_at(resource) - time.time()
        if wait > self.patience and token not in self._verified:
            self._verify(token)
            wait = token.ready_at(resource) - time.time()
        if wait <= 0:
            return token
        if wait > self.patience:
            at = datetime.fromtimestamp(token.ready_at(resource), UTC)
            raise RetryLater(
                f"GitHub's limit is reached until {at:%Y-%m-%d %H:%M:%S} UTC; the next run goes on", not_before=at
            )
        self.transport.pause(wait)
        return token
