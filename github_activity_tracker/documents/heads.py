"""Heads of threads: title, number, state and labels."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from core.operations.markdown import title_text
from core.trackers import ThreadHead
from github_activity_tracker.documents.names import at, at_commits, known_names, places
from github_activity_tracker.models import Commit, Discussion, Issue, Release

TITLE_LENGTH = 300
KINDS = {"issue": "issue", "pull_request": "pull request", "discussion": "discussion"}


def heads(threads: Sequence[str]) -> Mapping[str, ThreadHead]:
    """Return the heads of threads, by external id. Uses at most four SQL statements.

    The head of an issue, pull request or discussion that is not stored yet has only a kind and a number.
    """
    names = known_names(threads)
    found = {
        f"github:{kind}:{repository_id}:{number}": ThreadHead(title="", kind=words, number=f"#{number}")
        for kind, words in KINDS.items()
        for repository_id, number in names[kind]
    }
    found |= _issues([*names["issue"], *names["pull_request"]])
    found |= _discussions(names["discussion"])
    found |= _releases(int(first) for first, _ in names["release"])
    found |= _commits(names["commit"])
    return found


def _issues(names: Iterable[tuple[str, str]]) -> Iterator[tuple[str, ThreadHead]]:
    wanted = places(names)
    rows = Issue.objects.filter(at(wanted)).defer("body") if wanted else ()
    for issue in rows:
        kind = "pull_request" if issue.is_pull_request else "issue"
        state, tone = state_of(issue)
        yield (
            f"github:{kind}:{issue.repository_id}:{issue.number}",
            ThreadHead(
                title=title_text(issue.title)[:TITLE_LENGTH], kind=KINDS[kind], number=f"#{issue.number}", state=state,
                tone=tone,
                labels=issue.labels, url=issue.html_url,
            ),
        )  # fmt: skip


def state_of(issue: Issue) -> tuple[str, str]:
    """Return the state of an issue or pull request in a few words, and its tone: ``good``, ``bad`` or empty."""
    if issue.deleted_at:
        return "transferred" if issue.transferred_to else "deleted", "bad"
    if issue.merged_at:
        return "merged", "good"
    if issue.state == "open":
        return ("draft", "") if issue.draft else ("open", "good")
    if issue.state_reason in {"not_planned", "duplicate"}:
        return f"closed as {issue.state_reason.replace('_', ' ')}", ""
    return issue.state, "bad" if issue.is_pull_request else "good"


def _discussions(names: Iterable[tuple[str, str]]) -> Iterator[tuple[str, ThreadHead]]:
    wanted = places(names)
    for discussion in Discussion.objects.filter(at(wanted)).defer("body") if wanted else ():
        open_or_closed = "closed" if discussion.closed_at else "open"
        state = "deleted" if discussion.deleted_at else "answered" if discussion.answer_id else open_or_closed
        yield (
            f"github:discussion:{discussion.repository_id}:{discussion.number}",
            ThreadHead(
                title=title_text(discussion.title)[:TITLE_LENGTH], kind=KINDS["discussion"],
                number=f"#{discussion.number}", state=state,
                tone="bad" if discussion.deleted_at else "good",
                labels=[name for name in (discussion.category, *discussion.labels) if name], url=discussion.html_url,
            ),
        )  # fmt: skip


def _releases(ids: Iterable[int]) -> Iterator[tuple[str, ThreadHead]]:
    wanted = list(ids)
    for release in Release.objects.filter(pk__in=wanted).defer("body") if wanted else ():
        number = release.tag_name if release.name and release.name != release.tag_name else ""
        state = "deleted" if release.deleted_at else "pre-release" if release.prerelease else ""
        yield (
            f"github:release:{release.pk}",
            ThreadHead(
                title=title_text(str(release))[:TITLE_LENGTH], kind="release", number=number, state=state,
                tone="bad" if release.deleted_at else "waits", url=release.html_url,
            ),
        )  # fmt: skip


def _commits(names: Iterable[tuple[str, str]]) -> Iterator[tuple[str, ThreadHead]]:
    found = list(names)
    for commit in Commit.objects.filter(at_commits(found)).select_related("repository") if found else ():
        base = commit.repository.html_url
        yield (
            f"github:commit:{commit.repository_id}:{commit.sha}",
            ThreadHead(
                title=commit.message.partition("\n")[0].strip()[:TITLE_LENGTH] or "Commit without a message",
                kind="commit",
                number=commit.sha[:7], state="no longer in a branch" if commit.deleted_at else "", tone="bad",
                url=f"{base}/commit/{commit.sha}" if base else "",
            ),
        )  # fmt: skip
