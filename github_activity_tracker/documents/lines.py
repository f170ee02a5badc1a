"""Sentences about GitHub activities, such as "commented on" or "added the label"."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.models import Activity
from core.operations.markdown import excerpt
from core.trackers import Line
from github_activity_tracker.documents.bodies import bodies
from github_activity_tracker.documents.markup import GFM
from github_activity_tracker.documents.names import known_names
from github_activity_tracker.models import Review, ReviewComment, TimelineEvent

Data = Mapping[str, Any]
SHORT_SHA = 7
POSTS = {
    "github.issue": "opened",
    "github.pull_request": "opened",
    "github.issue_comment": "commented on",
    "github.review_comment": "commented on the diff of",
    "github.commit_comment": "commented on",
    "github.review": "reviewed",
    "github.discussion": "started the discussion",
    "github.discussion_comment": "commented on",
    "github.release": "released",
    "github.commit": "committed",
}
VERDICTS = {"APPROVED": "approved", "CHANGES_REQUESTED": "requested changes to", "PENDING": "is reviewing"}
PLAIN_EVENTS = {
    "added_to_merge_queue": ("added", "to the merge queue"), "added_to_project": ("added", "to a project"),
    "auto_merge_disabled": ("switched off auto-merge for", ""),
    "auto_merge_enabled": ("switched on auto-merge for", ""),
    "auto_rebase_enabled": ("switched on auto-rebase for", ""),
    "auto_squash_enabled": ("switched on auto-squash for", ""),
    "automatic_base_change_failed": ("could not change the base branch of", ""),
    "automatic_base_change_succeeded": ("changed the base branch of", ""),
    "base_ref_deleted": ("deleted the base branch of", ""),
    "connected": ("linked", ""), "convert_to_draft": ("converted", "to a draft"),
    "converted_note_to_issue": ("converted a note to", ""), "converted_to_discussion": ("converted", "to a discussion"),
    "deployed": ("deployed", ""), "deployment_environment_changed": ("changed the deployment of", ""),
    "disconnected": ("unlinked", ""), "head_ref_deleted": ("deleted the branch of", ""),
    "head_ref_restored": ("restored the branch of", ""), "locked": ("locked", ""),
    "marked_as_duplicate": ("marked", "as a duplicate"), "mentioned": ("was mentioned in", ""),
    "merged": ("merged", ""),
    "moved_columns_in_project": ("moved", "in a project"), "parent_issue_added": ("added a parent to", ""),
    "parent_issue_removed": ("removed the parent of", ""), "pinned": ("pinned", ""),
    "ready_for_review": ("marked", "as ready for review"),
    "removed_from_merge_queue": ("removed", "from the merge queue"),
    "removed_from_project": ("removed", "from a project"), "reopened": ("reopened", ""),
    "review_dismissed": ("dismissed a review of", ""), "sub_issue_added": ("added a sub-issue to", ""),
    "sub_issue_removed": ("removed a sub-issue from", ""), "subscribed": ("was subscribed to", ""),
    "transferred": ("transferred", ""), "unassigned": ("unassigned someone from", ""), "unlocked": ("unlocked", ""),
    "unmarked_as_duplicate": ("unmarked", "as a duplicate"), "unpinned": ("unpinned", ""),
    "unsubscribed": ("unsubscribed from", ""), "user_blocked": ("blocked someone in", ""),
}  # fmt: skip
"""The words before and after the item in the sentence about an event, by the name of the event in REST.

https://docs.github.com/en/rest/using-the-rest-api/issue-event-types
"""
TELLING: dict[str, Callable[[Data], tuple[str, str]]] = {
    "assigned": lambda data: (f"assigned {_login(data, 'assignee')} to", ""),
    "base_ref_changed": lambda data: ("changed the base branch of", _branches(data)),
    "base_ref_force_pushed": lambda data: ("force-pushed the base branch of", _moved(data)),
    "closed": lambda data: ("closed", _closed(data)),
    "comment_deleted": lambda data: (f"deleted a comment of {_login(data, 'deletedCommentAuthor')} on", ""),
    "committed": lambda data: (f"pushed {_sha(data, 'pushed')} to", ""),
    "cross-referenced": lambda data: ("mentioned", f"in {_item(data.get('source'))}"),
    "demilestoned": lambda data: ("removed", f"from the milestone {data.get('milestoneTitle') or ''}"),
    "head_ref_force_pushed": lambda data: ("force-pushed to", _moved(data)),
    "labeled": lambda data: (f"added the label {_inner(data, 'label').get('name') or ''} to", ""),
    "milestoned": lambda data: ("added", f"to the milestone {data.get('milestoneTitle') or ''}"),
    "referenced": lambda data: ("referred to", f"in commit {_sha(data, 'commit')}"),
    "renamed": lambda data: ("renamed", f"from “{data.get('previousTitle') or ''}”"),
    "review_request_removed": lambda data: (f"removed {_login(data, 'requestedReviewer')} as a reviewer of", ""),
    "review_requested": lambda data: (f"asked {_login(data, 'requestedReviewer')} to review", ""),
    "unassigned": lambda data: (f"unassigned {_login(data, 'assignee')} from", ""),
    "unlabeled": lambda data: (f"removed the label {_inner(data, 'label').get('name') or ''} from", ""),
}  # fmt: skip
"""Functions that return the words before and after the item for events with additional data, by the event's name."""


