"""How long lists are, for one request each."""

from urllib.parse import parse_qs, urlsplit

from core.errors import NotFound
from core.operations.github_ops.client import GitHubClient
from core.operations.github_ops.links import repository_path
from github_activity_tracker.fetch.lists import as_items


def how_many(client: GitHubClient, full_name: str, path: str) -> int:
    """The number of items of a REST list: that of its last page at one item a page.

    Lists that page by cursors tell no last page; then it is told that there is at least what one page shows.
    A list that GitHub does not have, because its feature is switched off, has no items.
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
