"""Reads REST lists of a whole repository in the order in which their items changed, list totals, and single items.

The order of a list changes while it is read: an edited item leaves its position and appears again at the end. With page
numbers, items that move from one page to another would be missed. Therefore each page is requested by key: ``since`` is
the last ``updated_at`` that was read. GitHub includes items with exactly this time. If GitHub offers a cursor
(``after``, in the issue list), its link is followed instead, because edits do not affect a cursor.

The saved state is exactly the position after the stored page. It consists of the key and, inside one instant, the link
or the page number. An instant is one value of ``updated_at``, which is precise to the second.

Near the present, a change may still appear before the last key. Therefore the run after a complete run starts at
least ``OVERLAP`` before the end of the complete run, by GitHub's clock.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from core.errors import NotFound, UnexpectedAnswer
from core.operations.github_ops.client import Answer, GitHubClient
from core.operations.github_ops.links import repository_path
from core.protocols import IncrementalState
from github_activity_tracker.protocol_impl import GitHubState

PER_PAGE = 100
INSTANT_PAGES = 300
"""Maximum number of pages that are read for one instant.

GitHub does not return more pages of any list. The limit also ends the loop if a server repeats pages.
"""
WALKS = 5
"""Maximum number of walks over one instant.

A walk is repeated if its pages differ from the pages of the previous walk. The limit ends the repetition if the items
keep changing.
"""
OVERLAP = timedelta(seconds=60)
"""Minimum time between the start position of the next run and the end of a complete run.

