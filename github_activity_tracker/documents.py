"""Rows become search documents: an issue or pull request with its talk, and a commit."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import or_

from django.db.models import Q

from core.search.documents import Passage, RenderedDocument
from github_activity_tracker.models import Commit, CommitFile, Issue, IssueComment, ReviewComment

GHOST = "ghost"
LISTED_FILES = 50
"""So many changed files of a commit are searchable by name; a longer list says little about the commit."""

Place = tuple[int, int]
"""A repository's id and an issue's number in it."""


class GitHubDocuments:
    """The ``DocumentSource`` of this tracker. A batch costs a constant number of statements."""

    source_system = "github"
    renderer_version = 1

    def render(self, external_ids: Sequence[str]) -> Iterator[RenderedDocument]:
        """Render what still exists of the named documents."""
        by_kind = _by_kind(external_ids)
        places = {(int(a), int(b)) for kind in ("issue", "pull_request") for a, b in by_kind[kind]}
        yield from _issues(places, set(external_ids))
        yield from _commits([(int(a), sha) for a, sha in by_kind["commit"]])


def bodies(external_ids: Sequence[str]) -> Mapping[str, str]:
    """The full texts behind activities: bodies, and messages of commits."""
    by_kind = _by_kind(external_ids)
    found: dict[str, str] = {}
    for kind, is_pull in (("issue", False), ("pull_request", True)):
        places = {(int(a), int(b)) for a, b in by_kind[kind]}
        for issue in Issue.objects.filter(_at(places), is_pull_request=is_pull) if places else ():
            found[f"github:{kind}:{issue.repository_id}:{issue.number}"] = issue.body or ""
    for kind, model in (("issue_comment", IssueComment), ("review_comment", ReviewComment)):
        wanted = [int(a) for a, _ in by_kind[kind]]
        for pk, body in model.objects.filter(pk__in=wanted).values_list("pk", "body") if wanted else ():
            found[f"github:{kind}:{pk}"] = body or ""
    for commit in _named_commits([(int(a), sha) for a, sha in by_kind["commit"]]):
        found[f"github:commit:{commit.repository_id}:{commit.sha}"] = commit.message
    return found


def _by_kind(external_ids: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """External ids by their kind, as the two parts behind it (the second may be empty)."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for external_id in external_ids:
        _, kind, first, *rest = external_id.split(":")
        found[kind].append((first, rest[0] if rest else ""))
    return found


def _at(places: Iterable[Place], number: str = "number") -> Q:
    """A filter for issues, or what belongs to them, by repository and number."""
    numbers: dict[int, list[int]] = defaultdict(list)
    for repository_id, of in places:
        numbers[repository_id].append(of)
    return reduce(or_, (Q(repository_id=r, **{f"{number}__in": ns}) for r, ns in numbers.items()))


def _issues(places: set[Place], wanted: set[str]) -> Iterator[RenderedDocument]:
    if not places:
        return
    talk = _talk(places)
    for issue in Issue.objects.filter(_at(places), deleted_at=None).select_related("author"):
        kind = "pull_request" if issue.is_pull_request else "issue"
        external_id = f"github:{kind}:{issue.repository_id}:{issue.number}"
        if external_id not in wanted:
            continue
        author = issue.author.login if issue.author else GHOST
        labels = " ".join(issue.labels)
        opening = Passage(
            text=f"{labels}\n\n{issue.body or ''}".strip(), author=author, at=issue.created_at, url=issue.html_url
        )
        yield RenderedDocument(
            external_id=external_id,
            kind=kind,
            title=f"{issue.title} (#{issue.number})",
            url=issue.html_url,
            author=author,
            occurred_at=issue.created_at,
            passages=[opening, *sorted(talk[issue.repository_id, issue.number], key=_when)],
        )


def _when(passage: Passage) -> tuple[str, str]:
    return passage.at.isoformat() if passage.at else "", passage.url


def _talk(places: set[Place]) -> dict[Place, list[Passage]]:
    """What was said under each issue or pull request."""
    found: dict[Place, list[Passage]] = defaultdict(list)
    comments = IssueComment.objects.filter(_at(places, "issue_number"), deleted_at=None).select_related("author")
    for comment in comments:
        found[comment.repository_id, comment.issue_number].append(_passage(comment))
    remarks = ReviewComment.objects.filter(_at(places, "pull_number"), deleted_at=None).select_related("author")
    for remark in remarks:
        found[remark.repository_id, remark.pull_number].append(_passage(remark, remark.path))
    return found


def _passage(post: IssueComment | ReviewComment, heading: str = "") -> Passage:
    author = post.author.login if post.author else GHOST
    return Passage(text=post.body or "", author=author, at=post.created_at, url=post.html_url, heading=heading)


def _named_commits(names: Sequence[tuple[int, str]]) -> list[Commit]:
    if not names:
        return []
    shas: dict[int, list[str]] = defaultdict(list)
    for repository_id, sha in names:
        shas[repository_id].append(sha)
    condition = reduce(or_, (Q(repository_id=r, sha__in=found) for r, found in shas.items()))
    return list(Commit.objects.filter(condition).select_related("author", "repository"))


def _commits(names: Sequence[tuple[int, str]]) -> Iterator[RenderedDocument]:
    commits = [commit for commit in _named_commits(names) if commit.deleted_at is None]
    paths: dict[int, list[str]] = defaultdict(list)
    files = CommitFile.objects.filter(commit__in=commits, ordinal__lt=LISTED_FILES).order_by("commit_id", "ordinal")
    for commit_id, path in files.values_list("commit_id", "path"):
        paths[commit_id].append(path)
    for commit in commits:
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
