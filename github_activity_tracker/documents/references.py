"""Find the documents that the references of a query mean: numbers, URLs, hashes, branches, tags, releases and people.

https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Lower

from core.search.query.references import Reference, ReferencedDocument, ReferencePattern, Strength
from github_activity_tracker.models import (
    Account,
    Commit,
    CommitComment,
    Discussion,
    DiscussionComment,
    FormerName,
    GitRef,
    Issue,
    IssueComment,
    PullRequest,
    Release,
    Repository,
    Review,
    ReviewComment,
)

OWNER_AND_NAME = r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[\w.-]{1,100}"
NUMBER = r"(?P<number>[1-9][0-9]{0,8})(?![\w-]|\.[0-9])"
PATTERNS = (
    ReferencePattern(
        kind="number",
        pattern=re.compile(
            r"(?<![\w/@#&.:=+-])(?:(?P<noun>issue|pull[ -]request|pr|discussion)(?:[ ]{1,2}#?|#|-)|GH-)" + NUMBER,
            re.IGNORECASE,
        ),
        strength=Strength.ITEM,
    ),
    ReferencePattern(
        kind="number",
        pattern=re.compile(rf"(?<![\w/@#&.:=+-])(?P<repository>{OWNER_AND_NAME}|[A-Za-z0-9_][\w.-]{{0,99}})?#{NUMBER}"),
        strength=Strength.ITEM,
    ),
    ReferencePattern(
        kind="number",
        pattern=re.compile(
            rf"(?<![\w/@#&.:=+-])(?:(?P<repository>{OWNER_AND_NAME})/)?(?P<noun>issues|pull|discussions)/{NUMBER}"
        ),
        strength=Strength.ITEM,
    ),
    ReferencePattern(kind="number", pattern=re.compile(rf"{NUMBER}[.?!]?"), strength=Strength.ITEM, whole_query=True),
    ReferencePattern(
        kind="commit",
        pattern=re.compile(rf"(?<![\w/@#&.:=+-])(?P<repository>{OWNER_AND_NAME})@(?P<sha>[0-9a-f]{{7,40}})(?![\w-])"),
        strength=Strength.ITEM,
    ),
)
URL_PATH = re.compile(
    r"/(?P<repository>[^/]{1,39}/[^/]{1,100})/(?:(?P<noun>issues|pull|discussions)/(?P<number>[1-9][0-9]{0,8})"
    r"(?:/commits/(?P<pull_sha>[0-9a-f]{7,64}))?(?:/.*)?"
    r"|commit/(?P<sha>[0-9a-f]{7,64})(?:\.\w+)?(?:/.*)?|releases/tag/(?P<tag>.{1,300}?)/?)"
)
ANCHOR = re.compile(
    r"(?P<kind>issuecomment-|discussion_r|r|pullrequestreview-|discussioncomment-|commitcomment-)(?P<id>[0-9]{1,18})"
)
COMMENTS: Mapping[str, tuple[type[Any], str]] = {
    "issuecomment-": (IssueComment, "issue_number"), "discussion_r": (ReviewComment, "pull_number"),
    "r": (ReviewComment, "pull_number"), "pullrequestreview-": (Review, "pull_number"),
    "discussioncomment-": (DiscussionComment, "discussion_number"), "commitcomment-": (CommitComment, "commit_sha"),
}  # fmt: skip
"""Model and column of the item for each kind of comment, by the beginning of the anchor in a URL."""
NOUNS = {
    "issue": "issue", "issues": "issue", "pr": "pull_request", "pull": "pull_request",
    "pull request": "pull_request", "pull-request": "pull_request", "discussion": "discussion",
    "discussions": "discussion",
}  # fmt: skip
MOST = 1000
"""Maximum number of documents of a number, for example of ``#1`` in 1,000 repositories."""
MOST_COMMITS = 50
"""Maximum number of commits of a shortened hash."""
MOST_POSTS = 50
"""Maximum number of posts of each kind that are read for a person, newest first."""
MOST_RECENT = 200
"""Maximum number of documents of a person. A comment counts twice, for an issue and for a pull request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The item, commit, comment or release that a reference names. Fields that do not apply are empty or None."""

    repository: str = ""
    """``owner/name`` or ``name`` in lower case. Empty if the reference names no repository."""
    number: int | None = None
    kind: str = ""
    """Kind of the item, as in the document's external id. Empty if unknown."""
    sha: str = ""
    tag: str = ""
    comment: tuple[str, int] | None = None
    """Beginning of the anchor (a key of ``COMMENTS``) and id of a comment."""


