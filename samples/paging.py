"""Return pages of lists as GitHub does: by page number or by cursor.

Most lists have numbered pages. The list of issues has an opaque cursor (``after``), and no link to the last page. In a
request with a cursor, ``page`` has no effect. Each request reads the current data. Therefore, a change may shift
numbered pages, but a page after a cursor still begins at the same position.
https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
"""

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import cast
from urllib.parse import quote, urlencode

from samples.answers import Refusal, Request

DEFAULT_SIZE, LARGEST_SIZE = 30, 100
ISSUES_DOC = "/rest/issues/issues#list-repository-issues"
Key = tuple[str, int]
"""The sort value of an item, and its id. For an issue, the number replaces the id."""
Page = tuple[list[int], dict[str, str]]
"""The ids on a page, and the headers with links to other pages."""


def page_size(query: dict[str, str]) -> int:
    return min(_positive(query.get("per_page"), DEFAULT_SIZE), LARGEST_SIZE)


def numbered(ids: Sequence[int], request: Request, address: str, item_limit: int | None = None) -> Page:
    """Return the page with the number in the request's ``page`` parameter.

    Raises Refusal (422) for a page that ends beyond ``item_limit`` items, as on GitHub for long lists.
    """
    size, page = page_size(request.query), _positive(request.query.get("page"), 1)
    if item_limit is not None and page * size > item_limit:
        message = "In order to keep the API fast for everyone, pagination is limited for this resource."
        raise Refusal(422, message, "/rest/using-the-rest-api/using-pagination-in-the-rest-api")
    reachable = len(ids) if item_limit is None else min(len(ids), item_limit // size * size)
    last = max(1, -(-reachable // size))
    links: dict[str, int] = {}
    if page > 1:
        links["prev"] = min(page - 1, last)
    if page < last:
        links["next"] = page + 1
    if last not in {1, page}:
        links["last"] = last
    if page > 1:
        links["first"] = 1
    found = {rel: {**request.query, "page": str(number)} for rel, number in links.items()}
    return list(ids[(page - 1) * size : page * size]), _link_header(address, found)


def by_cursor(keys: Sequence[Key], descending: bool, request: Request, address: str, page_limit: int) -> Page:
    """Return one page of ``keys``, which are in ascending order. With ``descending``, the order is reversed.

    The page begins after the cursor in the request's ``after`` parameter. Without a cursor, the ``page`` parameter
    selects the page. Raises Refusal (422) for an invalid cursor, and for a page without a cursor that ends at or beyond
    item ``page_limit``.
    """
    size, page, after = page_size(request.query), _positive(request.query.get("page"), 1), request.query.get("after")
    if after is None and page * size >= page_limit:
        message = (
            "Pagination with the page parameter is not supported for large datasets, "
            "please use cursor based pagination (after/before)"
        )
        raise Refusal(422, message, ISSUES_DOC)
    if descending:
        end = bisect_left(keys, _place(after)) if after else len(keys) - (page - 1) * size
        start = max(0, end - size)
        chunk, more = list(reversed(keys[start : max(0, end)])), start > 0
    else:
        start = bisect_right(keys, _place(after)) if after else (page - 1) * size
        chunk, more = list(keys[start : start + size]), start + size < len(keys)
    ids = [id_ for _, id_ in chunk]
    if not chunk or not more:
        return ids, {}
    query = {**request.query, "after": _cursor(chunk[-1]), "page": str(page + 1)}
    return ids, _link_header(address, {"next": query})


def _positive(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and int(text) > 0 else default


def _cursor(key: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def _place(cursor: str) -> Key:
    """Return the key in a cursor. Raises Refusal (422) if the text is not a cursor."""
    try:
        value, id_ = cast("list[object]", json.loads(base64.urlsafe_b64decode(cursor)))
        if isinstance(value, str) and isinstance(id_, int):
            return value, id_
    except (binascii.Error, ValueError, TypeError):
        pass
    raise Refusal(422, "The cursor is invalid.", ISSUES_DOC)


def _link_header(address: str, links: dict[str, dict[str, str]]) -> dict[str, str]:
    """Return a ``Link`` header, or no header if there are no links. ``links`` maps a relation to its query."""
    parts = [f'<{address}?{urlencode(query, quote_via=quote, safe=",:")}>; rel="{rel}"' for rel, query in links.items()]
    return {"Link": ", ".join(parts)} if parts else {}