def lines(activities: Sequence[Activity]) -> Mapping[str, Line]:
    """Return sentences about activities, by external id.

    Uses at most 13 SQL statements.
    """
    names = known_names(row.external_id for row in activities)
    events = {
        f"github:event:{pk}": (event, data)
        for pk, event, data in TimelineEvent.objects.filter(pk__in=[pk for pk, _ in names["event"]]).values_list(
            "pk", "event", "data"
        )
    }
    verdicts = _by_id("review", Review.objects.filter(pk__in=_ids(names["review"])).values_list("pk", "state"))
    paths = ReviewComment.objects.filter(pk__in=_ids(names["review_comment"])).values_list("pk", "path")
    files, texts = _by_id("review_comment", paths), _excerpts(activities)
    return {
        row.external_id: _line(row, events, verdicts, files, texts)
        for row in activities
        if row.activity_type in POSTS or row.activity_type.startswith("github.event.")
    }


def _line(
    row: Activity, events: Mapping[str, tuple[str, Data]], verdicts: Mapping[str, str], files: Mapping[str, str],
    texts: Mapping[str, str],
) -> Line:  # fmt: skip
    kind = row.activity_type
    if kind not in POSTS:
        event, data = events.get(row.external_id, (kind.removeprefix("github.event."), {}))
        did, after = event_words(event, data)
        return Line(did=did, after=after)
    did = VERDICTS.get(verdicts.get(row.external_id, ""), POSTS[kind])
    path = files.get(row.external_id, "")
    return Line(did=did, after=f"at {path.rpartition('/')[2]}" if path else "", excerpt=texts.get(row.external_id, ""))


def event_words(event: str, data: Data) -> tuple[str, str]:
    """Return the words before and after the item in the sentence about an event.

    For an unknown kind of event, the words before the item are the name of the event.
    """
    if event in TELLING:
        did, after = TELLING[event](data)
        return " ".join(did.split()), " ".join(after.split())
    if event in PLAIN_EVENTS:
        return PLAIN_EVENTS[event]
    return f"{event.replace('_', ' ')}:", ""


def _excerpts(activities: Sequence[Activity]) -> dict[str, str]:
    """Return the beginnings of texts by external id.

    The subject of a commit is omitted, because it is the title of the thread.
    """
    written = bodies([row.external_id for row in activities if not row.activity_type.startswith("github.event.")])
    texts = {
        row.external_id: body.partition("\n")[2] if row.activity_type == "github.commit" else body
        for row in activities
        if (body := written.get(row.external_id))
    }
    return {external_id: excerpt(text, GFM) for external_id, text in texts.items()}


def _ids(names: Sequence[tuple[str, str]]) -> list[int]:
    return [int(first) for first, _ in names]


def _by_id(kind: str, rows: Any) -> dict[str, str]:
    return {f"github:{kind}:{pk}": value for pk, value in rows}


def _inner(data: Data, key: str) -> Data:
    found = data.get(key)
    return found if isinstance(found, dict) else {}


def _login(data: Data, key: str) -> str:
    who = _inner(data, key)
    return str(who.get("login") or who.get("slug") or ("a team" if who.get("__typename") == "Team" else "someone"))


def _sha(data: Data, key: str) -> str:
    return str(_inner(data, key).get("oid") or "")[:SHORT_SHA] or "a commit"


def _moved(data: Data) -> str:
    return f"from {_sha(data, 'beforeCommit')} to {_sha(data, 'afterCommit')}"


def _branches(data: Data) -> str:
    return f"from {data.get('previousRefName') or '?'} to {data.get('currentRefName') or '?'}"


def _item(item: Any) -> str:
    known: Data = item if isinstance(item, dict) else {}
    return f"#{known.get('number') or '?'} {known.get('title') or ''}".strip()


def _closed(data: Data) -> str:
    """Return words about the commit or pull request that closed an item, or about the reason for closing it.

    Examples are "with #12" and "as not planned". The reason "completed" is omitted.
    """
    closer = _inner(data, "closer")
    if closer.get("oid"):
        return f"with {_sha(data, 'closer')}"
    if closer.get("number"):
        return f"with #{closer['number']}"
    reason = str(data.get("stateReason") or "").lower().replace("_", " ")
    return f"as {reason}" if reason and reason != "completed" else ""
