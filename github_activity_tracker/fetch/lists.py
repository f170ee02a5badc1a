"""Repository-wide REST lists in the order of their last change, page by page.

The order moves while it is read: an item that is edited leaves its place and comes again at the end. Page numbers
over such a list lose whatever slides across a page edge, so every page is asked for by key: from the last
``updated_at`` that was seen, which GitHub's ``since`` includes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from core.errors import UnexpectedAnswer
from core.operations.github_ops.client import GitHubClient
from core.protocols import IncrementalState
from github_activity_tracker.protocol_impl import GitHubState

PER_PAGE = 100
INSTANT_PAGES = 300
"""More pages of one instant than GitHub serves of any list: a server that repeats itself must not loop for ever."""
OVERLAP = timedelta(seconds=60)
"""How far a run reaches back behind its checkpoint: GitHub's lists may lag a little behind its writes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListPage:
    """A page of payloads and the state that covers it."""

    items: list[Any]
    state: GitHubState


def issues(client: GitHubClient, full_name: str, start: IncrementalState, since: datetime | None) -> Iterator[ListPage]:
    """Issues and pull requests of every state. GitHub pages this list by a cursor, which keeps its place."""
    place = _begin(start, since)
    params = {"state": "all", **_ordered(place)}
    for answer in client.pages(f"/repos/{full_name}/issues", params, scope=full_name):
        items = as_items(answer.data)
        place = _last_change(items, place)
        yield ListPage(items=items, state=_state(place))


def issue_comments(
    client: GitHubClient, full_name: str, start: IncrementalState, since: datetime | None
) -> Iterator[ListPage]:
    """Comments under issues and pull requests."""
    return _by_key(client, f"/repos/{full_name}/issues/comments", full_name, _begin(start, since))


def review_comments(
    client: GitHubClient, full_name: str, start: IncrementalState, since: datetime | None
) -> Iterator[ListPage]:
    """Comments on the diffs of pull requests."""
    return _by_key(client, f"/repos/{full_name}/pulls/comments", full_name, _begin(start, since))


def _by_key(client: GitHubClient, path: str, scope: str, place: str) -> Iterator[ListPage]:
    """Pages from ``place`` (ISO 8601, or nothing for the beginning) to the end of the list.

    Where more items share one instant than a page holds, that instant is walked by page number, again and again
    until a walk finds nothing new: an item may have slid across a page edge during the walk.
    """
    number, walked, found_new = 1, set[object](), False
    while number <= INSTANT_PAGES:
        answer = client.get(path, _ordered(place) | {"page": number}, scope=scope)
        items = as_items(answer.data)
        reached = _last_change(items, place)
        if reached < place:
            raise UnexpectedAnswer(f"GitHub answered {path} out of order: {reached} after {place}. Run again later.")
        yield ListPage(items=items, state=_state(reached))
        ids = {_identity(item) for item in items}
        found_new = found_new or not ids <= walked
        walked |= ids
        if answer.next_url is not None and reached == place:
            number += 1
        elif number > 1 and found_new:
            number, found_new = 1, False
        elif answer.next_url is None:
            return
        else:
            place, number, walked, found_new = reached, 1, set(), False
    raise UnexpectedAnswer(f"GitHub answers {path} with the same instant without end ({place}). Run again later.")


def _ordered(place: str) -> dict[str, Any]:
    params: dict[str, Any] = {"sort": "updated", "direction": "asc", "per_page": PER_PAGE}
    return params | ({"since": place} if place else {})


def _begin(start: IncrementalState, since: datetime | None) -> str:
    """Where a run begins to read: a little before the checkpoint, else at ``since``, else at the beginning."""
    if start.checkpoint_token:
        return _text(datetime.fromisoformat(start.checkpoint_token) - OVERLAP)
    return _text(since) if since else ""


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _state(place: str) -> GitHubState:
    return GitHubState(checkpoint_token=place, human_readable_marker=f"changes up to {place}" if place else "")


def as_items(data: object) -> list[Any]:
    """The members of a list answer; anything else is not what GitHub documents."""
    if not isinstance(data, list):
        raise UnexpectedAnswer(f"GitHub answered a list with {type(data).__name__}. Run again later.")
    return cast("list[Any]", data)


def _identity(item: object) -> object:
    return cast("dict[str, object]", item).get("id") if isinstance(item, dict) else repr(item)


def _last_change(items: list[Any], place: str) -> str:
    """The ``updated_at`` of the last item that has one, else where the page began."""
    for item in reversed(items):
        changed: object = cast("dict[str, object]", item).get("updated_at") if isinstance(item, dict) else None
        if isinstance(changed, str) and changed:
            return changed
    return place
