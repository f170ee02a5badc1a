"""Rules that adapt the query texts to the schema of a server.

github.com adds kinds of timeline events every month, and GitHub Enterprise Server lacks some of these kinds. The
timelines of issues and pull requests select at least ``createdAt`` and ``actor`` of every kind that the server has.
"""

from collections.abc import Collection, Iterator

from core.operations.github_ops.query_fitting import TextRules
from core.operations.github_ops.server_schema import LEAVES, Extension, FieldInfo, ServerSchema, TypeInfo
from github_activity_tracker.fetch.queries import FIELDS, ITEM, selection
from github_activity_tracker.payloads import ALIAS_MARK, NOT_EVENTS

UNIONS = ("IssueTimelineItems", "PullRequestTimelineItems")
MOST_FIELDS = 12
"""Maximum number of fields that are selected from an event kind that is not in ``FIELDS``.

The published kinds have at most nine.
"""
OF_EVERY_NODE = frozenset({
    "id", "actor", "createdAt", "databaseId", "fullDatabaseId", "resourcePath", "updatedAt", "url",
})  # fmt: skip
NAMES = ("number", "title", "name", "login", "nameWithOwner", "oid")
"""Short fields that identify an object. Unknown kinds of events select only these fields of their objects."""
SELECTIONS = {"Actor": "...Account", "Issue": ITEM, "PullRequest": ITEM}
"""Selections for fields that contain an object, by the type of the object."""


def extend_timelines(schema: ServerSchema, union: str, present: Collection[str]) -> Extension:
    """Return selections for the server's event kinds that are missing from a fragment with the kinds ``present``."""
    if union not in UNIONS:
        return Extension()
    if (timeline := schema.types.get(union)) is None:
        return Extension(missing=frozenset() if union in schema.absent else frozenset({union}))
    missing = set[str]()
    parts: list[str] = []
    for kind in timeline.members:
        if kind in present or kind in NOT_EVENTS:
            continue
        if kind in FIELDS:
            parts.append(selection(kind))
        elif (info := schema.types.get(kind)) is None:
            missing.add(kind)
        elif fields := " ".join(_fields(schema, kind, info, missing)):
            parts.append(f"... on {kind} {{ {fields} }}")
    return Extension(text=" ".join(parts), missing=frozenset(missing))


def _fields(schema: ServerSchema, kind: str, info: TypeInfo, missing: set[str]) -> Iterator[str]:
    """Yield the selections for an unknown kind of event: time, actor, plain values, and the names of objects."""
    if "createdAt" in info.fields:
        yield _aliased(schema, kind, "createdAt", "")
    if "actor" in info.fields and info.fields["actor"].named_type == "Actor":
        yield _aliased(schema, kind, "actor", "{ ...Account }")
    count = 0
    for name, of in info.fields.items():
        if name in OF_EVERY_NODE or name.endswith("HTML") or of.arguments or of.type.startswith("["):
            continue
        inner = "" if of.kind in LEAVES else _inner(schema, of, missing)
        if inner is not None and count < MOST_FIELDS:
            count += 1
            yield _aliased(schema, kind, name, inner)


def _inner(schema: ServerSchema, of: FieldInfo, missing: set[str]) -> str | None:
    """Return the selection for a field that contains an object, or None if no short field identifies the object."""
    if of.named_type in SELECTIONS:
        return f"{{ {SELECTIONS[of.named_type]} }}"
    if of.kind != "OBJECT":
        return None
    if not schema.knows(of.named_type):
        missing.add(of.named_type)
    info = schema.types.get(of.named_type)
    names = [name for name in NAMES if info and name in info.fields and info.fields[name].kind in LEAVES]
    return f"{{ {' '.join(names)} }}" if names else None


def _aliased(schema: ServerSchema, kind: str, name: str, inner: str) -> str:
    """Return the selection of a field. It has an alias if event kinds declare the field with different types.

    GraphQL does not allow one name with two types in a selection:
    https://spec.graphql.org/October2021/#sec-Field-Selection-Merging
    """
    kinds = {one for union in UNIONS if union in schema.types for one in schema.types[union].members}
    infos = [schema.types[one] for one in kinds if one in schema.types]
    types = {info.fields[name].type for info in infos if name in info.fields}
    alias = f"{name}{ALIAS_MARK}{kind}: " if len(types) > 1 else ""
    return f"{alias}{name} {inner}".rstrip()


RULES = TextRules(
    types=(
        "Actor", "Assignee", "BaseRefForcePushedEvent", "Bot", "Closer", "Commit", "CommitComment",
        "CommitCommentConnection", "Discussion", "DiscussionCategory", "DiscussionComment",
        "DiscussionCommentConnection", "DiscussionConnection", "DiscussionEdge", "GitActor", "GitObject", "Issue",
        "IssueComment", "IssueCommentConnection", "IssueConnection", "IssueEdge", "IssueTimelineItemsConnection",
        "Label", "LabelConnection", "Language", "License", "Mannequin", "Milestone", "MilestoneConnection",
        "Minimizable", "Node", "Organization", "PageInfo", "PullRequest", "PullRequestConnection", "PullRequestEdge",
        "PullRequestReview", "PullRequestReviewComment", "PullRequestReviewCommentConnection",
        "PullRequestReviewConnection", "PullRequestReviewThread", "PullRequestReviewThreadConnection",
        "PullRequestTimelineItemsConnection", "Query", "RateLimit", "ReactionGroup", "ReactorConnection", "Ref",
        "RefConnection", "ReferencedSubject", "Release", "ReleaseConnection", "Repository", "RepositoryOwner",
        "RepositoryTopic", "RepositoryTopicConnection", "RequestedReviewer", "ReviewRequest",
        "ReviewRequestConnection", "Team", "Topic", "User", "UserConnection",
    ),
    essential=frozenset({"Actor", "Issue", "Node", "PullRequest", "Query", "Repository", "User", *UNIONS}),
    unions=UNIONS,
    substitutes={"fullDatabaseId": "databaseId", "reactors": "users"},
    extend=extend_timelines,
)  # fmt: skip
"""The rules for all query texts. ``types`` are all types with fields that the texts select.

One request reads these types from the schema of the server.
"""