@dataclass(kw_only=True, slots=True)
class _Repositories:
    """The ids of the stored repositories by lower-case name, with and without the owner, including former names."""

    all: list[int] = field(default_factory=list[int])
    by_name: dict[str, list[int]] = field(default_factory=lambda: defaultdict[str, list[int]](list))

    @classmethod
    def read(cls) -> "_Repositories":
        result = cls()
        for names in (
            Repository.objects.filter(deleted_at=None).values_list("pk", "full_name"),
            FormerName.objects.filter(repository__deleted_at=None).values_list("repository_id", "full_name"),
        ):
            for pk, full_name in names:
                lowered = full_name.lower()
                for name in (lowered, lowered.rpartition("/")[2]):
                    if pk not in result.by_name[name]:
                        result.by_name[name].append(pk)
        result.all = sorted({pk for ids in result.by_name.values() for pk in ids})
        return result

    def of(self, name: str) -> list[int]:
        """Return the ids of the repositories that a name means. Without a name, all repositories are possible."""
        return self.by_name.get(name, []) if name else self.all


def hosts() -> set[str]:
    """Return the hosts of GitHub's pages: github.com and the host of GitHub Enterprise in the settings."""
    configured = {_host(settings.GITHUB_GIT_URL), _host(settings.GITHUB_API_URL).removeprefix("api.")}
    return {"github.com", "www.github.com"} | configured - {""}


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def target(reference: Reference) -> Target | None:
    """Return the target of a number, hash, commit or URL, or None for another reference."""
    parts = reference.parts
    match reference.kind:
        case "number":
            kind = NOUNS.get(parts.get("noun", "").lower(), "")
            return Target(repository=parts.get("repository", "").lower(), number=int(parts["number"]), kind=kind)
        case "commit":
            return Target(repository=parts["repository"].lower(), sha=parts["sha"])
        case "hash":
            return Target(sha=reference.text.lower())
        case "address":
            return _target_of_url(reference.text)
        case _:
            return None


def _target_of_url(url: str) -> Target | None:
    try:
        parsed = urlsplit(url if "://" in url else f"https://{url}")
    except ValueError:  # for example an invalid IPv6 address
        return None
    match = URL_PATH.fullmatch(parsed.path)
    if not match or parsed.netloc.rpartition("@")[2].lower() not in hosts():
        return None
    anchor = ANCHOR.fullmatch(parsed.fragment)
    return Target(
        repository=match["repository"].lower().removesuffix(".git"),
        number=int(match["number"]) if match["number"] else None,
        kind=NOUNS.get(match["noun"] or "", ""),
        sha=(match["sha"] or match["pull_sha"] or "").lower(),
        tag=unquote(match["tag"] or ""),
        comment=(anchor["kind"], int(anchor["id"])) if anchor else None,
    )


def find_references(references: Sequence[Reference]) -> Mapping[Reference, Sequence[ReferencedDocument]]:
    """Return the documents of each reference, the most recently changed first.

    The number of SQL statements does not depend on the number of references, except for people and shortened hashes.
    """
    targets = {reference: found for reference in references if (found := target(reference))}
    names = [reference for reference in references if reference.kind in {"name", "version", "path"}]
    people = [reference for reference in references if reference.kind == "person"]
    results: dict[Reference, list[ReferencedDocument]] = defaultdict(list)
    if targets or names:
        repositories = _Repositories.read()
        for finder in (_comments, _commits, _items):
            for reference, document in finder(targets, repositories):
                results[reference].append(document)
        tags = {reference: (found.repository, found.tag) for reference, found in targets.items() if found.tag}
        for reference, document in _named(names, tags, repositories):
            results[reference].append(document)
    for reference in people:
        results[reference] += _posts_of(reference.text.lower())
    return results


Found = Iterator[tuple[Reference, ReferencedDocument]]


