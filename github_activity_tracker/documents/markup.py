"""Links for references in GitHub's texts: items, people, commits, and URLs of items and commits.

https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from django.db.models import Q
from django.db.models.functions import Lower

from core.operations.markdown import Flavour, Markup, Reference
from core.trackers import activity_address, person_address, thread_address
from github_activity_tracker.models import Account, Commit, Discussion, Issue, Repository

REFERENCE = re.compile(
    r"(?<![\w/@#&.:=-])(?:"
    r"(?P<repository>[A-Za-z0-9][A-Za-z0-9-]{0,38}/[\w.-]{1,100})?#(?P<number>[1-9]\d{0,8})(?![\w-])"
    r"|GH-(?P<gh>[1-9]\d{0,8})(?![\w-])"
    r"|@(?P<login>[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38})(?![\w/-])"
    r"|(?:(?P<of>[A-Za-z0-9][A-Za-z0-9-]{0,38}/[\w.-]{1,100})@)?(?P<sha>[0-9a-f]{7,40})(?![\w-])"
    r")"
)
ADDRESS = re.compile(
    r"https?://github\.com/(?P<repository>[A-Za-z0-9-]{1,39}/[\w.-]{1,100})/"
    r"(?:(?P<kind>issues|pull|discussions)/(?P<number>[1-9]\d{0,8})(?P<anchor>#[\w-]{1,80})?"
    r"|commit/(?P<sha>[0-9a-f]{7,40}))/?(?![^\s])"
)
ANCHORS = {
    "issuecomment-": "issue_comment", "discussion_r": "review_comment", "pullrequestreview-": "review",
    "discussioncomment-": "discussion_comment",
}  # fmt: skip
"""Kinds of comments and reviews, by the beginning of the anchor in a URL.

The anchor ends with a number, which is the last part of the activity's external id.
"""
COMMENT = re.compile(r"#(issuecomment-|discussion_r|pullrequestreview-|discussioncomment-)(\d{1,18})")
MOST = 500
"""Maximum number of references of one kind that are looked up for a page. Further references stay plain text.

