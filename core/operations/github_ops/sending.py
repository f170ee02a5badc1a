"""Sends requests with a suitable token. After a limit, a refusal or a missing permission, the next token is tried.

A token is dropped for the rest of a run only when GitHub refuses it twice, some seconds apart, or when its installation
was suspended or removed. A repository counts as missing only when no token sees it. Therefore, with several tokens,
each token must prove that it sees a repository before it is used for that repository in a run. The proof takes one
request, unless the first request is for the repository itself.
"""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core.errors import AccessDenied, NotFound, RetryLater, TokensRefused, UnexpectedAnswer
from core.operations.github_ops.answers import denies_everything
from core.operations.github_ops.app_auth import ID, KEY_FILE, GitHubApp, InstallationToken
from core.operations.github_ops.limits import Limit, ServerClock, limit_of, whole_number
from core.operations.github_ops.links import repository_path
from core.operations.github_ops.tokens import CONFIRM_AFTER, CORE, GRAPHQL, Token, TokenPool
from core.operations.http import Response, Transport

logger = logging.getLogger(__name__)
HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
LIMITS_IN_A_ROW = 10
"""Number of consecutive rate limits after which a request fails with RetryLater.

Without a maximum, a run could wait forever.
"""
REDIRECTED = frozenset({301, 302, 307, 308})
VISIBLE = "query ($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { id } }"
"""A query that shows whether a token sees a repository. It costs one GraphQL point."""
Ask = Callable[[Token], Response]


@dataclass(kw_only=True)
class Attempt:
    """One request, and the tokens that were tried for it. ``area`` is the part of the repository that is requested."""

    scope: str
    resource: str
    area: str = ""
    prefer: Token | None = None
    tried: set[str] = field(default_factory=set[str])
    """Keys of the tokens that may not make this request."""
    first: tuple[Response, Token] | None = None
    """The first refusal. It is the result if no token may make the request."""
    limits: int = 0


