"""Comments on commits: a REST list that knows neither ``since`` nor an order, the oldest first.

New comments are on its last page. A whole walk sends the ETags of the pages, so that unchanged ones cost no quota. An
ETag does not cover the ``Link`` header: behind a full page that is unchanged, the next one is requested all the same.
https://docs.github.com/en/rest/commits/comments#list-commit-comments-for-a-repository
"""

from collections.abc import Iterator
from datetime import datetime
from typing import cast

from core.errors import UnexpectedAnswer
from core.operations.github_ops.client import GitHubClient
from core.operations.github_ops.links import repository_path
from core.protocols import IncrementalState
from github_activity_tracker.fetch.lists import PER_PAGE, ListPage, as_items
from github_activity_tracker.protocol_impl import GitHubState

MOST_PAGES = 10_000
"""A million comments: a server that repeats itself must not loop for ever."""


def whole_walk(state: IncrementalState) -> GitHubState:
    """The same state, from which ``commit_comments`` reads the whole list again."""
    return GitHubState(
        checkpoint_token=state.checkpoint_token, human_readable_marker=state.human_readable_marker,
        extras={**state.extras, "walk": 1},
    )  # fmt: skip


def is_unfinished(state: IncrementalState) -> bool:
    """Whether a whole walk was interrupted; it continues at its page."""
    return "walk" in state.extras


def commit_comments(
    client: GitHubClient, full_name: str, start: IncrementalState, since: datetime | None
) -> Iterator[ListPage]:
    """Yield pages from the last known one on, or all of them where the state asks for a whole walk.

    The list cannot be limited by ``since``. Each page's state continues behind it.
    """
    del since
    pages = list(cast("list[list[object]]", start.extras.get("pages") or []))
    whole = is_unfinished(start)
    number = int(str(start.extras["walk"])) if whole else max(1, len(pages))
    while number <= MOST_PAGES:
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
    raise UnexpectedAnswer(f"GitHub lists comments of {full_name} without end. Run again later.")