def _comments(targets: Mapping[Reference, Target], repositories: _Repositories) -> Found:
    """Yield the document of each comment in a URL, with the URL of the comment. Uses a statement for each kind."""
    del repositories  # the id of a comment is enough
    wanted: dict[str, set[int]] = defaultdict(set)
    for found in targets.values():
        if found.comment:
            wanted[found.comment[0]].add(found.comment[1])
    rows: dict[tuple[str, int], tuple[int, Any, str]] = {}
    for kind, ids in wanted.items():
        model, column = COMMENTS[kind]
        for pk, repository, item, url in model.objects.filter(pk__in=ids, deleted_at=None).values_list(
            "pk", "repository_id", column, "html_url"
        ):
            rows[kind, pk] = (repository, item, url)
    for reference, found in targets.items():
        if found.comment in rows:
            repository, item, url = rows[found.comment]
            kinds = {"discussion_number": ("discussion",), "commit_sha": ("commit",)}
            for kind in kinds.get(COMMENTS[found.comment[0]][1], ("issue", "pull_request")):
                yield reference, ReferencedDocument(external_id=f"github:{kind}:{repository}:{item}", passage_url=url)


def _commits(targets: Mapping[Reference, Target], repositories: _Repositories) -> Found:
    """Yield the commits with each hash, newest first, then the pull requests that this commit merged or that end in it.

    Uses two SQL statements for each hash. They compare ranges, because a shortened hash is a range in an index.
    """
    for reference, found in targets.items():
        ids = repositories.of(found.repository) if found.sha else []
        if ids:
            last = f"{found.sha}g"
            rows = Commit.objects.filter(repository_id__in=ids, sha__gte=found.sha, sha__lt=last, deleted_at=None)
            newest = rows.order_by("-committed_at", "pk").values_list("repository_id", "sha")[:MOST_COMMITS]
            for repository, sha in newest:
                if sha.startswith(found.sha):
                    yield reference, ReferencedDocument(external_id=f"github:commit:{repository}:{sha}")
            if len(found.sha) >= 40:  # a commit with comments may have a document without being stored
                for repository in ids[:MOST_COMMITS]:
                    yield reference, ReferencedDocument(external_id=f"github:commit:{repository}:{found.sha}")
            merged = Q(merge_commit_sha__gte=found.sha, merge_commit_sha__lt=last)
            ends = Q(head_sha__gte=found.sha, head_sha__lt=last)
            pulls = PullRequest.objects.filter(merged | ends, repository_id__in=ids, deleted_at=None)
            for repository, number in pulls.order_by("-pk").values_list("repository_id", "number")[:MOST_COMMITS]:
                yield reference, ReferencedDocument(external_id=f"github:pull_request:{repository}:{number}")


def _items(targets: Mapping[Reference, Target], repositories: _Repositories) -> Found:
    """Yield the issues, pull requests and discussions with each number. Uses two SQL statements.

    Items of the named kind come first, because people also call a pull request an issue.
    """
    wanted = {reference: found for reference, found in targets.items() if found.number is not None}
    places = [(repositories.of(found.repository), found.number) for found in wanted.values()]
    conditions = [Q(repository_id__in=ids, number=number) for ids, number in places if ids]
    if not conditions:
        return
    where = reduce(or_, conditions)
    columns = ("repository_id", "number", "updated_at")
    rows: list[tuple[int, int, datetime, str]] = []
    issues = Issue.objects.filter(where, deleted_at=None).order_by("-updated_at")
    for repository, number, at, is_pull in issues.values_list(*columns, "is_pull_request")[:MOST]:
        rows.append((repository, number, at, "pull_request" if is_pull else "issue"))
    discussions = Discussion.objects.filter(where, deleted_at=None).order_by("-updated_at")
    rows += [(*row, "discussion") for row in discussions.values_list(*columns)[:MOST]]
    rows.sort(key=lambda row: row[2], reverse=True)
    for reference, found in wanted.items():
        ids = set(repositories.of(found.repository))
        matching = [row for row in rows if row[1] == found.number and row[0] in ids]
        for repository, number, _, kind in sorted(matching, key=lambda row: row[3] != found.kind)[:MOST]:
            yield reference, ReferencedDocument(external_id=f"github:{kind}:{repository}:{number}")


