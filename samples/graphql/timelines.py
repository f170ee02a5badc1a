"""Create reviews and timelines from the state of issues and pull requests.

The sample community stores no events. This module derives them: for example, a closed issue has a ClosedEvent.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from samples.community import Issue, Repository, SampleCommunity
from samples.community.model import Account, Comment, ReviewComment
from samples.graphql.connections import plain
from samples.shapes.accounts import WEB, node_id

Json = dict[str, Any]


@dataclass
class Talk:
    """Comments and review comments (``remarks``) of a repository, by the number of the issue or pull request."""

    revision: int
    comments: defaultdict[int, list[Comment]] = field(default_factory=lambda: defaultdict(list))
    remarks: defaultdict[int, list[ReviewComment]] = field(default_factory=lambda: defaultdict(list))


_talks: WeakKeyDictionary[SampleCommunity, dict[int, Talk]] = WeakKeyDictionary()


def talk_of(community: SampleCommunity, repo: Repository) -> Talk:
    """Return the comments of a repository. The result is cached until the community changes."""
    known = _talks.setdefault(community, {})
    talk = known.get(repo.id)
    if talk is None or talk.revision != community.revision:
        talk = known[repo.id] = Talk(community.revision)
        for comment in repo.comments.values():
            talk.comments[comment.number].append(comment)
        for remark in repo.review_comments.values():
            talk.remarks[remark.number].append(remark)
    return talk


CONTENTS = {
    "+1": "THUMBS_UP", "-1": "THUMBS_DOWN", "laugh": "LAUGH", "hooray": "HOORAY", "confused": "CONFUSED",
    "heart": "HEART", "rocket": "ROCKET", "eyes": "EYES",
}  # fmt: skip


def reaction_groups(reactions: Mapping[str, int], at: str) -> list[Json]:
    """Return one group for each kind of reaction, as GitHub does. Without reactions, ``createdAt`` is null."""
    return [
        {
            "content": content,
            "createdAt": at if reactions.get(name) else None,
            "reactors": plain([{"__typename": "User"}] * reactions.get(name, 0)),
        }
        for name, content in CONTENTS.items()
    ]


THANKS = "Thank you!"
STATES = ("COMMENTED", "APPROVED", "CHANGES_REQUESTED")


def actor(community: SampleCommunity, id_: int | None) -> Json | None:
    """Return an account as an ``Actor`` of GitHub's GraphQL API, or None for a deleted or unknown account.

    The logins of bots do not have the suffix ``[bot]``.
    """
    account: Account | None = community.accounts.get(id_) if id_ is not None else None
    if account is None or account.login == "ghost":
        return None
    prefix = "BOT" if account.type == "Bot" else "O" if account.type == "Organization" else "U"
    return {
        "__typename": account.type,
        "id": node_id(prefix, account.id),
        "databaseId": account.id,
        "avatarUrl": f"https://avatars.githubusercontent.com/u/{account.id}?v=4",
        "login": account.login.removesuffix("[bot]") if account.type == "Bot" else account.login,
    }


def reviews(community: SampleCommunity, repo: Repository, issue: Issue) -> list[Json]:
    """Return the reviews of a pull request. Each comment on the diff belongs to a review.

    A merged pull request also has an approving review.
    """
    found: dict[int, Json] = {}
    for remark in sorted(talk_of(community, repo).remarks[issue.number], key=lambda one: (one.created_at, one.id)):
        id_ = remark.review_id or 5_000_000_000 + remark.id
        body = f"See what I found in {remark.path}." if remark.id % 3 == 0 else ""
        found.setdefault(
            id_, _review(community, repo, issue, id_, remark.user, STATES[remark.id % 3], body, remark.created_at)
        )
    if issue.pull and issue.pull.merged_at:
        id_ = 6_000_000_000 + issue.id
        at = issue.pull.merged_at
        found[id_] = _review(community, repo, issue, id_, issue.pull.merged_by, "APPROVED", THANKS, at)
    for id_, review in found.items():
        name = node_id("PRR", repo.id, id_)
        review |= {"isMinimized": name in repo.hidden, "minimizedReason": repo.hidden.get(name)}
    return list(found.values())


def _review(
    community: SampleCommunity, repo: Repository, issue: Issue,
    id_: int, user: int | None, state: str, body: str, at: str,
) -> Json:  # fmt: skip
    page = f"{WEB}/{community.full_name(repo)}/pull/{issue.number}"
    return {
        "__typename": "PullRequestReview",
        "id": node_id("PRR", repo.id, id_),
        "fullDatabaseId": str(id_),
        "databaseId": id_,
        "author": actor(community, user),
        "authorAssociation": "MEMBER",
        "body": body,
        "state": state,
        "url": f"{page}#pullrequestreview-{id_}",
        "createdAt": at,
        "updatedAt": at,
        "submittedAt": at,
        "commit": {"oid": issue.pull.head_sha if issue.pull else "0" * 40},
        "reactionGroups": reaction_groups({"heart": 2, "eyes": 1} if body == THANKS else {}, at),
    }


def timeline(found: Sequence[Json]) -> Callable[..., Json]:
    """Return a function that returns pages of a timeline, limited to the requested ``itemTypes``."""

    def listed(**arguments: Any) -> Json:
        wanted = arguments.pop("itemTypes", None)
        chosen = [one for one in found if not wanted or _item_type(one["__typename"]) in wanted]
        return plain(chosen)(**arguments)

    return listed


def _item_type(typename: str) -> str:
    """Return the ``itemTypes`` value for a GraphQL type, for example LABELED_EVENT for LabeledEvent."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", typename).upper()


