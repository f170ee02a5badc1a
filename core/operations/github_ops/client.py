"""A client of GitHub's REST and GraphQL APIs that handles tokens, limits, redirects and errors.

GitHub's rules: https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

import random
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from core.errors import AccessDenied, NotFound, SliceRefused, SourceTimeout, SourceUnavailable, UnexpectedAnswer
from core.operations.github_ops.answers import (
    GraphQLAnswer,
    graphql_answer,
    graphql_error,
    is_too_much,
    rest_error,
)
from core.operations.github_ops.app_auth import GitHubApp
from core.operations.github_ops.git import CredentialsRefused, GitMirror
from core.operations.github_ops.limits import http_date
from core.operations.github_ops.links import below_root, link_targets
from core.operations.github_ops.query_fitting import QueryFitter
from core.operations.github_ops.sending import HEADERS, REDIRECTED, Attempt, Sender
from core.operations.github_ops.tokens import CORE, GIT, GRAPHQL, Token, TokenPool
from core.operations.http import Response, Transport

REPOSITORY = re.compile(r"/(?:repos/[^/?]+/[^/?]+|repositories/\d+)(?:/(?P<area>[^/?]+))?")
"""Pattern of a repository's API path. ``area`` is the first component below the repository, such as ``issues``."""
REDIRECTS = 5
"""Maximum number of redirects that one request follows. A larger value would delay the error for a redirect loop."""
REWRITES = 12
"""Maximum number of times that one query is sent.

After each refusal, the refused parts are removed from the query. With a smaller value, the client could give up before
all of these parts are found. A larger value would spend more requests on a server that refuses another part each time.
"""
GRAPHQL_ATTEMPTS = 2
"""Maximum number of attempts of one query.

A query that fails twice is probably too large, so the caller sends a smaller query.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A successful answer: the parsed JSON, and the address of the next page or ``None``.

    Addresses are path and query below the API's root, so that they stay valid when the server gets another name.
    ``unchanged`` means that the ETag of the request is still valid. The answer then has no data.
    """

    data: Any
    next_url: str | None
    url: str
    last_url: str | None = None
    etag: str = ""
    unchanged: bool = False


