"""Activities as sentences: who did what to which thread, with bursts of events in one row."""

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
"""Events of one person in one thread that are no further apart share a row."""
MOST_NAMED = 4
"""Events of a burst that its row names; the others are behind a switch."""
TITLE_LENGTH = 160
PREPOSITION = re.compile(r",? (?:to|of|on|from|in|for|with|until)$")
"""What leads from a verb to the thread, which the page of that thread leaves out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """What the trackers say about activities, by external id, and about their threads, by thread."""

    lines: Mapping[str, Line]
    heads: Mapping[str, ThreadHead]


@dataclass(kw_only=True, slots=True)
class Group:
    """One row: an activity, and what else the same person did to the same thread right then."""

    first: dict[str, Any]
    others: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def named(self) -> Sequence[dict[str, Any]]:
        """Those that the row names beside the first."""
        return self.others[: MOST_NAMED - 1]

    @property
    def hidden(self) -> Sequence[dict[str, Any]]:
        """The rest."""
        return self.others[MOST_NAMED - 1 :]


def words_of(activities: Sequence[Activity]) -> Words:
    """Ask the trackers; a constant number of statements for each source."""
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
    """Return an activity as people read it: nothing in its texts can act, hide or turn the line around."""
    known, summary = words.lines.get(activity.external_id), visible(activity.summary)
    head, kind = words.heads.get(activity.thread), type_name(activity.activity_type)
    title = (known.subject if known else "") or (head.label if head else "") or ("" if known else summary)
    return {
        "activity": activity,
        "source": (names or source_names()).get(activity.source_system, activity.source_system),
        "type": kind,
        "actor": visible(activity.actor_name) or "someone",
        "passive": activity.activity_type in (passive_types() if passive is None else passive),
        "person": person_address(activity.source_system, activity.actor_external_id)
        if activity.actor_external_id
        else "",
        "did": visible(known.did) if known else f"{kind}:",
        "subject": visible(title)[:TITLE_LENGTH] or "(no words)",
        "after": visible(known.after) if known else "",
        "alone": visible(sentence_in_thread(known.did, known.after)) if known else kind,
        "excerpt": visible(known.excerpt) if known else "",
        "address": activity_address(activity.source_system, activity.external_id) if activity.thread else "",
        "url": activity.source_url if activity.source_url.startswith(("https://", "http://")) else "",
    }


def sentence_in_thread(did: str, after: str) -> str:
    """Return an action as worded on the page of its thread: ``commented on`` becomes ``commented``.

    ``mentioned``, ``in #12`` becomes ``mentioned this in #12``: the words behind the thread need something before them.
    """
    without = PREPOSITION.sub("", did)
    if not after:
        return without
    return f"{without} {after}" if without != did else f"{did} this {after}"


def folded(entries: Iterable[dict[str, Any]]) -> list[Group]:
    """Put neighbouring events of one person in one thread into one row; posts stay rows of their own."""
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
