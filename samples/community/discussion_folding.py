"""Create the discussions with their comments as they were at a given time."""

from samples.community.folding import Raw, Story, post_fields, text_of
from samples.community.model import Discussion, DiscussionComment, Repository


def fold_discussions(rows: list[Raw], repo: Repository, story: Story) -> None:
    """Add the discussions that exist at the chosen time to the repository, and record deleted discussions."""
    for row in sorted(rows, key=lambda one: one["number"]):
        number: int = row["number"]
        if not story.happened(row["at"]):
            continue
        if story.happened(row.get("deleted_at")):
            repo.deleted["discussions"].add(number)
            continue
        closed = row.get("closed") if story.happened(row.get("closed", {}).get("at")) else None
        topic = Discussion(
            id=story.first_id + 60_000_000 + number * 977, number=number, title=row["title"], body=text_of(row),
            **post_fields(row, story), category=row["category"], labels=tuple(row.get("labels", ())),
            upvotes=row.get("upvotes", 1), closed_at=closed["at"] if closed else None,
            state_reason=closed.get("reason") if closed else None,
        )  # fmt: skip
        _edit(topic, row, story)
        repo.discussions[number] = topic
        for place, raw in enumerate(row.get("comments", ())):
            _fold(repo, topic, raw, story, place)


def _fold(repo: Repository, topic: Discussion, raw: Raw, story: Story, place: int, parent: int | None = None) -> None:
    """Add a comment and its replies if they exist at the chosen time, or record that the comment was deleted."""
    id_ = (parent or topic.id + 1_000_000) + (place + 1) * (7 if parent else 1_000)
    if not story.happened(raw["at"]):
        return
    if story.happened(raw.get("deleted_at")):
        repo.deleted["discussion_comments"].add(id_)
        return
    comment = DiscussionComment(
        id=id_, number=topic.number, body=text_of(raw), **post_fields(raw, story), reply_to_id=parent,
        upvotes=raw.get("upvotes", 0),
    )  # fmt: skip
    _edit(comment, raw, story)
    repo.discussion_comments[id_] = comment
    topic.updated_at = max(topic.updated_at, comment.updated_at)
    if raw.get("answer") and story.happened(raw["answer"]):
        topic.answer_id = id_
        topic.updated_at = max(topic.updated_at, raw["answer"])
    for number, reply in enumerate(raw.get("replies", ())):
        _fold(repo, topic, reply, story, number, id_)


def _edit(post: Discussion | DiscussionComment, raw: Raw, story: Story) -> None:
    for edit in raw.get("edits", ()):
        if story.happened(edit["at"]):
            post.body = text_of(edit)