The maximum limits the length of the SQL statements.
"""
SHORT_SHA = 7
GFM = Markup(flavour=Flavour.GFM)


@dataclass(kw_only=True, slots=True)
class Found:
    """The targets of the references in some texts.

    ``here`` is the id of the repository of the texts, or None if it is unknown. The keys of ``repositories`` are
    lower-case names, the keys of ``items`` are pairs of repository id and number, and the keys of ``people`` are
    lower-case logins.
    """

    here: int | None
    repositories: dict[str, int] = field(default_factory=dict[str, int])
    items: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict[tuple[int, int], tuple[str, str]])
    """Kind and title of each item."""
    people: dict[str, int] = field(default_factory=dict[str, int])
    commits: dict[tuple[int, str], tuple[str, str]] = field(default_factory=dict[tuple[int, str], tuple[str, str]])
    """Full hash and subject of each commit, by repository id and the hash as it was typed."""

    def reference(self, match: re.Match[str]) -> Reference | None:
        """Return the link for a reference. Return None if its target is not stored, so that it stays plain text."""
        if login := match["login"]:
            person = self.people.get(login.lower())
            return Reference(text=f"@{login}", href=person_address("github", person)) if person else None
        if sha := match["sha"]:
            repository = self._repository(match["of"])
            found = self.commits.get((repository, sha)) if repository else None
            of = f"{match['of']}@" if match["of"] else ""
            return self._commit(repository, found, of) if repository and found else None
        repository = self._repository(match["repository"])
        return self._item(repository, int(match["number"] or match["gh"]), match[0]) if repository else None

    def address(self, address: str) -> Reference | None:
        """Return a link for the URL of an item or commit, or None for any other URL.

        The text of the link is short, as on GitHub.
        """
        match = ADDRESS.fullmatch(address)
        if not match:
            return None
        name = match["repository"]
        repository = self.repositories.get(name.lower())
        is_here = repository is not None and repository == self.here
        if sha := match["sha"]:
            found = self.commits.get((repository, sha)) if repository else None
            if repository and found:
                return self._commit(repository, found, "" if is_here else f"{name}@")
            return Reference(text=f"{'' if is_here else f'{name}@'}{sha[:SHORT_SHA]}", href=address, title=sha)
        text = f"{'' if is_here else name}#{match['number']}"
        comment = COMMENT.fullmatch(match["anchor"] or "")
        text = f"{text} (comment)" if comment else text
        item = self._item(repository, int(match["number"]), text) if repository else None
        if item and comment:
            href = activity_address("github", f"github:{ANCHORS[comment[1]]}:{comment[2]}")
            return Reference(text=text, href=href, title=item.title)
        return item or Reference(text=text, href=address)

    def _repository(self, name: str | None) -> int | None:
        return self.repositories.get(name.lower()) if name else self.here

    def _item(self, repository: int, number: int, text: str) -> Reference | None:
        if (repository, number) not in self.items:
            return None
        kind, title = self.items[repository, number]
        return Reference(
            text=text, href=thread_address("github", f"github:{kind}:{repository}:{number}"), title=title[:200]
        )

    def _commit(self, repository: int, found: tuple[str, str], of: str) -> Reference:
        sha, subject = found
        thread = thread_address("github", f"github:commit:{repository}:{sha}")
        return Reference(text=f"{of}{sha[:SHORT_SHA]}", href=thread, title=subject[:200])


def markup(texts: Sequence[str], scope: str) -> Markup:
    """Return the rules for GitHub's Markdown, with links for the references in these texts.

    ``scope`` is the id of the repository of the texts. Uses at most five SQL statements.
    """
    here = int(scope) if scope.removeprefix("-").isdigit() else None
    matches = [match for text in texts for match in REFERENCE.finditer(text)]
    links = [match for text in texts if "github.com/" in text for match in ADDRESS.finditer(text)]
    found = Found(here=here)
    found.repositories = _repositories(
        {*_named(matches, "repository"), *_named(matches, "of"), *_named(links, "repository")}
    )
    _items(found, matches, links)
    found.people = _people(_named(matches, "login"))
    _commits(found, matches, links)
    return Markup(flavour=Flavour.GFM, pattern=REFERENCE, find=found.reference, address=found.address)


def _named(matches: Iterable[re.Match[str]], group: str) -> set[str]:
    return {match[group].lower() for match in matches if match[group]}


def _repositories(names: set[str]) -> dict[str, int]:
    if not names:
        return {}
    lowered = Repository.objects.annotate(lowered=Lower("full_name")).filter(lowered__in=sorted(names)[:MOST])
    return dict(lowered.order_by("pk").values_list("lowered", "pk"))


def _people(logins: set[str]) -> dict[str, int]:
    if not logins:
        return {}
    known = Account.objects.annotate(lowered=Lower("login")).filter(lowered__in=sorted(logins)[:MOST])
    return dict(known.order_by("pk").values_list("lowered", "pk"))


def _wanted(
    found: Found, matches: Iterable[re.Match[str]], links: Iterable[re.Match[str]]
) -> Iterator[tuple[int, int]]:
    for match in matches:
        number = match["number"] or match["gh"]
        repository = found.repositories.get((match["repository"] or "").lower()) if match["repository"] else found.here
        if number and repository is not None:
            yield repository, int(number)
    for match in links:
        repository = found.repositories.get(match["repository"].lower())
        if match["number"] and repository is not None:
            yield repository, int(match["number"])


def _items(found: Found, matches: Sequence[re.Match[str]], links: Sequence[re.Match[str]]) -> None:
    wanted: dict[int, set[int]] = {}
    for repository, number in sorted(set(_wanted(found, matches, links)))[:MOST]:
        wanted.setdefault(repository, set()).add(number)
    if not wanted:
        return
    asked = reduce(or_, (Q(repository_id=pk, number__in=numbers) for pk, numbers in wanted.items()))
    for pk, number, title in Discussion.objects.filter(asked).values_list("repository_id", "number", "title"):
        found.items[pk, number] = ("discussion", title)
    rows = Issue.objects.filter(asked).values_list("repository_id", "number", "is_pull_request", "title")
    for pk, number, is_pull, title in rows:
        found.items[pk, number] = ("pull_request" if is_pull else "issue", title)


def _commits(found: Found, matches: Sequence[re.Match[str]], links: Sequence[re.Match[str]]) -> None:
    """Look up the commits and add them to ``found``.

    A hash may be shortened, but has at least seven digits. The query uses a range of hashes, so that PostgreSQL can use
    the index.
    """
    wanted: set[tuple[int, str]] = set()
    for match in matches:
        repository = found.repositories.get(match["of"].lower()) if match["of"] else found.here
        if match["sha"] and repository is not None:
            wanted.add((repository, match["sha"]))
    for match in links:
        repository = found.repositories.get(match["repository"].lower())
        if match["sha"] and repository is not None:
            wanted.add((repository, match["sha"]))
    few = sorted(wanted)[:MOST]
    if not few:
        return
    asked = reduce(or_, (Q(repository_id=pk, sha__gte=sha, sha__lt=f"{sha}g") for pk, sha in few))
    kept: Mapping[tuple[int, str], str] = {
        (pk, sha): message.partition("\n")[0]
        for pk, sha, message in Commit.objects.filter(asked).values_list("repository_id", "sha", "message")
    }
    for pk, typed in few:
        for (repository, sha), subject in kept.items():
            if repository == pk and sha.startswith(typed):
                found.commits[pk, typed] = (sha, subject)
