"""Create the comments on issues and diffs as they were at a given time."""

from samples.community.folding import Raw, Story, post_fields, pseudo_sha, text_of
from samples.community.model import Comment, Issue, Repository, ReviewComment


def _in_order(threads: list[Raw], kind: str) -> list[tuple[Raw, Raw]]:
    """Return pairs of (thread, comment), ordered by the time of the comment.

    The ids of the comments follow this order. All comments are included, so ids do not depend on the chosen time.
    """
    pairs = [(thread, comment) for thread in threads for comment in thread.get(kind, ())]
    return sorted(pairs, key=lambda pair: (pair[1]["at"], pair[0]["number"]))


def _unknown(thread: Raw, repo: Repository) -> bool:
    """Return whether a thread has not appeared in the repository by the chosen time."""
    number = thread["number"]
    return number not in repo.issues and number not in repo.moved and number not in repo.deleted["issues"]


def fold_comments(threads: list[Raw], repo: Repository, story: Story) -> None:
    """Add the comments that exist at the chosen time to the repository, and record the ids of deleted comments."""
    for rank, (thread, raw) in enumerate(_in_order(threads, "comments")):
        id_ = story.first_id + 30_000_000 + rank * 613
        if not story.happened(raw["at"]) or _unknown(thread, repo):
            continue
        if thread["number"] not in repo.issues or story.happened(raw.get("deleted_at")):
            repo.deleted["issue_comments"].add(id_)
            continue
        comment = Comment(id=id_, number=thread["number"], body=text_of(raw), **post_fields(raw, story))
        for edit in raw.get("edits", ()):
            if story.happened(edit["at"]):
                comment.body = text_of(edit)
        repo.comments[id_] = comment


def fold_review_comments(threads: list[Raw], repo: Repository, story: Story) -> None:
    """Add the comments on diffs that exist at the chosen time.

    A reply keeps the id of the comment it refers to, even if that comment was deleted.
    """
    ordered = _in_order(threads, "review_comments")
    ids = {raw.get("key", rank): story.first_id + 40_000_000 + rank * 419 for rank, (_, raw) in enumerate(ordered)}
    for rank, (thread, raw) in enumerate(ordered):
        id_ = ids[raw.get("key", rank)]
        issue = repo.issues.get(thread["number"])
        if not story.happened(raw["at"]) or issue is None or issue.pull is None:
            continue
        if story.happened(raw.get("deleted_at")):
            repo.deleted["review_comments"].add(id_)
            continue
        comment = ReviewComment(
            id=id_, number=issue.number, body=text_of(raw), **post_fields(raw, story), **_place(raw, issue)
        )
        comment.review_id = None if raw.get("no_review") else story.first_id + 50_000_000 + rank * 211
        comment.in_reply_to_id = ids[raw["reply_to"]] if "reply_to" in raw else None
        for edit in raw.get("edits", ()):
            if story.happened(edit["at"]):
                comment.body = text_of(edit)
        repo.review_comments[id_] = comment


def _place(raw: Raw, issue: Issue) -> Raw:
    """Return the fields that locate a comment in the diff. Outdated comments and comments on files have no line."""
    head = issue.pull.head_sha if issue.pull else ""
    whole_file, outdated = raw.get("whole_file", False), raw.get("outdated", False)
    line = None if whole_file else raw.get("line", 1)
    return {
        "path": raw["path"],
        "diff_hunk": raw.get("hunk", "@@ -1,3 +1,4 @@").removesuffix("\n"),
        "line": None if outdated else line,
        "original_line": line,
        "start_line": None if outdated else raw.get("start_line"),
        "position": None if outdated else line or 1,
        "original_position": line or 1,
        "side": raw.get("side", "RIGHT"),
        "subject_type": "file" if whole_file else "line",
        "commit_id": head,
        "original_commit_id": pseudo_sha("before", issue.number) if outdated else head,
    }
