"""Renders commits with their comments as search documents."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from core.search.documents import Passage, RenderedDocument
from github_activity_tracker.documents.names import GHOST, at_commits
from github_activity_tracker.documents.talk import hidden_note
from github_activity_tracker.models import Commit, CommitComment, CommitFile, Repository

LISTED_FILES = 50
"""Maximum number of changed files that a commit's document names. More names would add little to the search."""
Name = tuple[int, str]
"""The id of a repository, and the hash of a commit."""


def commits(names: Sequence[tuple[str, str]]) -> Iterator[RenderedDocument]:
    """Yield the documents of commits that are not deleted, with the names of changed files and with comments.

    ``names`` are pairs of repository id and hash. If a commit is not stored, for example because it exists only in a
    fork, its document contains only its comments.
    """
    if not names:
        return
    stored = Commit.objects.filter(at_commits(names)).select_related("author", "repository")
    rows = {(commit.repository_id, commit.sha): commit for commit in stored}
    found = [commit for commit in rows.values() if commit.deleted_at is None]
    talk = _comments(names)
    paths: dict[int, list[str]] = defaultdict(list)
    files = CommitFile.objects.filter(commit__in=found, ordinal__lt=LISTED_FILES).order_by("commit_id", "ordinal")
    for commit_id, path in files.values_list("commit_id", "path"):
        paths[commit_id].append(path)
    for commit in found:
        yield _document(commit, paths[commit.pk], talk[commit.repository_id, commit.sha])
    yield from _unknown({name: posts for name, posts in talk.items() if posts and name not in rows})


def _document(commit: Commit, paths: Sequence[str], comments: Sequence[Passage]) -> RenderedDocument:
    title, _, rest = commit.message.partition("\n")
    author = commit.author.login if commit.author else commit.author_name
    url = _url(commit.repository, commit.sha)
    text = f"{rest.strip()}\n\n{chr(10).join(paths)}".strip()
    return RenderedDocument(
        external_id=f"github:commit:{commit.repository_id}:{commit.sha}",
        kind="commit",
        title=title or commit.sha[:10],
        url=url,
        author=author,
        occurred_at=commit.committed_at or commit.authored_at,
        passages=[Passage(text=text, author=author, at=commit.committed_at, url=url, kind="commit"), *comments],
        private=commit.repository.is_restricted,
    )


def _unknown(talk: dict[Name, list[Passage]]) -> Iterator[RenderedDocument]:
    """Yield the documents of commits that are not stored, with their comments."""
    repositories = Repository.objects.in_bulk({repository_id for repository_id, _ in talk})
    for (repository_id, sha), comments in talk.items():
        yield RenderedDocument(
            external_id=f"github:commit:{repository_id}:{sha}",
            kind="commit",
            title=f"Comments on commit {sha[:10]}",
            url=_url(repositories[repository_id], sha),
            author="",
            occurred_at=comments[0].at,
            passages=comments,
            private=repositories[repository_id].is_restricted,
        )


def _comments(names: Sequence[tuple[str, str]]) -> dict[Name, list[Passage]]:
    """Return the passages of live comments by commit, oldest first."""
    found: dict[Name, list[Passage]] = defaultdict(list)
    rows = CommitComment.objects.filter(at_commits(names, "commit_sha"), deleted_at=None).select_related("author")
    for row in rows.order_by("created_at", "pk"):
        author = row.author.login if row.author else GHOST
        heading = ", ".join(part for part in (row.path or "", hidden_note(row)) if part)
        passage = Passage(
            text=row.body or "", author=author, at=row.created_at, url=row.html_url, heading=heading, kind="comment"
        )
        found[row.repository_id, row.commit_sha].append(passage)
    return found


def _url(repository: Repository, sha: str) -> str:
    return f"{repository.html_url}/commit/{sha}" if repository.html_url else ""
