"""Reads lists page by page with ETags: labels, milestones, releases and comments on commits.

A request for an unchanged page does not count towards the rate limit. An ETag does not cover the ``Link`` header: a
full last page stays unchanged even if a new page follows it. Therefore a full
last page is requested without its ETag, or the page after it is requested too.

Lists of labels, milestones and releases are short and are read completely. The list of comments on commits supports
neither ``since`` nor an order. It begins with the oldest comments, and new comments are on its last page.
https://docs.github.com/en/rest/commits/comments#list-commit-comments-for-a-repository
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from core.errors import BudgetExhausted, NotFound, RetryLater, UnexpectedAnswer
from core.operations.github_ops.client import Answer, GitHubClient
from core.operations.github_ops.links import repository_path
from core.operations.output import number_of
from core.protocols import IncrementalState
from github_activity_tracker.fetch.rest import PER_PAGE, ListPage, as_items, relative
from github_activity_tracker.protocol_impl import GitHubState

PATHS: Mapping[str, tuple[str, dict[str, str]]] = {
    "labels": ("labels", {}),
    "milestones": ("milestones", {"state": "all"}),
    "releases": ("releases", {}),
}
SAVE_EVERY = 10
"""Number of pages after which an incomplete list is stored. A run that is killed loses at most this many pages."""
MOST_PAGES = 300
"""Maximum number of pages of a list, 30,000 items. The limit ends the loop if a server repeats pages."""
Pages = list[list[Any]]
"""The pages of a list. Each page is a list of three values: its path with query, its ETag and its number of items."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WholeList:
    """Items of a list and the state that covers them.

    ``whole`` means that the list is complete. Stored items that are not in a complete list were deleted on GitHub.
    """

    items: list[Any]
    state: GitHubState
    whole: bool = True


def whole_list_pages(client: GitHubClient, stream: str, full_name: str, start: IncrementalState) -> Iterator[WholeList]:
    """Yield a list with all its items, or nothing if the list is unchanged.

    The items that were read so far are yielded every ``SAVE_EVERY`` pages, and before BudgetExhausted or RetryLater is
    raised. The next run continues after them. A list that several runs have read is not ``whole``, because items may
    have moved from one page to another meanwhile.
    """
    following = str(start.extras.get("next") or "")
    etags = cast("Pages", start.extras.get("etags") or [])
    if etags and not following and all(_is_unchanged(client, full_name, page, page is etags[-1]) for page in etags):
        return
    path, more = PATHS[stream]
    first = f"{repository_path(full_name)}/{path}"
    whole = not following
    answers = _answers(client, full_name, first, {"per_page": str(PER_PAGE), **more}, following)
    read: Pages = [] if whole else list(cast("Pages", start.extras.get("read") or []))
    items: list[Any] = []
    try:
        for answer in answers:
            page = as_items(answer.data)
            items += page
            read.append([relative(client.api_url, answer.url), answer.etag, len(page)])
            following = relative(client.api_url, answer.next_url) if answer.next_url else ""
            if following and len(read) % SAVE_EVERY == 0:
                yield WholeList(items=items, state=_partly(following, read), whole=False)
    except (BudgetExhausted, RetryLater):
        if items:
            yield WholeList(items=items, state=_partly(following, read), whole=False)
        raise
    etags = read if whole and all(etag for _, etag, _ in read) else []
    yield WholeList(
        items=items, whole=whole,
        state=GitHubState(extras={"etags": etags}, human_readable_marker=_items(read)),
    )  # fmt: skip


def _partly(following: str, read: Pages) -> GitHubState:
    return GitHubState(extras={"next": following, "read": list(read)}, human_readable_marker=f"{_items(read)} so far")


def _items(read: Pages) -> str:
    return number_of(sum(page[2] for page in read), "item")


def _answers(
    client: GitHubClient, full_name: str, first: str, params: Mapping[str, Any], following: str
) -> Iterator[Answer]:
    """Yield the pages from the path ``following`` on, or all pages if ``following`` is empty.

    Raises UnexpectedAnswer after ``MOST_PAGES`` pages.
    """
    answer = client.get(following, scope=full_name) if following else client.get(first, params, scope=full_name)
    for _ in range(MOST_PAGES):
        yield answer
        if answer.next_url is None:
            return
        answer = client.get(answer.next_url, scope=full_name)
    raise UnexpectedAnswer(f"GitHub's list {first} does not end. Run again later.")


def _is_unchanged(client: GitHubClient, full_name: str, page: list[Any], last: bool) -> bool:
    """Return whether a page is unchanged.

    A full last page is requested without its ETag, so that its ``Link`` header shows whether another page follows.
    """
    url, etag, *count = page
    full = last and (not count or count[0] >= PER_PAGE)
    try:
        answer = client.get(relative(client.api_url, url), scope=full_name, etag="" if full else etag)
    except NotFound:
        return False
    return answer.unchanged or (full and answer.etag == etag and answer.next_url is None)


MOST_COMMENT_PAGES = 10_000
"""Maximum number of pages of commit comments: a million comments. The limit ends the loop if a server repeats pages.
"""


def restart_walk(state: IncrementalState) -> GitHubState:
    """Return the state from which ``commit_comment_pages`` reads the whole list again."""
    return GitHubState(
        checkpoint_token=state.checkpoint_token, human_readable_marker=state.human_readable_marker,
        extras={**state.extras, "walk": 1},
    )  # fmt: skip


def is_walk_unfinished(state: IncrementalState) -> bool:
    """Return whether a walk over the whole list was interrupted. The next run continues the walk at its saved page."""
    return "walk" in state.extras


def commit_comment_pages(
    client: GitHubClient, full_name: str, start: IncrementalState, since: datetime | None
) -> Iterator[ListPage]:
    """Yield pages from the last known page on, or from the saved page of a walk over the whole list.

    An unchanged page has no items. GitHub's list does not support ``since``, so this argument is ignored. Raises
    UnexpectedAnswer after ``MOST_COMMENT_PAGES`` pages.
    """
    del since
    pages = list(cast("list[list[object]]", start.extras.get("pages") or []))
    whole = is_walk_unfinished(start)
    number = int(str(start.extras["walk"])) if whole else max(1, len(pages))
    while number <= MOST_COMMENT_PAGES:
        known = pages[number - 1] if whole and number <= len(pages) else ["", 0]
        params = {"per_page": PER_PAGE, "page": number}
        answer = client.get(f"{repository_path(full_name)}/comments", params, scope=full_name, etag=str(known[0]))
        items = [] if answer.unchanged else as_items(answer.data)
        more = known[1] == PER_PAGE if answer.unchanged else answer.next_url is not None
        if not answer.unchanged:
            pages[number - 1 : number] = [[answer.etag, len(items)]]
        extras: dict[str, object] = {"pages": pages[:] if more else pages[:number]}
        if whole and more:
            extras["walk"] = number + 1
        marker = f"page {number}"
        yield ListPage(
            items=items,
            state=GitHubState(checkpoint_token=str(number), human_readable_marker=marker, extras=extras),
        )
        if not more:
            return
        number += 1
    raise UnexpectedAnswer(f"GitHub's list of commit comments of {full_name} does not end. Run again later.")