class GitHubClient:
    """Makes one request at a time, with a token that sees the repository and has requests left.

    For ``patience`` and ``publish``, see ``Sender``. ``app`` adds the tokens of its installations. ``fitter`` removes
    the parts of a query that the server lacks or that the token may not read.
    """

    def __init__(
        self,
        api_url: str,
        tokens: TokenPool,
        transport: Transport,
        patience: float = 90.0,
        *,
        app: GitHubApp | None = None,
        publish: Callable[[], None] | None = None,
        fitter: QueryFitter | None = None,
    ) -> None:
        self.api_url, self.tokens, self.transport = api_url.rstrip("/"), tokens, transport
        self.sender = Sender(self.api_url, tokens, transport, patience=patience, app=app, publish=publish)
        self.fitter = fitter
        self.points = 0
        self.server_time: datetime | None = None
        """Time (UTC) of the last answer by GitHub's clock, or by the local clock if the answer has no valid date."""

    @property
    def requests(self) -> int:
        """Number of requests so far, including retries."""
        return self.transport.allowance.spent

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, *, scope: str = "", etag: str = "",
        redirects: int = REDIRECTS, prefer: Token | None = None,
    ) -> Answer:  # fmt: skip
        """Return one page. ``path`` begins with ``/`` or is a URL. Only its part below the API's root is used.

        ``scope`` is the repository (``owner/name``) or the owner for which a token is chosen. ``prefer`` is the token
        to use if possible. With ``etag``, the answer may be ``unchanged``. Raises NotFound (404, 410, 451, blocked, 409
        for an empty repository, too many redirects), AccessDenied, ReplaceToken, RetryLater, UnexpectedAnswer and the
        errors of ``Transport``.
        """
        more = {"If-None-Match": etag} if etag else {}
        response = self._ask(below_root(path, self.api_url), dict(params or {}), scope, more, prefer)
        for _ in range(redirects):
            if response.status not in REDIRECTED:
                break
            target = below_root(response.headers.get("location", ""), self.api_url)
            response = self._ask(target, {}, scope, more, prefer)
        url = below_root(response.url, self.api_url)
        targets = link_targets(response.headers.get("link", ""))
        links = {name: below_root(targets[name], self.api_url) for name in ("next", "last") if name in targets}
        if response.status == 304:
            return Answer(data=None, next_url=None, url=url, etag=etag, unchanged=True)
        if response.status != 200:
            raise rest_error(response)
        return Answer(
            data=response.json(), next_url=links.get("next"), last_url=links.get("last"), url=url,
            etag=response.headers.get("etag", ""),
        )  # fmt: skip

    def pages(
        self, path: str, params: Mapping[str, Any] | None = None, *, scope: str = "", etag: str = "",
        prefer: Token | None = None,
    ) -> Iterator[Answer]:  # fmt: skip
        """Yield a page and all following pages, using the ``next`` links of the answers.

        Raises UnexpectedAnswer when the links form a loop, and the errors of ``get``.
        """
        answer, seen = self.get(path, params, scope=scope, etag=etag, prefer=prefer), set[str]()
        yield answer
        while answer.next_url is not None:
            if answer.next_url in seen:
                raise UnexpectedAnswer(f"GitHub's page links for {path} form a loop; run again later")
            seen.add(answer.next_url)
            answer = self.get(answer.next_url, scope=scope, prefer=prefer)
            yield answer

    def graphql(
        self, query: str, variables: Mapping[str, Any] | None = None, *, scope: str = "",
        absent: Collection[str] = (),
    ) -> dict[str, Any]:  # fmt: skip
        """Return the ``data`` of a query. ``absent`` contains the kinds of node errors to ignore.

        Raises AccessDenied or NotFound for any other node error, and the errors of ``query``.
        """
        answer = self.query(query, variables, scope=scope)
        if unexpected := [error for error in answer.errors if error.kind not in absent]:
            raise graphql_error({"type": unexpected[0].kind, "message": unexpected[0].message})
        return answer.data

    def query(
        self, query: str, variables: Mapping[str, Any] | None = None, *, scope: str = "", prefer: Token | None = None
    ) -> GraphQLAnswer:
        """Return the data of a query and the errors about single nodes.

        ``prefer`` is the token to use unless it is limited. Raises SliceRefused when a smaller query may succeed,
        CursorRefused for an invalid cursor, and the errors of ``get``.
        """
        for _ in range(REWRITES):
            if self.fitter is not None:
                self.fitter.prepare(query, lambda text: self._introspect(text, scope, prefer))
            answer = self._send(query, variables or {}, scope, self.fitter, prefer)
            if answer is not None:
                return answer
        raise UnexpectedAnswer("GitHub's GraphQL API keeps refusing parts of a query; run again later")

    def _introspect(self, text: str, scope: str, prefer: Token | None) -> Mapping[str, Any]:
        answer = self._send(text, {}, scope, None, prefer)
        return answer.data if answer is not None and not answer.errors else {}

    def _send(
        self, query: str, variables: Mapping[str, Any], scope: str, fitter: QueryFitter | None, prefer: Token | None
    ) -> GraphQLAnswer | None:
        """Return an answer, or ``None`` when the server refused parts that ``fitter`` will remove from now on."""
        sent = query

        def ask(one: Token) -> Response:
            nonlocal sent
            if fitter is not None:
                sent = fitter.fit(query, one.scopes, one.key)
            return self.transport.request(
                "POST", self.sender.graphql_url, headers=HEADERS | one.headers(),
                body={"query": sent, "variables": dict(variables)}, attempts=GRAPHQL_ATTEMPTS,
            )  # fmt: skip

        try:
            response, used = self.sender.send(ask, scope=scope, resource=GRAPHQL, area=GRAPHQL, prefer=prefer)
        except (SourceUnavailable, SourceTimeout) as error:
            raise SliceRefused(str(error)) from error
        self._read_clock(response)
        if response.status != 200:
            raise rest_error(response)
        if fitter is not None and fitter.learn(sent, response.parsed, used.key):
            return None
        try:
            answer = replace(graphql_answer(response.json()), token_key=used.key)
        except SliceRefused as error:
            if not is_too_much(error):
                self.transport.pause(random.uniform(0.25, 1))  # noqa: S311  (jitter, not secrecy)
            raise
        cost: Any = answer.data.get("rateLimit")
        self.points += cost["cost"] if isinstance(cost, dict) and "cost" in cost else 1
        return answer

    @property
    def patience(self) -> float:
        """Maximum seconds that a request waits for a limit to end. For a longer wait, RetryLater is raised."""
        return self.sender.patience

    @patience.setter
    def patience(self, seconds: float) -> None:
        self.sender.patience = seconds

    @property
    def notices(self) -> Sequence[str]:
        """Messages about problems that did not stop the run, such as refused tokens."""
        return self.sender.notices

    def identify(self, token_key: str, account: str) -> None:
        """Assign a token (see ``GraphQLAnswer.token_key``) to an account. The tokens of an account share one budget."""
        if account and (token := self.tokens.by_key(token_key)) is not None:
            self.tokens.identify(token, account)

    def listing_tokens(self, owner: str) -> list[Token]:
        """Return the tokens that may see repositories of an owner. Each token may see different repositories."""
        return self.sender.listing_tokens(owner)

    def token_groups(self, names: Sequence[str], tried: Mapping[str, Collection[str]]) -> list[tuple[Token, list[str]]]:
        """Group repositories by the token that probably sees them.

        ``tried`` contains the keys of tokens already used, by repository. A repository is left out when every token was
        tried.
        """
        return self.sender.token_groups(names, tried)

    def note_seen(self, name: str, token_key: str, *, seen: bool) -> None:
        """Record whether a token sees a repository. With a single token, nothing is recorded."""
        if not self.tokens.is_single:
            (self.tokens.access.note_seen if seen else self.tokens.access.note_hidden)(name, token_key)

    def share_budgets(self, *, everything: bool = False) -> None:
        """Exchange budgets with other processes; see ``TokenPool.share``. The thread needs a database connection."""
        self.tokens.share(everything=everything)

    def update_mirror(self, mirror: GitMirror, scope: str) -> None:
        """Update the local copy of a repository with a token that sees it.

        Raises TokensRefused and RetryLater. If no token succeeds, raises the error that ``GitMirror.update`` raised
        with the first token.
        """
        attempt, first = Attempt(scope=scope, resource=GIT, area=GIT), None
        while (token := self.sender.ready(attempt)) is not None:
            mirror.use(token.git_value())
            try:
                mirror.update()
            except CredentialsRefused as error:
                first = first or error
                if token.is_anonymous:
                    break
                if token.confirm_at is None:  # GitHub sometimes refuses a valid token once
                    self.sender.note_refusal(token)
                elif self.sender.is_refused(token):
                    first = None if first is error else first
                else:
                    attempt.tried.add(token.key)
            except (NotFound, AccessDenied) as error:
                first = first or error
                attempt.tried.add(token.key)
            else:
                self.sender.note_acceptance(token)
                if not self.tokens.is_single:
                    self.tokens.access.note_seen(scope, token.key)
                return
        raise first or NotFound(f"git cannot read {scope} with any of the tokens")

    def _ask(
        self, path: str, params: Mapping[str, Any], scope: str, more: Mapping[str, str], prefer: Token | None
    ) -> Response:
        """Make a GET request and return the answer.

        ``path`` begins with ``/``. Raises the errors of ``Sender.send``.
        """
        repository = REPOSITORY.match(path)
        area = str(repository["area"] or "") if repository else ""
        response, _ = self.sender.send(
            lambda token: self.transport.request(
                "GET", self.api_url + path, headers={**HEADERS, **token.headers(), **more}, params=params
            ),
            scope=scope, resource=CORE, area=area, proves=repository is not None and not area,
            prefer=prefer,
        )  # fmt: skip
        self._read_clock(response)
        return response

    def _read_clock(self, response: Response) -> None:
        moment = http_date(response.headers.get("date", ""))
        self.server_time = datetime.now(UTC) if moment is None else datetime.fromtimestamp(moment, UTC)