def entries(community: SampleCommunity, repo: Repository, issue: Issue) -> list[Json]:
    """Return the timeline of an issue or pull request, oldest first. As on GitHub, it includes comments and reviews."""
    return sorted(_entries(community, repo, issue), key=lambda one: (one["createdAt"], one["id"]))


def _entries(community: SampleCommunity, repo: Repository, issue: Issue) -> Iterator[Json]:
    place = 0

    def event(kind: str, at: str, by: int | None, **more: Any) -> Json:
        nonlocal place
        place += 1
        identity = node_id(kind[:4].upper(), repo.id, issue.id, place)
        return {"__typename": kind, "id": identity, "createdAt": at, "actor": actor(community, by), **more}

    for comment in talk_of(community, repo).comments[issue.number]:
        identity = node_id("IC", repo.id, comment.id)
        yield {"__typename": "IssueComment", "id": identity, "createdAt": comment.created_at}
    for name in issue.labels:
        yield event("LabeledEvent", issue.created_at, issue.user, label={"name": name})
    for id_ in issue.assignees:
        yield event("AssignedEvent", issue.created_at, issue.user, assignee=actor(community, id_))
    if issue.pull:
        yield from (review for review in reviews(community, repo, issue))
        pushed = {"oid": issue.pull.head_sha, "committedDate": issue.created_at, "author": {"name": "Somebody"}}
        sha = node_id("PURC", repo.id, issue.pull.id) + issue.pull.head_sha[:8]
        yield {"__typename": "PullRequestCommit", "id": sha, "commit": pushed, "createdAt": issue.created_at}
    if issue.pull and issue.pull.merged_at:
        commit = {"oid": issue.pull.merge_commit_sha or "0" * 40}
        merged_by = issue.pull.merged_by
        yield event("MergedEvent", issue.pull.merged_at, merged_by, mergeRefName=issue.pull.base, commit=commit)
    if issue.closed_at:
        reason = (issue.state_reason or "").upper() or None
        yield event("ClosedEvent", issue.closed_at, issue.closed_by, stateReason=reason, closer=None)
    if issue.locked:
        yield event("LockedEvent", issue.updated_at, issue.closed_by, lockReason=None)
