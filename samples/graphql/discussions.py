"""Create the GraphQL objects of discussions, their comments and replies."""

from functools import partial
from typing import Any

from samples.community import Repository, SampleCommunity
from samples.community.model import Discussion, DiscussionComment, Post
from samples.graphql.connections import Entry, connection, plain
from samples.graphql.timelines import actor, reaction_groups
from samples.shapes.accounts import WEB, node_id

Json = dict[str, Any]


def discussions(community: SampleCommunity, repo: Repository, **arguments: Any) -> Json:
    """Return a page of a repository's discussions, sorted by the field in ``orderBy`` (default: ``CREATED_AT``)."""
    by_change = (arguments.get("orderBy") or {}).get("field") == "UPDATED_AT"
    found: list[Entry] = sorted(
        (
            ((one.updated_at if by_change else one.created_at, one.id), partial(_discussion, community, repo, one))
            for one in repo.discussions.values()
        ),
        key=lambda entry: entry[0],
    )
    return connection(found, **arguments)


def discussion_of(community: SampleCommunity, repo: Repository, *, number: int) -> Json | None:
    """Return the discussion with a number, or ``None``."""
    return _discussion(community, repo, repo.discussions[number]) if number in repo.discussions else None


def discussion_node(community: SampleCommunity, repo: Repository, id_: str) -> Json | None:
    """Return the discussion or discussion comment with a node id, or ``None``."""
    for topic in repo.discussions.values():
        if id_ == node_id("D", repo.id, topic.id):
            return _discussion(community, repo, topic)
    for comment in repo.discussion_comments.values():
        if id_ == node_id("DC", repo.id, comment.id):
            return _comment(community, repo, comment)
    return None


def _post(community: SampleCommunity, repo: Repository, kind: str, prefix: str, post: Post) -> Json:
    return {
        "__typename": kind,
        "id": node_id(prefix, repo.id, post.id),
        "databaseId": post.id,
        "body": post.body or "",
        "author": actor(community, post.user),
        "authorAssociation": post.association,
        "createdAt": post.created_at,
        "updatedAt": post.updated_at,
        "reactionGroups": reaction_groups(post.reactions, post.created_at),
    }


def _discussion(community: SampleCommunity, repo: Repository, topic: Discussion) -> Json:
    said = [one for one in repo.discussion_comments.values() if one.number == topic.number]
    first = sorted((one for one in said if one.reply_to_id is None), key=lambda one: (one.created_at, one.id))
    answer = repo.discussion_comments.get(topic.answer_id or 0)
    return {
        **_post(community, repo, "Discussion", "D", topic),
        "number": topic.number,
        "title": topic.title,
        "url": _page(community, repo, topic.number),
        "closedAt": topic.closed_at,
        "stateReason": topic.state_reason,
        "locked": False,
        "category": {"id": node_id("DIC", repo.id, len(topic.category)), "name": topic.category},
        "answer": {"databaseId": answer.id} if answer else None,
        "upvoteCount": topic.upvotes,
        "labels": plain([{"name": name} for name in topic.labels]),
        "comments": plain([_comment(community, repo, one) for one in first]),
    }


def _comment(community: SampleCommunity, repo: Repository, comment: DiscussionComment) -> Json:
    replies = [one for one in repo.discussion_comments.values() if one.reply_to_id == comment.id]
    topic = repo.discussions[comment.number]
    return {
        **_post(community, repo, "DiscussionComment", "DC", comment),
        "isMinimized": node_id("DC", repo.id, comment.id) in repo.hidden,
        "minimizedReason": repo.hidden.get(node_id("DC", repo.id, comment.id)),
        "url": f"{_page(community, repo, comment.number)}#discussioncomment-{comment.id}",
        "isAnswer": topic.answer_id == comment.id,
        "upvoteCount": comment.upvotes,
        "replyTo": {"databaseId": comment.reply_to_id} if comment.reply_to_id else None,
        "replies": plain(
            [_comment(community, repo, one) for one in sorted(replies, key=lambda one: (one.created_at, one.id))]
        ),
    }


def _page(community: SampleCommunity, repo: Repository, number: int) -> str:
    return f"{WEB}/{community.full_name(repo)}/discussions/{number}"
