"""The routes of the REST API below a repository: https://docs.github.com/en/rest."""

import re
from collections.abc import Callable, Sequence

from samples import git_commits, shapes
from samples.answers import Refusal, encode, not_found
from samples.context import Context
from samples.paging import ISSUES_DOC, by_cursor, numbered, page_size

Answered = tuple[bytes, dict[str, str]]
Handler = Callable[[Context], Answered]


def _repository(context: Context) -> Answered:
    return encode(shapes.full_repository(context.catalogue.site, context.repo)), {}


def _issues(context: Context) -> Answered:
    query = context.request.query
    state, sort, since = query.get("state", "open"), query.get("sort", "created"), context.since()
    if state not in {"open", "closed", "all"}:
        raise Refusal(422, "Validation Failed", ISSUES_DOC, errors=[{"field": "state", "code": "invalid"}])
    keys = context.catalogue.keys(context.repo, "issues", sort, state)
    if since:
        keys = context.catalogue.since(context.repo, "issues", keys, sort, since)
    descending = query.get("direction", "desc") != "asc"
    return context.page("issues", by_cursor(keys, descending, context.request, context.address, context.page_limit))


def _comments(stream: str) -> Handler:
    def handler(context: Context) -> Answered:
        query, since = context.request.query, context.since()
        sort = query.get("sort", "id").removesuffix("_at")
        keys = context.catalogue.keys(context.repo, stream, sort)
        if since:
            keys = context.catalogue.since(context.repo, stream, keys, sort, since)
        ids = [id_ for _, id_ in keys]
        if sort != "id" and query.get("direction", "desc") != "asc":
            ids.reverse()
        return context.page(stream, numbered(ids, context.request, context.address, context.comment_limit))

    return handler


def _labels(context: Context) -> Answered:
    rows = [shapes.label(context.catalogue.site, context.repo, name) for name in context.repo.labels]
    return _listed(context, rows)


def _milestones(context: Context) -> Answered:
    rows = [shapes.milestone(context.catalogue.site, context.repo, number) for number in context.repo.milestones]
    return _listed(context, rows)


def _releases(context: Context) -> Answered:
    return _listed(context, [])


def _listed(context: Context, rows: Sequence[object]) -> Answered:
    """Return a numbered page of these rows as JSON, and the headers with links to other pages."""
    places, headers = numbered(range(len(rows)), context.request, context.address)
    return encode([rows[place] for place in places]), headers


def _issue(context: Context) -> Answered:
    return context.catalogue.write(context.repo, "issues", [context.number()])[0], {}


def _talk(stream: str) -> Handler:
    def handler(context: Context) -> Answered:
        ids = context.catalogue.of_thread(context.repo, stream, context.number())
        return context.page(stream, numbered(ids, context.request, context.address))

    return handler


def _one(stream: str) -> Handler:
    def handler(context: Context) -> Answered:
        posts = context.repo.comments if stream == "issue_comments" else context.repo.review_comments
        if context.numbers[0] not in posts:
            raise not_found("/rest/issues/comments")
        return context.catalogue.write(context.repo, stream, [context.numbers[0]])[0], {}

    return handler


def _commit_comments(context: Context) -> Answered:
    posts = context.repo.commit_comments
    return _listed(context, [_commit_comment_shape(context, id_) for id_ in sorted(posts)])


def _commit_comment(context: Context) -> Answered:
    if context.numbers[0] not in context.repo.commit_comments:
        raise not_found("/rest/commits/comments")
    return encode(_commit_comment_shape(context, context.numbers[0])), {}


def _commit_comment_shape(context: Context, id_: int) -> object:
    return shapes.commit_comment(context.catalogue.site, context.repo, context.repo.commit_comments[id_])


def _pull(context: Context) -> Answered:
    post = context.repo.issues[context.number()]
    if post.pull is None:
        raise not_found("/rest/pulls/pulls#get-a-pull-request")
    return encode(shapes.pull(context.catalogue.site, context.repo, post, post.pull)), {}


def _commits(context: Context) -> Answered:
    git_dir = context.git_dir(context.repo)
    if git_dir is None:
        raise Refusal(409, "Git Repository is empty.", "/rest/commits/commits#list-commits")
    shas = git_commits.names(git_dir, context.request.query.get("sha", "main"))
    places, headers = numbered(range(len(shas)), context.request, context.address)
    chosen = shas[places[0] : places[0] + page_size(context.request.query)] if places else []
    return encode(git_commits.commits(git_dir, context.catalogue.site, context.repo, chosen)), headers


ROUTES: tuple[tuple[re.Pattern[str], Handler], ...] = tuple(
    (re.compile(pattern), handler)
    for pattern, handler in (
        ("", _repository),
        ("/issues", _issues),
        ("/issues/comments", _comments("issue_comments")),
        ("/pulls/comments", _comments("review_comments")),
        (r"/issues/(\d+)", _issue),
        (r"/issues/(\d+)/comments", _talk("issue_comments")),
        (r"/pulls/(\d+)/comments", _talk("review_comments")),
        (r"/issues/comments/(\d+)", _one("issue_comments")),
        (r"/pulls/comments/(\d+)", _one("review_comments")),
        (r"/pulls/(\d+)", _pull),
        ("/commits", _commits),
        ("/comments", _commit_comments),
        (r"/comments/(\d+)", _commit_comment),
        ("/labels", _labels),
        ("/milestones", _milestones),
        ("/releases", _releases),
    )
)


def handler_of(path: str) -> tuple[Handler, tuple[int, ...]] | None:
    """Return the handler for the part of a path after the repository, and the numbers in this part.

    Returns None for an unknown path.
    """
    for pattern, handler in ROUTES:
        found = pattern.fullmatch(path)
        if found:
            return handler, tuple(map(int, found.groups()))
    return None
