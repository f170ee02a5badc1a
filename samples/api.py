"""Handle a request as api.github.com does: check the credentials and the quota, and return the response."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from samples import shapes
from samples.addresses import find_repository
from samples.answers import JSON_TYPE, Answer, Refusal, Request, encode, not_found
from samples.catalogue import Catalogue
from samples.community import Repository
from samples.context import Context
from samples.graphql import Engine
from samples.limits import CORE, GRAPHQL, Limits, name_of
from samples.routes import handler_of

VERSIONS = ("2022-11-28", "2026-03-10")
NO_AGENT = b"Request forbidden by administrative rules. Please make sure your request has a User-Agent header\n"


class Api:
    """The REST and GraphQL API. It is not thread-safe. The caller must lock the community first."""

    def __init__(
        self,
        catalogue: Catalogue,
        limits: Limits,
        git_dir: Callable[[Repository], Path | None],
        comment_limit: int,
        page_limit: int,
    ):
        self.catalogue = catalogue
        self.limits = limits
        self.git_dir = git_dir
        self._engine = Engine(catalogue.site.community, git_dir)
        self.comment_limit, self.page_limit = comment_limit, page_limit

    @property
    def api(self) -> str:
        return self.catalogue.site.api

    def answer(self, request: Request) -> Answer:
        """Return the response to a request. Errors are returned as responses, not raised."""
        if not request.header("user-agent"):
            return Answer(status=403, body=NO_AGENT, headers={"Content-Type": "text/html"})
        try:
            if self.limits.app is not None and request.path.startswith("/app/"):
                return self.limits.app.answer(request, lambda one: f"{self.api}{one.path}")
            user = self.limits.user_of(request)
        except Refusal as refusal:
            return refusal.answer()
        try:
            answer = self._granted(request, user)
        except Refusal as refusal:
            answer = refusal.answer()
        return self._signed(request, user, answer)

    def refuse(self, request: Request, refusal: Refusal) -> Answer:
        """Return the response for a scheduled error. Unless its status is 401, it has the rate limit headers."""
        if refusal.status == 401:
            return refusal.answer()
        return self._signed(request, name_of(request), refusal.answer())

    def _signed(self, request: Request, user: str, answer: Answer) -> Answer:
        answer.headers |= self.limits.headers(user, GRAPHQL if request.path == "/graphql" else CORE)
        if answer.status != 400:
            answer.headers["X-GitHub-Api-Version-Selected"] = request.header("x-github-api-version") or VERSIONS[0]
        return answer

    def _granted(self, request: Request, user: str) -> Answer:
        version = request.header("x-github-api-version")
        if version and version not in VERSIONS:
            raise Refusal(400, f"Unsupported API version: {version}", "/rest/about-the-rest-api/api-versions")
        if request.path == "/rate_limit":
            return _json(encode(self.limits.snapshot(user)))
        if request.path != "/graphql":
            self.limits.check(user)
        else:
            return self._graphql(request, user)
        if request.method not in {"GET", "HEAD"}:
            raise Refusal(403, "Resource not accessible by personal access token")
        try:
            body, headers = self._found(request, user)
        except Refusal:
            self.limits.pool(user).used += 1
            raise
        return self._conditional(request, user, _json(body, headers))

    def _graphql(self, request: Request, user: str) -> Answer:
        """Return the response to a GraphQL query. Each query costs one point.

        If the quota is used up, the response is an error with status 200, as on GitHub. Raises Refusal (401) for a
        request without a token.
        """
        if not user:
            raise Refusal(401, "This endpoint requires you to be authenticated.", "/graphql")
        pool = self.limits.pool(user, GRAPHQL)
        if not pool.remaining:
            limited = {"type": "RATE_LIMITED", "message": "API rate limit already exceeded"}
            return _json(encode({"data": None, "errors": [limited]}))
        pool.used += 1
        asked: dict[str, Any] = json.loads(request.body)
        rate = {"cost": 1, "limit": pool.limit, "remaining": pool.remaining, "used": pool.used}
        return _json(encode(self._engine.answer(asked["query"], asked.get("variables") or {}, viewer=user, rate=rate)))

    def _found(self, request: Request, user: str) -> tuple[bytes, dict[str, str]]:
        if request.path == "/user":
            return self._viewer(user), {}
        repo, rest = find_repository(self.catalogue.site, request)
        found = handler_of(rest)
        if found is None:
            raise not_found()
        handler, numbers = found
        context = Context(
            request=request,
            catalogue=self.catalogue,
            repo=repo,
            address=f"{self.api}/repositories/{repo.id}{rest}",
            numbers=numbers,
            comment_limit=self.comment_limit,
            page_limit=self.page_limit,
            git_dir=self.git_dir,
        )
        return handler(context)

    def _viewer(self, user: str) -> bytes:
        """Return the profile of the token's user as JSON.

        A user without an account gets the profile of the account with the lowest id, but with the user's own login.

        Raises Refusal (401) for a request without a token.
        """
        if not user:
            raise Refusal(401, "Requires authentication", "/rest/users/users#get-the-authenticated-user")
        accounts = self.catalogue.site.community.accounts
        known = (account for account in accounts.values() if account.login.lower() == user)
        account = next(known, accounts[min(accounts)])
        return encode(shapes.full_user(self.catalogue.site, account) | {"login": user})

    def _conditional(self, request: Request, user: str, answer: Answer) -> Answer:
        """Add an ETag, which depends on the body and on the ``Accept`` and ``Authorization`` headers.

        If ``If-None-Match`` contains this ETag, the status becomes 304. With a token, a 304 uses no quota.
        """
        varied = f"{request.header('accept')}\0{request.header('authorization')}\0".encode()
        etag = f'W/"{hashlib.blake2b(varied + answer.body, digest_size=32).hexdigest()}"'
        answer.headers |= {"ETag": etag, "Cache-Control": f"{'private' if user else 'public'}, max-age=60, s-maxage=60"}
        known = {tag.strip().removeprefix("W/") for tag in request.header("if-none-match").split(",")}
        unchanged = etag.removeprefix("W/") in known
        if unchanged:
            answer.status, answer.body = 304, b""
        self.limits.pool(user).used += 0 if unchanged and user else 1
        return answer


def _json(body: bytes, headers: dict[str, str] | None = None) -> Answer:
    known = {"Content-Type": JSON_TYPE, "X-GitHub-Media-Type": "github.v3; format=json"}
    return Answer(body=body, headers={**known, **(headers or {})})