def _named(
    references: Sequence[Reference], tags: Mapping[Reference, tuple[str, str]], repositories: _Repositories
) -> Found:
    """Yield the releases with a tag, the pull requests from a branch, and the commits at branches and tags.

    Uses three SQL statements. ``tags`` are the repositories and the tags in URLs of releases.
    """
    names: dict[Reference, tuple[list[int], set[str]]] = {
        reference: (repositories.all, _variants(reference)) for reference in references
    }
    names |= {reference: (repositories.of(repository), {tag}) for reference, (repository, tag) in tags.items()}
    wanted = {name for _, variants in names.values() for name in variants}
    if not wanted:
        return
    releases = Release.objects.filter(tag_name__in=wanted, deleted_at=None).order_by("-created_at")
    documents = [
        (repository, tag, f"github:release:{pk}")
        for pk, repository, tag in releases.values_list("pk", "repository_id", "tag_name")[:MOST]
    ]
    pulls = PullRequest.objects.filter(head_ref__in=wanted, deleted_at=None).order_by("-updated_at")
    documents += [
        (repository, branch, f"github:pull_request:{repository}:{number}")
        for repository, number, branch in pulls.values_list("repository_id", "number", "head_ref")[:MOST]
    ]
    full_names = {f"refs/{kind}/{name}": name for kind in ("heads", "tags") for name in wanted}
    tips = GitRef.objects.filter(repository_id__in=repositories.all, name__in=full_names)
    documents += [
        (repository, full_names[name], f"github:commit:{repository}:{sha}")
        for repository, name, sha in tips.order_by("name", "pk").values_list("repository_id", "name", "sha")[:MOST]
    ]
    for reference, (ids, variants) in names.items():
        for repository, name, external_id in documents:
            if name in variants and repository in ids:
                yield reference, ReferencedDocument(external_id=external_id)


def _variants(reference: Reference) -> set[str]:
    """Return the names of branches and tags that a reference may mean. Tags of versions begin with ``v`` or not."""
    name = reference.text
    if reference.kind != "version":
        return {name}
    number = name.lower().removeprefix("v")
    return {name, number, f"v{number}"}


POSTS: Sequence[tuple[type[Any], str, Sequence[str]]] = (
    (Issue, "number", ("issue", "pull_request")),
    (IssueComment, "issue_number", ("issue", "pull_request")),
    (Review, "pull_number", ("pull_request",)),
    (ReviewComment, "pull_number", ("pull_request",)),
    (Discussion, "number", ("discussion",)),
    (DiscussionComment, "discussion_number", ("discussion",)),
    (CommitComment, "commit_sha", ("commit",)),
)
"""Models of posts with the column of the item, and the kinds of documents that may contain the posts."""


def _posts_of(login: str) -> Iterable[ReferencedDocument]:
    """Return the documents with the latest posts and commits of a person, each with the latest passage."""
    accounts = Account.objects.annotate(lowered=Lower("login")).filter(lowered=login).values_list("pk", flat=True)
    ids = list(accounts[:10])
    if not ids:
        return []
    posts: list[tuple[datetime, str, str]] = []
    for model, column, kinds in POSTS:
        rows = model.objects.filter(author_id__in=ids, deleted_at=None).order_by("-created_at")
        for at, repository, item, url in rows.values_list("created_at", "repository_id", column, "html_url")[
            :MOST_POSTS
        ]:
            posts += [(at, f"github:{kind}:{repository}:{item}", url) for kind in kinds]
    commits = Commit.objects.filter(author_id__in=ids, deleted_at=None).order_by("-committed_at")
    for at, repository, sha in commits.values_list("committed_at", "repository_id", "sha")[:MOST_POSTS]:
        posts.append((at or datetime.min.replace(tzinfo=UTC), f"github:commit:{repository}:{sha}", ""))
    latest: dict[str, ReferencedDocument] = {}
    for _, external_id, url in sorted(posts, key=lambda post: post[0], reverse=True):
        latest.setdefault(external_id, ReferencedDocument(external_id=external_id, passage_url=url))
    return list(latest.values())[:MOST_RECENT]
