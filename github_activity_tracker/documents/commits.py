"""Commits as search documents."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from core.search.documents import Passage, RenderedDocument
from github_activity_tracker.documents.names import at_commits
from github_activity_tracker.models import Commit, CommitFile

LISTED_FILES = 50
"""So many changed files of a commit are searchable by name; a longer list says little about the commit."""


def commits(names: Sequence[tuple[str, str]]) -> Iterator[RenderedDocument]:
    """Commits by repository id and hash, with the names of what they change."""
    if not names:
        return
    alive = Commit.objects.filter(at_commits(names), deleted_at=None).select_related("author", "repository")
    found = list(alive)
    paths: dict[int, list[str]] = defaultdict(list)
    files = CommitFile.objects.filter(commit__in=found, ordinal__lt=LISTED_FILES).order_by("commit_id", "ordinal")
    for commit_id, path in files.values_list("commit_id", "path"):
        paths[commit_id].append(path)
    for commit in found:
        title, _, rest = commit.message.partition("\n")
        author = commit.author.login if commit.author else commit.author_name
        url = f"{commit.repository.html_url}/commit/{commit.sha}" if commit.repository.html_url else ""
        text = f"{rest.strip()}\n\n{chr(10).join(paths[commit.pk])}".strip()
        yield RenderedDocument(
            external_id=f"github:commit:{commit.repository_id}:{commit.sha}",
            kind="commit",
            title=title or commit.sha[:10],
            url=url,
            author=author,
            occurred_at=commit.committed_at or commit.authored_at,
            passages=[Passage(text=text, author=author, at=commit.committed_at, url=url)],
        )
