"""One request to a repository, and the values in its path and query."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from samples.answers import Refusal, Request, not_found
from samples.catalogue import Catalogue
from samples.community import Repository
from samples.paging import ISSUES_DOC, Page

SINCE = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.\d+)?)?(?:Z|\+00:00)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """One request to a repository. ``address`` is the URL without the query, for the links to other pages of a list."""

    request: Request
    catalogue: Catalogue
    repo: Repository
    address: str
    numbers: tuple[int, ...]
    comment_limit: int
    page_limit: int
    git_dir: Callable[[Repository], Path | None]

    def number(self) -> int:
        """Return the number of the issue in the path.

        Raises Refusal for a deleted issue (410), a transferred issue (301, or 404 for its comments) and an unknown
        issue (404).
        """
        number, doc = self.numbers[0], "/rest/issues/issues#get-an-issue"
        if number in self.repo.moved and self.address.endswith(f"/issues/{number}"):
            repository, there = self.repo.moved[number]
            url = f"{self.catalogue.site.api}/repositories/{repository}/issues/{there}"
            raise Refusal(301, "Moved Permanently", doc, {"Location": url}, url=url)
        if number in self.repo.deleted["issues"]:
            raise Refusal(410, "This issue was deleted", doc)
        if number not in self.repo.issues:
            raise not_found(doc)
        return number

    def since(self) -> str | None:
        text = self.request.query.get("since")
        found = SINCE.fullmatch(text) if text else None
        if text and not found:
            raise Refusal(422, "Validation Failed", ISSUES_DOC, errors=[{"field": "since", "code": "invalid"}])
        return f"{found[1]}T{found[2] or '00:00:00'}Z" if found else None

    def page(self, stream: str, page: Page) -> tuple[bytes, dict[str, str]]:
        ids, headers = page
        return b"[" + b",".join(self.catalogue.write(self.repo, stream, ids)) + b"]", headers