class Sender:
    """Sends one request at a time.

    ``patience`` is the maximum number of seconds that a request waits for a limit to end.

    ``publish`` is called after a limit, so that other processes know the limit before this process waits.
    """

    def __init__(
        self,
        api_url: str,
        tokens: TokenPool,
        transport: Transport,
        *,
        patience: float,
        app: GitHubApp | None = None,
        publish: Callable[[], None] | None = None,
    ) -> None:
        self.api_url, self.tokens, self.transport, self.patience = api_url, tokens, transport, patience
        self.app, self.publish = app, publish
        self.clock = app.clock if app else ServerClock()
        self.notices: list[str] = []
        """Messages about problems that did not stop the run: dropped tokens and implausible limits."""
        self._app_is_open = app is None
        self._verified: set[Token] = set()

    @property
    def graphql_url(self) -> str:
        """URL of the GraphQL API. GitHub Enterprise Server has ``/api/graphql`` next to ``/api/v3``."""
        return self.api_url.removesuffix("/v3") + "/graphql"

    def send(
        self, ask: Ask, *, scope: str, resource: str, area: str = "", proves: bool = False, prefer: Token | None = None
    ) -> tuple[Response, Token]:
        """Send a request and return the answer with the token that was used.

        If no token may make the request, the first refusal is returned. Set ``proves`` when the request is for the
        repository itself. Raises RetryLater (limits), TokensRefused (no token is left), NotFound (no token sees the
        repository), or AccessDenied (GitHub refused the token that saw the repository).
        """
        attempt = Attempt(scope=scope, resource=resource, area=area, prefer=prefer)
        while attempt.limits < LIMITS_IN_A_ROW:
            token = self.ready(attempt)
            if token is None:
                return self._refusal(attempt)
            if not proves and self._is_unproven(scope, token):
                self._prove(attempt, token)
                continue
            answer = self._once(attempt, token, ask)
            if answer is None:
                continue
            if "/" not in scope or self.tokens.is_single or self._may(attempt, token, answer, proves=proves):
                return answer, token
            attempt.first = attempt.first or (answer, token)
        raise RetryLater("GitHub reported rate limits too often; the next run continues")

    def ready(self, attempt: Attempt) -> Token | None:
        """Return a token that may be used now, after a wait if necessary, or ``None`` when every token was tried.

        Raises TokensRefused when no token is left, and RetryLater when the wait would be longer than ``patience``.
        """
        self._open_app()
        while True:
            if self.tokens.is_empty:
                raise TokensRefused(self._advice())
            token = self.tokens.choose(
                attempt.scope, attempt.resource, area=attempt.area, tried=attempt.tried, prefer=attempt.prefer
            )
            if token is None:
                return None
            self._wait(attempt, token)
            if self.app is None or not isinstance(token, InstallationToken) or self.app.renew(token):
                return token
            self._drop(token, "it was suspended or removed")

    def listing_tokens(self, owner: str) -> list[Token]:
        """Return the tokens that may see repositories of an owner. Each token may see different repositories.

        These are the token of the owner's installation and all personal tokens. If there are none, return one other
        token.
        """
        self._open_app()
        tokens = [token for key in self.tokens.keys if (token := self.tokens.by_key(key))]
        personal = [token for token in tokens if not isinstance(token, InstallationToken)]
        own = [one for one in tokens if isinstance(one, InstallationToken) and one.login.lower() == owner.lower()]
        return own + personal or tokens[:1]

    def token_groups(self, names: Sequence[str], tried: Mapping[str, Collection[str]]) -> list[tuple[Token, list[str]]]:
        """Group repositories by the token that probably sees them; see ``GitHubClient.token_groups``."""
        self._open_app()
        groups: dict[str, tuple[Token, list[str]]] = {}
        for name in names:
            token = self.tokens.choose(name, GRAPHQL, tried=tried.get(name, ()))
            if token is not None:
                groups.setdefault(token.key, (token, []))[1].append(name)
        return list(groups.values())

    def note_refusal(self, token: Token) -> None:
        """Record a 401. The first 401 pauses the token for ``CONFIRM_AFTER`` seconds, and a later 401 drops it.

        An installation's secret that worked before is only renewed. Raises TokensRefused for an anonymous request.
        """
        if token.is_anonymous:
            raise TokensRefused("This GitHub server requires a token: set GITHUB_TOKENS.")
        if isinstance(token, InstallationToken):
            token.expire()
            if not token.is_new:  # the secret expired or was revoked during use, so a new one is requested
                logger.info("%s: GitHub refused its secret; requesting a new one", token.masked)
                return
        if token.confirm_at is None:
            token.confirm_at = time.time() + CONFIRM_AFTER
            level = logging.WARNING if len(self.tokens.keys) > 1 else logging.INFO
            logger.log(level, "GitHub refused %s once; trying it again in %.0f s", token.masked, CONFIRM_AFTER)
        elif time.time() >= token.confirm_at:
            self._drop(token, "GitHub refuses it")

    def is_refused(self, token: Token) -> bool:
        """Return whether the API also refuses a token that git refused twice. If so, drop the token.

        The request does not count towards GitHub's rate limit.
        """
        response = self.transport.request("GET", f"{self.api_url}/rate_limit", headers=HEADERS | token.headers())
        if response.status == 401:
            self.note_refusal(token)
            return True
        self.note_acceptance(token)
        return False

    def note_acceptance(self, token: Token) -> None:
        """Record an answer that shows that GitHub accepts the token."""
        token.confirm_at = None
        if isinstance(token, InstallationToken):
            token.is_new = False

    def _drop(self, token: Token, reason: str) -> None:
        self.tokens.drop(token)
        notice = f"{token.masked} is no longer used in this run: {reason}. {self._where(token)}"
        self.notices.append(notice)
        left = len(self.tokens.keys)
        level = logging.ERROR if left else logging.INFO  # without another token, the error of the run has the same text
        logger.log(level, "%s is no longer used in this run: %s left=%s", token.masked, reason, left)

    def _where(self, token: Token) -> str:
        installed = isinstance(token, InstallationToken)
        return "Check the installations of the App." if installed else "Put a valid token into GITHUB_TOKENS."

    def _advice(self) -> str:
        refused = ", ".join(self.tokens.refused)
        if self.app is None:
            return f"GitHub refuses {refused}, and there is no other token. Put a valid one into GITHUB_TOKENS."
        return f"No token is left ({refused}): check {ID}, {KEY_FILE} and the App's installations, or GITHUB_TOKENS."

    def _open_app(self) -> None:
        """Load the installations of the App once per run. Raises TokensRefused if there is no token at all."""
        if self._app_is_open or self.app is None:
            return
        installations = self.app.installations()
        if not installations and self.tokens.is_empty:
            raise TokensRefused(f"The App of {ID} is not installed on any account: install it, or set GITHUB_TOKENS.")
        self.tokens.add(installations, owners={one.login: one.key for one in installations})
        self._app_is_open = True

    def _wait(self, attempt: Attempt, token: Token) -> None:
        """Wait until a token may be used. Raises RetryLater when the wait would be longer than ``patience``."""
        seconds = token.quota_ready_at(attempt.resource) - time.time()
        if seconds > self.patience and token not in self._verified:
            self._verify(token)
            seconds = token.quota_ready_at(attempt.resource) - time.time()
        if seconds > self.patience:
            at = datetime.fromtimestamp(token.quota_ready_at(attempt.resource), UTC)
            request = f" (GitHub asks {token.limit_words})" if token.limit_words else ""
            raise RetryLater(
                f"GitHub's rate limit applies until {at:%Y-%m-%d %H:%M:%S} UTC{request}; the next run continues",
                not_before=at,
            )
        seconds = token.ready_at(attempt.resource) - time.time()
        if seconds <= 0:
            return
        self.transport.pause(seconds)
        if token.confirm_at is not None:
            token.confirm_at = min(token.confirm_at, time.time())

    def _once(self, attempt: Attempt, token: Token, ask: Ask) -> Response | None:
        """Make one request and return the answer, or ``None`` when the token must not be used now."""
        token.quota.pool(attempt.resource).count()
        sent_at = time.time()
        response = ask(token)
        self.clock.observe(response.headers.get("date", ""), sent_at, time.time())
        if response.status == 401:
            self.note_refusal(token)
            return None
        self.note_acceptance(token)
        limit = limit_of(response, time.time() + self.clock.offset, attempt.limits)
        if limit is None or limit.window:
            token.note(response.headers, attempt.resource, self.clock.offset)
        if limit is None:
            return response
        attempt.limits += 1
        token.rest(limit, attempt.resource)
        self._report(attempt, token, limit)
        return None

    def _report(self, attempt: Attempt, token: Token, limit: Limit) -> None:
        logger.info(
            "limit reached name=%s resource=%s seconds=%.0f everywhere=%s",
            token.masked, attempt.resource, limit.wait, limit.everywhere,
        )  # fmt: skip
        if limit.words:
            notice = (
                f"GitHub asks {token.masked} {limit.words}. No documented limit is that long; the next run tries again."
            )
            self.notices.append(notice)
            logger.warning("implausible limit name=%s: GitHub asks %s", token.masked, limit.words)
        if self.publish is not None:
            self.publish()

    def _is_unproven(self, scope: str, token: Token) -> bool:
        return "/" in scope and not self.tokens.is_single and not self.tokens.access.is_proven(scope, token.key)

    def _prove(self, attempt: Attempt, token: Token) -> None:
        """Check whether a token sees the repository. If not, exclude the token from this request."""
        owner, _, name = attempt.scope.partition("/")

        def ask(one: Token) -> Response:
            headers = HEADERS | one.headers()
            if attempt.resource == GRAPHQL:
                body = {"query": VISIBLE, "variables": {"owner": owner, "name": name}}
                return self.transport.request("POST", self.graphql_url, headers=headers, body=body)
            return self.transport.request("GET", f"{self.api_url}{repository_path(attempt.scope)}", headers=headers)

        answer = self._once(attempt, token, ask)
        if answer is None:
            return
        if _shows_repository(answer, attempt.resource):
            self.tokens.access.note_seen(attempt.scope, token.key)
        else:
            self.tokens.access.note_hidden(attempt.scope, token.key)
            attempt.tried.add(token.key)

    def _may(self, attempt: Attempt, token: Token, answer: Response, *, proves: bool) -> bool:
        """Record what an answer shows about a token's access, and return whether the answer is final.

        If it is not final, another token may succeed.
        """
        access = self.tokens.access
        if proves:
            if _shows_repository(answer, CORE):
                access.note_seen(attempt.scope, token.key)
                return True
            access.note_hidden(attempt.scope, token.key)
        else:
            denied = answer.status == 403 and b'"block"' not in answer.body
            if not denied and not (attempt.resource == GRAPHQL and denies_everything(answer.parsed)):
                if attempt.tried:
                    access.note_served(attempt.scope, attempt.area, token.key)
                return True
            access.note_denied(attempt.scope, attempt.area, token.key)
        attempt.tried.add(token.key)
        return False

    def _refusal(self, attempt: Attempt) -> tuple[Response, Token]:
        """Return the first refusal, because no token may make the request.

        Raises AccessDenied if GitHub refused the token that saw the repository, and NotFound if no token sees it.
        """
        if self.tokens.has_lost(attempt.scope):
            refused = ", ".join(self.tokens.refused)
            raise AccessDenied(f"GitHub refuses the token that saw {attempt.scope} ({refused}): check GITHUB_TOKENS")
        if attempt.first is not None:
            return attempt.first
        raise NotFound(
            f"none of the tokens can see {attempt.scope}; check its name and GITHUB_TOKENS", reason="not_found"
        )

    def _verify(self, token: Token) -> None:
        """Request a token's current budget once per run, because the stored budget may be outdated.

        The request does not count towards GitHub's rate limit.
        https://docs.github.com/en/rest/rate-limit/rate-limit
        """
        self._verified.add(token)
        if self.app is not None and isinstance(token, InstallationToken) and not self.app.renew(token):
            return
        sent_at = time.time()
        response = self.transport.request("GET", f"{self.api_url}/rate_limit", headers=HEADERS | token.headers())
        self.clock.observe(response.headers.get("date", ""), sent_at, time.time())
        try:
            body: Any = response.json() if response.status == 200 else None
        except UnexpectedAnswer:
            return
        resources: Any = body.get("resources") if isinstance(body, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # JSON
        for resource in (CORE, GRAPHQL):
            row: Any = resources.get(resource) if isinstance(resources, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # JSON
            if isinstance(row, dict):
                numbers = [whole_number(row.get(name)) for name in ("limit", "remaining", "reset")]  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]  # JSON
                limit, remaining, reset = numbers
                if limit is not None and remaining is not None and reset is not None:
                    token.quota.correct(resource, limit, remaining, reset - self.clock.offset)


def _shows_repository(answer: Response, resource: str) -> bool:
    """Return whether an answer shows that the token sees the repository. A blocked repository counts as seen."""
    if resource == GRAPHQL:
        parsed: Any = answer.parsed
        data: Any = parsed.get("data") if isinstance(parsed, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # JSON
        return isinstance(data, dict) and bool(data.get("repository"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]  # JSON
    return answer.status not in {403, 404} or b'"block"' in answer.body
