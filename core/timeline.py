"""Reads the timeline: conditions that use its indexes, and the texts that trackers compute.

Pages, exports and metrics select activities with these functions, never by columns of the table, because most texts of
an activity are stored as short keys (``core.models.timeline``).
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from core.db.activity_keys import in_threads, with_external_ids
from core.models import Activity, ActivityType, Scope
from core.trackers import ActivityTexts, TrackerConfig, installed_trackers, tracker_of

MOST_TYPES = 200
"""Maximum number of types to list. A list of choices with more types would be hard to use."""
MOST_WORDS = 12
"""Maximum number of words to look for. More words would make the query slower."""


def all_activities() -> QuerySet[Activity]:
    """Return all activities with their scopes, newest first."""
    return Activity.objects.select_related("scope").order_by("-occurred_at", "-id")


def stored_types(source_system: str = "") -> list[str]:
    """Return the stored activity types in alphabetical order, at most ``MOST_TYPES``."""
    types = ActivityType.objects.filter(source_system=source_system) if source_system else ActivityType.objects.all()
    return list(types.order_by("name").values_list("name", flat=True)[:MOST_TYPES])


def of_source(source_system: str) -> Q:
    """Return a condition: the activity belongs to this source."""
    return Q(type__in=_type_ids(Q(source_system=source_system)))


def of_type(activity_type: str) -> Q:
    """Return a condition: the activity has this type. It uses the index by type, except for common types."""
    same_type = Q(type__in=_type_ids(Q(name=activity_type)))
    is_common = any(activity_type in tracker.common_types for tracker in installed_trackers())
    return same_type if is_common else same_type & Q(common=False)


def without_types(activity_types: Collection[str]) -> Q:
    """Return a condition: the activity has none of these types."""
    return ~Q(type__in=_type_ids(Q(name__in=activity_types))) if activity_types else Q()


def _type_ids(condition: Q) -> list[int]:
    return list(ActivityType.objects.filter(condition).values_list("pk", flat=True))


def of_account(source_system: str, account: str) -> Q:
    """Return a condition: this account was active. No activity matches an account that is no number."""
    number = re.fullmatch(r"-?[0-9]{1,18}|[0-9]{19}", account, re.ASCII)
    if not number or int(account) >= 1 << 63:
        return Q(pk__in=[])
    return Q(actor=int(account)) & of_source(source_system)


def by_person(name: str) -> Q:
    """Return a condition: a person with this name was active, under this or any other name.

    A name selects, in each source, the account that used the name last.
    """
    condition = Q(pk__in=[])
    for tracker in installed_trackers():
        mine = of_source(tracker.source_system)
        stored = Activity.objects.alias(lowered=Lower("actor_name")).filter(lowered=name.lower())
        stored = stored.filter(mine, actor_name__isnull=False, actor__isnull=False).order_by("-occurred_at")
        accounts = [*stored.values_list("actor", flat=True)[:1], *map(int, tracker.accounts_named(name))]
        newest = Activity.objects.filter(mine, actor__in=accounts).order_by("-occurred_at")
        condition |= mine & Q(actor__in=list(newest.values_list("actor", flat=True)[:1]))
    return condition


def with_words(rows: QuerySet[Activity], words: str) -> list[QuerySet[Activity]]:
    """Return queries that together select the rows with all these words in their text.

    A word also matches longer words that begin with it. There is one query for the stored summaries, and one for each
    tracker that stores the texts in its own table. One query for all could not use the indexes of both tables.
    """
    parts = re.findall(r"\w+", words)
    if not parts:
        return []
    query = SearchQuery(" & ".join(f"{part}:*" for part in parts[:MOST_WORDS]), search_type="raw", config="simple")
    stored = rows.alias(words=SearchVector("summary", config="simple")).filter(summary__isnull=False, words=query)
    branches = [stored]
    for tracker in installed_trackers():
        if (numbers := tracker.numbers_with_words(query)) is not None:
            branches.append(rows.filter(of_source(tracker.source_system), summary__isnull=True, number__in=numbers))
    return branches


def in_thread(source_system: str, thread: str) -> Q:
    """Return a condition: the activity belongs to this thread."""
    return in_threads(source_system, [thread])


def with_id(source_system: str, external_id: str) -> Q:
    """Return a condition: the activity has this external id."""
    return with_external_ids(source_system, [external_id])


def in_scopes_named(name: str) -> Q:
    """Return a condition: the activity belongs to a scope with exactly this name, ignoring case."""
    return Q(scope__in=list(Scope.objects.filter(name__iexact=name).values_list("pk", flat=True)))


def add_texts(rows: Sequence[Activity]) -> Sequence[Activity]:
    """Complete rows with the names, URLs and summaries that trackers compute. Returns the rows.

    Runs a constant number of statements for each tracker.
    """
    by_source = defaultdict[str, list[Activity]](list)
    for row in rows:
        by_source[row.source_system].append(row)
    for source, of_tracker in by_source.items():
        tracker = tracker_of(source)
        texts: Mapping[str, ActivityTexts] = tracker.activity_texts(of_tracker) if tracker else {}
        for row in of_tracker:
            if known := texts.get(row.external_id):
                row.actor_name = row.actor_name or known.actor_name
                row.source_url = row.source_url or known.source_url
                row.summary = row.summary or known.summary
    return rows


def names_of(accounts: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Return the latest names of accounts by source and id. Accounts without a name are left out."""
    by_source = defaultdict[str, list[int]](list)
    for source, account in accounts:
        by_source[source].append(account)
    names: dict[tuple[str, int], str] = {}
    for source, ids in by_source.items():
        tracker: TrackerConfig | None = tracker_of(source)
        known: Mapping[str, str] = tracker.account_names([str(pk) for pk in ids]) if tracker else {}
        for pk in ids:
            if name := known.get(str(pk)) or _stored_name(source, pk):
                names[source, pk] = name
    return names


def _stored_name(source: str, account: int) -> str:
    rows: Any = Activity.objects.filter(of_account(source, str(account))).order_by("-occurred_at")
    return next(iter(rows.values_list("actor_name", flat=True)[:1]), "") or ""
