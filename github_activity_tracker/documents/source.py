"""The source of documents for the search index."""

from collections.abc import Iterator, Sequence

from core.search.documents import RenderedDocument
from github_activity_tracker.documents.commits import commits
from github_activity_tracker.documents.names import by_kind, places
from github_activity_tracker.documents.talk import discussions, issues, releases


class GitHubDocuments:
    """The ``DocumentSource`` of this tracker. ``render`` sends a constant number of SQL statements."""

    source_system = "github"
    renderer_version = 3

    def render(self, external_ids: Sequence[str]) -> Iterator[RenderedDocument]:
        """Yield the documents with these ids. Deleted items have no document."""
        names = by_kind(external_ids)
        yield from issues(places([*names["issue"], *names["pull_request"]]), set(external_ids))
        yield from discussions(places(names["discussion"]))
        yield from releases([int(first) for first, _ in names["release"]])
        yield from commits(names["commit"])
