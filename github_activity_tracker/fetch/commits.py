"""Reads commits from a local copy of the repository, and requests the accounts of commit authors over GraphQL."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.conf import settings

from core.errors import NotFound, SliceRefused
from core.operations.files import Workspace
from core.operations.github_ops.answers import graphql_error
from core.operations.github_ops.client import GitHubClient
from core.operations.github_ops.git import GitMirror, Refs, repository_url
from core.operations.github_ops.git_log import RawCommit
from core.operations.github_ops.links import repository_path
from github_activity_tracker.fetch.queries import ACTOR
from github_activity_tracker.protocol_impl import CommitPlan, HeadChange

PER_PAGE = 500
"""Maximum number of commits of one page. A page is stored in one transaction, so a larger page takes longer to store.
"""
FILES_PER_PAGE = 10_000
"""Number of changed files after which a page ends. A single commit can change a hundred thousand files."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitPage:
    """A page of commits, parents first. ``done`` is the number of commits of the plan up to the end of this page."""

    commits: list[RawCommit]
    done: int


class LocalHistory:
    """The local copy of one repository."""

    def __init__(self, full_name: str, repository_id: int) -> None:
        folder = Workspace(settings.WORKSPACE_DIR).path("github", f"{repository_id}.git")
        self.full_name = full_name
        self.mirror = GitMirror(repository_url(settings.GITHUB_GIT_URL, full_name), folder)

    def update(self, client: GitHubClient, *, git_only: bool) -> bool:
        """Update the local copy with ``git fetch``. Returns False if the repository is empty.

        If git does not find the repository, a request to the API checks whether the repository is empty. With
        ``git_only``, this request is not sent. Raises NotFound and the errors of git and of the client.
        """
        try:
            if settings.GITHUB_GIT_URL.startswith("http"):
                client.update_mirror(self.mirror, self.full_name)
            else:
                self.mirror.update()
        except NotFound:
            if git_only or not _is_empty(client, self.full_name):
                raise
            return False
        return True

    def refs(self) -> Refs:
        """Return the commits of branches and tags by full name, and the names of refs that point to missing objects."""
        return self.mirror.refs()

    def commit(self, sha: str) -> RawCommit | None:
        """Return a commit of the local copy, or None if the copy lacks the commit. Raises the errors of git."""
        if not self.mirror.folder.is_dir() or not self.mirror.contains(sha, sha):
            return None
        return next((commit for commit in list(self.mirror.log([f"{sha}^!"], [])) if commit.sha == sha), None)

    def changes(self, before: Mapping[str, str], now: Mapping[str, str]) -> list[HeadChange]:
        """Return the changes of branches and tags. Each change has the commits that it made unreachable."""
        changes: list[HeadChange] = []
        heads = sorted(set(now.values()))
        for name in sorted({*before, *now}):
            old, new = before.get(name, ""), now.get(name, "")
            if old == new:
                continue
            lost = bool(old) and not (new and self.mirror.contains(new, old))
            fallen = tuple(self.mirror.unreachable(old, heads)) if lost else ()
            changes.append(HeadChange(name=name, old_sha=old, new_sha=new, forced=lost and bool(new), fallen=fallen))
        return changes

    def pages(self, plan: CommitPlan) -> Iterator[CommitPage]:
        """Yield the commits of a plan that have not been stored yet, page by page."""
        heads = sorted(set(plan.refs.values()) - set(plan.known))
        if not heads:
            return
        commits, done = self.mirror.log(heads, sorted(plan.known)), plan.done
        for _ in islice(commits, done):
            pass
        for page in _bounded(commits):
            done += len(page)
            yield CommitPage(commits=page, done=done)


def _bounded(commits: Iterator[RawCommit]) -> Iterator[list[RawCommit]]:
    page: list[RawCommit] = []
    files = 0
    for commit in commits:
        page.append(commit)
        files += len(commit.files)
        if len(page) == PER_PAGE or files >= FILES_PER_PAGE:
            yield page
            page, files = [], 0
    if page:
        yield page


def _is_empty(client: GitHubClient, full_name: str) -> bool:
    """Return whether GitHub returns 409 Conflict, which means that the repository has no commits.

    https://docs.github.com/en/rest/commits/commits#list-commits
    """
    try:
        client.get(f"{repository_path(full_name)}/commits", {"per_page": 1}, scope=full_name)
    except NotFound as error:
        return error.reason == "empty"
    return False


PER_QUERY = 100
"""Maximum number of commits in one query. Such a query costs one point."""


def fetch_authors(
    client: GitHubClient, repository: str, shas: Mapping[str, str], scope: str
) -> Iterator[dict[str, dict[str, Any] | None]]:
    """Yield batches of accounts by author email address. The value is None for an address without an account.

    An address for which GitHub returns an error is omitted. ``repository`` is a node id. ``shas`` maps each address to
    one of its commits. Raises NotFound or AccessDenied if GitHub does not return the repository.
    """
    waiting, size = list(shas.items()), PER_QUERY
    while waiting:
        batch = waiting[:size]
        try:
            users = _accounts_of_commits(client, repository, [sha for _, sha in batch], scope)
        except SliceRefused:
            if size == 1:
                raise
            size = max(1, size // 2)
            continue
        yield {batch[position][0]: user for position, user in users.items()}
        waiting = waiting[len(batch) :]


def _accounts_of_commits(
    client: GitHubClient, repository: str, shas: list[str], scope: str
) -> dict[int, dict[str, Any] | None]:
    """Return the accounts of authors, by the position of their commits in ``shas``. Sends one query.

    ``object`` does not accept a list, so each commit has an alias in the query.
    """
    parts = [
        f'c{position}: object(oid: "{sha}") {{ ... on Commit {{ author {{ user {{ ...Account }} }} }} }}'
        for position, sha in enumerate(shas)
    ]
    text = (
        f"query ($id: ID!) {{ node(id: $id) {{ ... on Repository {{ {' '.join(parts)} }} }} rateLimit {{ cost }} }}\n"
        f"{ACTOR}"
    )
    answer = client.query(text, {"id": repository}, scope=scope)
    node = answer.data.get("node")
    if not isinstance(node, dict):
        if answer.errors:
            raise graphql_error({"type": answer.errors[0].kind, "message": answer.errors[0].message})
        raise NotFound(f"GitHub did not return the repository {scope}", reason="not_found")
    withheld = {error.path[1] for error in answer.errors if len(error.path) > 1}
    users = {
        position: ((node.get(f"c{position}") or {}).get("author") or {}).get("user")
        for position in range(len(shas))
        if f"c{position}" not in withheld
    }
    return {position: user if user and user.get("databaseId") else None for position, user in users.items()}
