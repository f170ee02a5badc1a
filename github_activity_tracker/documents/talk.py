"""Renders issues, pull requests and discussions with their comments, and releases, as search documents."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from core.search.documents import Passage, RenderedDocument
from github_activity_tracker.documents.names import GHOST, Place, at
from github_activity_tracker.models import (
    Discussion,
    DiscussionComment,
    Hideable,
    Issue,
    IssueComment,
    Post,
    Release,
    Review,
    ReviewComment,
)

KINDS = {"issue": "issue", "pull_request": "pull request", "discussion": "discussion", "release": "release"}
"""What the first passage of a document is, by the kind of the document."""
Talk = dict[Place, list[Passage]]


def issues(wanted: set[Place], names: set[str]) -> Iterator[RenderedDocument]:
    """Yield the documents of live issues and pull requests, with their comments and reviews.

    ``names`` are external ids. An item is omitted if its kind differs from the kind in its id.
    """
    if not wanted:
        return
    talk = _talk_of_issues(wanted)
    for issue in Issue.objects.filter(at(wanted), deleted_at=None).select_related("author", "repository"):
        kind = "pull_request" if issue.is_pull_request else "issue"
        external_id = f"github:{kind}:{issue.repository_id}:{issue.number}"
        if external_id in names:
            opening = _opening(issue, issue.labels, KINDS[kind])
            document = _document(
                external_id, kind, f"{issue.title} (#{issue.number})", issue, opening, talk[_place(issue)]
            )
            state = "merged" if issue.merged_at else issue.state.lower()
            yield replace(document, number=str(issue.number), state=state, labels=issue.labels)


def discussions(wanted: set[Place]) -> Iterator[RenderedDocument]:
    """Yield the documents of live discussions, with their comments and replies."""
    if not wanted:
        return
    talk: Talk = defaultdict(list)
    spoken = DiscussionComment.objects.filter(at(wanted, "discussion_number"), deleted_at=None)
    for comment in spoken.select_related("author"):
        kind = "answer" if comment.is_answer else "comment"
        talk[comment.repository_id, comment.discussion_number].append(_passage(comment, kind, hidden_note(comment)))
    topics = list(Discussion.objects.filter(at(wanted), deleted_at=None).select_related("author", "repository"))
    answerable = _answerable_categories({topic.repository_id for topic in topics})
    for topic in topics:
        external_id = f"github:discussion:{topic.repository_id}:{topic.number}"
        opening = _opening(topic, [topic.category, *topic.labels], KINDS["discussion"])
        document = _document(
            external_id, "discussion", f"{topic.title} (#{topic.number})", topic, opening, talk[_place(topic)]
        )
        is_question = topic.answer_id is not None or (topic.repository_id, topic.category) in answerable
        yield replace(
            document, number=str(topic.number), state="closed" if topic.closed_at else "open",
            answered=topic.answer_id is not None if is_question else None,
            labels=[name for name in (topic.category, *topic.labels) if name],
        )  # fmt: skip


QUESTIONS = "Q&A"
"""Name that GitHub gives to the category of questions in a new repository."""


def _answerable_categories(repositories: set[int]) -> set[tuple[int, str]]:
    """Return the categories whose discussions can have an answer, as pairs of repository id and name.

    The stored rows do not say this. A category counts if it has the name of GitHub's category of questions, or if one
    of its discussions has an answer.
    """
    topics = Discussion.objects.filter(repository__in=repositories).order_by()
    with_answer = topics.exclude(answer_id=None).values_list("repository", "category").distinct()
    return {(repository, QUESTIONS) for repository in repositories} | set(with_answer)


def releases(ids: Sequence[int]) -> Iterator[RenderedDocument]:
    """Yield the documents of live releases, with their release notes."""
    if not ids:
        return
    for release in Release.objects.filter(pk__in=ids, deleted_at=None).select_related("author", "repository"):
        title = release.name or release.tag_name
        opening = _opening(release, [release.tag_name], KINDS["release"])
        yield _document(f"github:release:{release.pk}", "release", title, release, opening, [])


def _talk_of_issues(wanted: set[Place]) -> Talk:
    """Return the passages of comments and reviews, by issue or pull request.

    A review without a text has no passage.
    """
    found: Talk = defaultdict(list)
    comments = IssueComment.objects.filter(at(wanted, "issue_number"), deleted_at=None).select_related("author")
    for comment in comments:
        found[comment.repository_id, comment.issue_number].append(_passage(comment, "comment", hidden_note(comment)))
    reviews = Review.objects.filter(at(wanted, "pull_number"), deleted_at=None).exclude(body="").exclude(body=None)
    for review in reviews.select_related("author"):
        verdict = review.state.lower().replace("_", " ")
        heading = _heading(verdict, hidden_note(review))
        found[review.repository_id, review.pull_number].append(_passage(review, "review", heading))
    remarks = ReviewComment.objects.filter(at(wanted, "pull_number"), deleted_at=None).select_related("author")
    for remark in remarks:
        found[remark.repository_id, remark.pull_number].append(
            _passage(remark, "review comment", _heading(remark.path, hidden_note(remark)))
        )
    return found


def _place(post: Issue | Discussion) -> Place:
    return post.repository_id, post.number


def _opening(post: Post, words: Iterable[str], kind: str) -> Passage:
    """Return the first passage of a document: words such as the labels, followed by the text of the post."""
    return Passage(
        text=f"{' '.join(words)}\n\n{post.body or ''}".strip(),
        author=_author(post),
        at=post.created_at,
        url=post.html_url,
        kind=kind,
    )


def _passage(post: Post, kind: str, heading: str = "") -> Passage:
    return Passage(
        text=post.body or "", author=_author(post), at=post.created_at, url=post.html_url, heading=heading, kind=kind
    )


def hidden_note(post: Hideable) -> str:
    """Return a note that says why a comment is hidden, or an empty string if it is not known to be hidden."""
    if not post.is_minimized:
        return ""
    reason = post.minimized_reason.lower().replace("_", " ")
    return f"hidden as {reason}" if reason else "hidden"


def _heading(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _author(post: Post) -> str:
    return post.author.login if post.author else GHOST


def _document(
    external_id: str, kind: str, title: str, post: Post, opening: Passage, talk: list[Passage]
) -> RenderedDocument:
    return RenderedDocument(
        external_id=external_id,
        kind=kind,
        title=title,
        url=post.html_url,
        author=_author(post),
        occurred_at=post.created_at,
        passages=[
            opening,
            *sorted(talk, key=lambda passage: (passage.at.isoformat() if passage.at else "", passage.url)),
        ],
        private=post.repository.is_restricted,
        changed_at=post.updated_at,
    )
