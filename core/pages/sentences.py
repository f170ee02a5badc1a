"""Activities as sentences: a person, an action and a thread. Events in quick succession share a row of the page."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from core.models import Activity
from core.operations.visible import visible
from core.pages.labels import passive_types, source_names, type_name
from core.trackers import Line, ThreadHead, activity_address, installed_trackers, person_address

BURST = timedelta(minutes=15)
"""Maximum time between neighbouring events that share a row. A longer time would combine unrelated events."""
MAX_LISTED = 4
"""Maximum number of events that a row lists, so that a row stays short. The others are hidden until the user opens the
row."""
TITLE_LENGTH = 160
"""Maximum number of characters of a title in a sentence, so that a sentence stays short."""
PREPOSITION = re.compile(r",? (?:to|of|on|from|in|for|with|until)$")
"""Pattern of the preposition between an action and the name of its thread. The page of the thread omits both."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """The texts from the trackers for a page: the line of each activity by external id, and the head of each thread."""

    lines: Mapping[str, Line]
    heads: Mapping[str, ThreadHead]


@dataclass(kw_only=True, slots=True)
class Group:
    """A row of a page: an activity, and neighbouring events of the same person that were combined with it."""

    first: dict[str, Any]
    others: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def named(self) -> Sequence[dict[str, Any]]:
        """Return the events that the row lists after the first event."""
        return self.others[: MAX_LISTED - 1]

    @property
    def hidden(self) -> Sequence[dict[str, Any]]:
        """Return the events that the row hides until the user opens it."""
        return self.others[MAX_LISTED - 1 :]


def words_of(activities: Sequence[Activity]) -> Words:
    """Return the lines of activities and the heads of their threads. The number of SQL statements is constant."""
    by_source = defaultdict[str, list[Activity]](list)
    for activity in activities:
        by_source[activity.source_system].append(activity)
    lines, heads = dict[str, Line](), dict[str, ThreadHead]()
    for tracker in installed_trackers():
        if rows := by_source.get(tracker.source_system):
            lines |= tracker.lines(rows)
            heads |= tracker.heads(sorted({row.thread for row in rows if row.thread}))
    return Words(lines=lines, heads=heads)


def entry(
    activity: Activity,
    words: Words,
    names: Mapping[str, str] | None = None,
    passive: Collection[str] | None = None,
) -> dict[str, Any]:
    """Return the values of an activity for a page, with code points instead of hidden characters."""
    line, summary = words.lines.get(activity.external_id), visible(activity.summary)
    head, kind = words.heads.get(activity.thread), type_name(activity.activity_type)
    title = (line.subject if line else "") or (head.label if head else "") or ("" if line else summary)
    return {
        "activity": activity,
        "source": (names or source_names()).get(activity.source_system, activity.source_system),
        "type": kind,
        "actor": visible(activity.actor_name) or "someone",
        "passive": activity.activity_type in (passive_types() if passive is None else passive),
        "person": person_address(activity.source_system, activity.actor_external_id)
        if activity.actor_external_id
        else "",
        "did": visible(line.did) if line else f"{kind}:",
        "subject": visible(title)[:TITLE_LENGTH] or "(no text)",
        "after": visible(line.after) if line else "",
        "alone": visible(sentence_in_thread(line.did, line.after)) if line else kind,
        "excerpt": visible(line.excerpt) if line else "",
        "address": activity_address(activity.source_system, activity.external_id) if activity.thread else "",
        "url": activity.source_url if activity.source_url.startswith(("https://", "http://")) else "",
    }


def sentence_in_thread(did: str, after: str) -> str:
    """Return the action without its preposition, for the page of its own thread: ``commented`` for ``commented on``.

    ``after`` contains the words that follow the name of the thread in the full sentence. If the action has no
    preposition, ``this`` replaces the name: ``mentioned`` and ``in #12`` become ``mentioned this in #12``.
    """
    without = PREPOSITION.sub("", did)
    if not after:
        return without
    return f"{without} {after}" if without != did else f"{did} this {after}"


def folded(entries: Iterable[dict[str, Any]]) -> list[Group]:
    """Combine neighbouring events of one person in one scope on one day into one row.

    Each event must have the thread or the type of the event before it, and follow it within ``BURST``. Activities with
    a text are never combined.
    """
    groups: list[Group] = []
    for one in entries:
        if groups and _belongs(one, groups[-1]):
            groups[-1].others.append(one)
        else:
            groups.append(Group(first=one))
    return groups


def _belongs(one: dict[str, Any], group: Group) -> bool:
    here, last = one["activity"], (group.others[-1] if group.others else group.first)["activity"]
    is_event = not (one["excerpt"] or one.get("html") or group.first["excerpt"] or group.first.get("html"))
    same = (here.source_system, here.scope_id, here.actor_external_id, here.actor_name, here.deleted_at is None)
    other = (last.source_system, last.scope_id, last.actor_external_id, last.actor_name, last.deleted_at is None)
    is_event = is_event and one["passive"] == group.first["passive"]
    same_thread = here.thread == last.thread or here.activity_type == last.activity_type
    near = abs(here.occurred_at - last.occurred_at) <= BURST
    return is_event and same == other and same_thread and near and _day(here) == _day(last)


def _day(activity: Activity) -> object:
    return activity.occurred_at.date()