GitHub's lists may lag a little behind its writes, so a shorter time may miss changes. A longer time repeats more items.
"""
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListPage:
    """A page of payloads and the state that covers it.

    ``unreachable`` is an instant (ISO 8601) with more items than GitHub returns. The other items of this instant are
    missing.
    """

    items: list[Any]
    state: GitHubState
    unreachable: str = ""


def issue_pages(
    client: GitHubClient, full_name: str, start: IncrementalState, since: datetime | None
) -> Iterator[ListPage]:
    """Yield pages of issues and pull requests in every state."""
    return _Walk(client, f"{repository_path(full_name)}/issues", full_name, {"state": "all"}).read(start, since)


def issue_comment_pages(
    client: GitHubClient, full_name: str, start: IncrementalState, since: datetime | None
) -> Iterator[ListPage]:
    """Yield pages of comments on issues and pull requests."""
    return _Walk(client, f"{repository_path(full_name)}/issues/comments", full_name).read(start, since)


def review_comment_pages(
    client: GitHubClient, full_name: str, start: IncrementalState, since: datetime | None
) -> Iterator[ListPage]:
    """Yield pages of comments on the diffs of pull requests."""
    return _Walk(client, f"{repository_path(full_name)}/pulls/comments", full_name).read(start, since)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Position:
    """A position in a list: the ``page`` number in the list of items that were changed at ``key`` or later.

    ``key`` is an ISO 8601 time, or empty for the beginning of the list. ``prints`` are the fingerprints of the pages of
    this walk over one instant. ``before`` are the fingerprints of the previous walk.
    """

    key: str
    page: int = 1
    walks: int = 1
    prints: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    link: str = ""
    """Path and query of the next page by cursor. Empty if pages are requested by number."""
    numbered: bool = False
    """Whether pages of this instant are requested by number, because GitHub offered no cursor or refused it."""

    @classmethod
    def of(cls, state: IncrementalState, since: datetime | None) -> "_Position":
        """Return the saved position. Without a saved position, return ``since`` or the beginning of the list."""
        if not state.checkpoint_token:
            return cls(key=_text(since) if since else "")
        saved = cast("dict[str, Any] | None", state.extras.get("place"))
        if saved is None:  # a state saved by an older version may be near the present
            return cls(key=_text(datetime.fromisoformat(state.checkpoint_token) - OVERLAP))
        rest: dict[str, Any] = {name: saved[name] for name in ("page", "walks", "link", "numbered") if name in saved}
        rest |= {name: tuple(saved.get(name, ())) for name in ("prints", "before")}
        return cls(key=state.checkpoint_token, **rest)

    def state(self, again: str) -> GitHubState:
        """Return the state from which ``of`` restores this position."""
        saved: dict[str, object] = {"link": self.link} if self.link else {}
        if self.page > 1 or self.walks > 1:
            saved |= {"page": self.page, "walks": self.walks, "prints": self.prints, "before": self.before}
        saved |= {"numbered": True} if self.numbered else {}
        extras: dict[str, object] = {"place": saved}
        if again:
            extras["again"] = again
        return GitHubState(checkpoint_token=self.key, human_readable_marker=_marker(self.key), extras=extras)


@dataclass
class _Walk:
    """Reads one list from a position to its end.

    ``path`` begins with ``/``. ``more`` are parameters in addition to the order and the key.
    """

    client: GitHubClient
    path: str
    scope: str
    more: dict[str, Any] = field(default_factory=dict[str, Any])
    again: str = ""
    """Latest time at which the next run may start to read. Set when a position near the present is saved."""

    def read(self, start: IncrementalState, since: datetime | None) -> Iterator[ListPage]:
        """Yield pages from the saved position to the end of the list."""
        position = _Position.of(start, since)
        self.again = str(start.extras.get("again") or "")
        failures = 0
        while True:
            try:
                answer = self._ask(position)
            except (NotFound, UnexpectedAnswer):
                failures += 1
                if position.link:  # GitHub no longer accepts the cursor
                    position = _Position(key=position.key, numbered=True)
                    continue
                if position.page == 1:
                    raise
                if failures == 1:
                    continue
                yield self._unreachable([], position.key)  # GitHub limits the number of numbered pages
                position = _Position(key=_later(position.key))
                continue
            failures = 0
            items = as_items(answer.data)
            reached = _last_change(items, position.key)
            if reached < position.key:
                raise UnexpectedAnswer(
                    f"GitHub returned {self.path} out of order: {reached} after {position.key}. Run again later."
                )
            following = self._following(position, answer, items, reached)
            if following is None:
                yield ListPage(items=items, state=self._complete(position, items, reached))
                return
            if following.page > INSTANT_PAGES:
                yield self._unreachable(items, reached)
                position = _Position(key=_later(reached))
                continue
            yield ListPage(items=items, state=following.state(self._near_present(reached)))
            position = following

    def _ask(self, position: _Position) -> Answer:
        if position.link:
            return self.client.get(position.link, scope=self.scope)
        params: dict[str, Any] = {**self.more, "sort": "updated", "direction": "asc", "per_page": PER_PAGE}
        params |= {"since": position.key} if position.key else {}
        params |= {"page": position.page} if position.page > 1 else {}
        return self.client.get(self.path, params, scope=self.scope)

    def _following(self, position: _Position, answer: Answer, items: list[Any], reached: str) -> _Position | None:
        """Return the position after a page, or None at the end of the list.

        If one page cannot contain all items of an instant, the instant is read by page number. An item may move from
        one page to another meanwhile. Therefore the instant is read again until two consecutive walks have the same
        pages, at most ``WALKS`` times.
        """
        more, inside = answer.next_url is not None, reached == position.key
        if answer.next_url and not position.numbered and "after" in parse_qs(urlsplit(answer.next_url).query):
            link = relative(self.client.api_url, answer.next_url)
            if link == position.link:
                raise UnexpectedAnswer(f"GitHub returned the same page of {self.path} twice. Run again later.")
            return _Position(key=reached, link=link)
        if position.link:
            return _Position(key=reached, numbered=True) if more else None
        prints = (*position.prints, _fingerprint(items, position.key))
        full = position.page > 1 and len(items) >= PER_PAGE  # GitHub may omit the link to the next numbered page
        if inside and (more or full):
            return replace(position, page=position.page + 1, prints=prints)
        if (position.page > 1 or position.walks > 1) and prints != position.before and position.walks < WALKS:
            return _Position(key=position.key, walks=position.walks + 1, before=prints, numbered=position.numbered)
        return _Position(key=reached) if more else None

    def _near_present(self, reached: str) -> str:
        """Return ``again``, after setting it if ``reached`` is the first saved position near the present."""
        settled = _text(self._settled())
        if reached > settled and not self.again:
            self.again = settled
        return self.again

    def _settled(self) -> datetime:
        return (self.client.server_time or datetime.now(UTC)) - OVERLAP

    def _unreachable(self, items: list[Any], instant: str) -> ListPage:
        """Return a page with the state from which the next run continues after an instant that GitHub returns in part.

        Raises UnexpectedAnswer if no time is known.
        """
        if not instant:
            raise UnexpectedAnswer(f"GitHub returned {self.path} without a readable updated_at. Run again later.")
        return ListPage(items=items, state=_Position(key=_later(instant)).state(self.again), unreachable=instant)

    def _complete(self, position: _Position, items: list[Any], reached: str) -> GitHubState:
        """Return the state after a list was read to its end.

        The next run starts just after the last item, but at least ``OVERLAP`` before the present, because GitHub may
        still add items there, and not after ``again``.
        """
        if not reached:
            return GitHubState()
        last = _later(reached) if items or position.page > 1 else reached
        key = min(last, _text(self._settled()), *([self.again] if self.again else ()))
        return GitHubState(checkpoint_token=key, human_readable_marker=_marker(reached), extras={"place": {}})


def relative(api_url: str, url: str) -> str:
    """Return the path and query of an API URL, relative to the root of the API.

    A saved relative link stays valid if the host name changes.
    """
    parts = urlsplit(url)
    path = parts.path.removeprefix(urlsplit(api_url).path.rstrip("/"))
    return f"{path}?{parts.query}" if parts.query else path


def _fingerprint(items: list[Any], key: str) -> str:
    """Return a short hash of the ids of the items on a page that were changed at the instant ``key``."""
    names = "\0".join(str(_identity(item)) for item in items if _last_change([item], key) == key)
    return hashlib.blake2b(names.encode(errors="replace"), digest_size=8).hexdigest()


def _later(key: str) -> str:
    return _text(datetime.fromisoformat(key) + SECOND)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _marker(key: str) -> str:
    return f"changes up to {key}" if key else ""


def as_items(data: object) -> list[Any]:
    """Return the items of a response that must be a list. Raises UnexpectedAnswer for any other response."""
    if not isinstance(data, list):
        raise UnexpectedAnswer(f"GitHub returned {type(data).__name__} instead of a list. Run again later.")
    return cast("list[Any]", data)


def _identity(item: object) -> object:
    return cast("dict[str, object]", item).get("id") if isinstance(item, dict) else repr(item)


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _last_change(items: list[Any], position: str) -> str:
    """Return the ``updated_at`` of the last item with a readable ``updated_at``, else ``position``."""
    for item in reversed(items):
        changed: object = cast("dict[str, object]", item).get("updated_at") if isinstance(item, dict) else None
        if isinstance(changed, str) and _is_moment(changed):
            return changed
    return position


def count_items(client: GitHubClient, full_name: str, path: str) -> int:
    """Return the number of items of a REST list with a single request.

    With one item per page, the number of the last page is the number of items. Lists with cursors have no link to the
    last page, so the result is the number of items on the first page. The result is 0 if GitHub does not have the list,
    for example because its feature is switched off.
    """
    try:
        answer = client.get(f"{repository_path(full_name)}/{path}", {"per_page": 1, "state": "all"}, scope=full_name)
    except NotFound as error:
        if error.reason in {"not_found", "gone"}:
            return 0
        raise
    if answer.last_url is None:
        return len(as_items(answer.data or []))
    pages = parse_qs(urlsplit(answer.last_url).query).get("page", ["1"])
    return int(pages[0]) if pages[0].isdigit() else 1


PATHS = {
    "issue_comments": "issues/comments/{}",
    "review_comments": "pulls/comments/{}",
    "issues": "issues/{}",
    "commit_comments": "comments/{}",
}


def fetch_item(client: GitHubClient, full_name: str, stream: str, external_id: str, payload: object) -> Any:
    """Return an issue or comment. Raises NotFound if its number is unknown or GitHub does not have the item."""
    known = cast("Mapping[str, object]", payload) if isinstance(payload, Mapping) else {}
    name = known.get("number") if stream == "issues" else external_id
    if not str(name).isdigit():
        raise NotFound(f"{stream} {external_id} has no number to request it by", reason="not_found")
    return client.get(f"{repository_path(full_name)}/{PATHS[stream].format(name)}", scope=full_name).data


POSTS = {"issue_comments": "issues/{}/comments", "review_comments": "pulls/{}/comments"}


def fetch_issue(client: GitHubClient, full_name: str, number: int) -> Any:
    """Return an issue or pull request as in the REST list. Raises NotFound if the repository lacks the item."""
    return client.get(f"{repository_path(full_name)}/issues/{number}", scope=full_name, redirects=0).data


def fetch_comments(client: GitHubClient, full_name: str, stream: str, number: int) -> list[Any]:
    """Return all ``issue_comments`` or ``review_comments`` of one issue or pull request.

    One request returns up to a hundred comments.
    """
    path = f"{repository_path(full_name)}/{POSTS[stream].format(number)}"
    answers = client.pages(path, {"per_page": 100}, scope=full_name)
    return [item for answer in answers for item in as_items(answer.data)]
