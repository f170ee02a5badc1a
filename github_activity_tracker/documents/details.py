"""Details of posts in addition to their texts: badges, reactions, diffs, parents of replies, and release files."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from core.operations.markdown import excerpt
from core.trackers import PostDetails
from github_activity_tracker.documents.markup import GFM
from github_activity_tracker.documents.names import GHOST, at, known_names, places
from github_activity_tracker.models import (
    Discussion,
    DiscussionComment,
    Issue,
    IssueComment,
    Release,
    Review,
    ReviewComment,
)

EMOJI = {
    "+1": "👍", "-1": "👎", "laugh": "😄", "hooray": "🎉", "confused": "😕", "heart": "❤️", "rocket": "🚀", "eyes": "👀",
}  # fmt: skip
"""Emoji by the names of reactions: https://docs.github.com/en/rest/reactions/reactions#about-reactions"""
QUOTED = 80


def details(external_ids: Sequence[str]) -> Mapping[str, PostDetails]:
    """Return the details of posts, by external id. Uses at most nine SQL statements."""
    names = known_names(external_ids)
    found = dict(_openings(names))
    for comment in IssueComment.objects.filter(pk__in=_ids(names["issue_comment"])).only("pk", "reactions"):
        found[f"github:issue_comment:{comment.pk}"] = PostDetails(reactions=_reactions(comment))
    for review in Review.objects.filter(pk__in=_ids(names["review"])).only("pk", "reactions", "state"):
        badge = "dismissed" if review.state == "DISMISSED" else ""  # the timeline names the other states
        found[f"github:review:{review.pk}"] = PostDetails(badge=badge, reactions=_reactions(review))
    found |= _remarks(_ids(names["review_comment"]))
    found |= _discussion_comments(_ids(names["discussion_comment"]))
    for release in Release.objects.filter(pk__in=_ids(names["release"])).only("pk", "assets"):
        files = [str(asset.get("name") or "") for asset in release.assets if isinstance(asset, dict)]
        found[f"github:release:{release.pk}"] = PostDetails(parts=[name for name in files if name])
    return found


def _openings(names: Mapping[str, list[tuple[str, str]]]) -> Iterator[tuple[str, PostDetails]]:
    wanted = places([*names["issue"], *names["pull_request"]])
    issues = Issue.objects.only("repository_id", "number", "is_pull_request", "reactions")
    for issue in issues.filter(at(wanted)) if wanted else ():
        kind = "pull_request" if issue.is_pull_request else "issue"
        yield f"github:{kind}:{issue.repository_id}:{issue.number}", PostDetails(reactions=_reactions(issue))
    wanted = places(names["discussion"])
    for discussion in Discussion.objects.filter(at(wanted)).defer("body") if wanted else ():
        # GitHub's number includes one upvote by the author
        reactions = [*_upvotes(discussion.upvotes - 1), *_reactions(discussion)]
        yield f"github:discussion:{discussion.repository_id}:{discussion.number}", PostDetails(reactions=reactions)


def _remarks(ids: list[int]) -> Iterator[tuple[str, PostDetails]]:
    """Yield the details of comments on the diff.

    A reply is on the same lines as its parent, so its details contain the diff only if the parent is not stored.
    """
    remarks = list(ReviewComment.objects.filter(pk__in=ids).defer("body")) if ids else []
    answered = _posts(ReviewComment, [remark.in_reply_to_id for remark in remarks])
    for remark in remarks:
        parent = answered.get(remark.in_reply_to_id or 0)
        yield (
            f"github:review_comment:{remark.pk}",
            PostDetails(
                reactions=_reactions(remark),
                file="" if parent else where(remark),
                hunk="" if parent or remark.subject_type == "file" else remark.diff_hunk,
                reply_to=f"github:review_comment:{parent.pk}" if parent else "",
                reply_words=_quoted(parent) if parent else "",
            ),
        )


def where(remark: ReviewComment) -> str:
    """Return the file and lines of a comment. Lines in an older version of the file are marked as outdated."""
    line, start = remark.line or remark.original_line, remark.start_line or remark.original_start_line
    if remark.subject_type == "file" or not line:
        return remark.path
    lines = f"lines {start} to {line}" if start and start != line else f"line {line}"
    return f"{remark.path}, {lines}{'' if remark.line else ' (outdated)'}"


def _discussion_comments(ids: list[int]) -> Iterator[tuple[str, PostDetails]]:
    comments = list(DiscussionComment.objects.filter(pk__in=ids).defer("body")) if ids else []
    answered = _posts(DiscussionComment, [comment.reply_to_id for comment in comments])
    for comment in comments:
        parent = answered.get(comment.reply_to_id or 0)
        yield (
            f"github:discussion_comment:{comment.pk}",
            PostDetails(
                badge="answer" if comment.is_answer else "",
                reactions=[*_upvotes(comment.upvotes), *_reactions(comment)],
                reply_to=f"github:discussion_comment:{parent.pk}" if parent else "",
                reply_words=_quoted(parent) if parent else "",
            ),
        )


def _posts(model: Any, ids: Iterable[int | None]) -> dict[int, Any]:
    wanted = {pk for pk in ids if pk}
    return model.objects.select_related("author").in_bulk(list(wanted)) if wanted else {}


def _quoted(post: Any) -> str:
    return f"{post.author.login if post.author else GHOST}: {excerpt(post.body or '', GFM, QUOTED)}"


def _reactions(post: Any) -> list[tuple[str, int]]:
    return [(EMOJI.get(str(name), str(name)), int(count)) for name, count in post.reactions.items() if count]


def _upvotes(number: int) -> list[tuple[str, int]]:
    return [("↑", number)] if number > 0 else []


def _ids(names: Sequence[tuple[str, str]]) -> list[int]:
    return [int(first) for first, _ in names]
