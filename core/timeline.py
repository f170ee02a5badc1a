"""Reads the timeline: conditions that use its indexes, and the texts that trackers compute.

Pages, exports and metrics select activities with these functions, never by columns of the table, because most texts of
an activity are stored as short keys (``core.models.timeline``).
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import connection
from django.db.models import Expression, F, Model, Q, QuerySet, Subquery, Value
from django.db.models.functions import Lower, NullIf, StrIndex

from core.db.activity_keys import in_threads, with_external_ids
from core.models import Activity, ActivityType, Scope
from core.trackers import ActivityTexts, TrackerConfig, installed_trackers, tracker_of

Row = TypeVar("Row", bound=Model)
LATEST_NAMES = """
    SELECT given.actor, latest.actor_name FROM unnest(%s::bigint[]) AS given (actor), LATERAL (
        SELECT actor_name FROM core_activity AS a JOIN core_activitytype AS t ON t.id = a.type_id
        WHERE a.actor = given.actor AND t.source_system = %s ORDER BY a.occurred_at DESC LIMIT 1
    ) AS latest WHERE latest.actor_name IS NOT NULL
"""
LATEST_ACTIVE = """
    SELECT given.actor FROM unnest(%s::bigint[]) AS given (actor), LATERAL (
        SELECT occurred_at FROM core_activity AS a JOIN core_activitytype AS t ON t.id = a.type_id
        WHERE a.actor = given.actor AND t.source_system = %s ORDER BY a.occurred_at DESC LIMIT 1
    ) AS latest ORDER BY latest.occurred_at DESC LIMIT 1
"""
MOST_TYPES = 200
"""Maximum number of types to list. A list of choices with more types would be hard to use."""
MOST_WORDS = 12
"""Maximum number of words to look for. More words would make the query slower."""


class WordsQuery(SearchQuery):
    """A query for texts with all these words. Unless ``whole`` is set, a word also matches longer words.

    The words consist of letters, digits and underscores.
    """

    def __init__(self, words: Sequence[str], *, whole: bool = False) -> None:
        ending = "" if whole else ":*"
        super().__init__(" & ".join(f"{word}{ending}" for word in words), search_type="raw", config="simple")
        self.words = words

    def in_texts(self, rows: QuerySet[Row], vector: SearchVector, text: Expression | F) -> QuerySet[Row]:
        """Return the rows with all words in a text. ``vector`` is the search vector of ``text``, as in its index.

        If many texts match, PostgreSQL reads rows in the order of time, and computes the vector of each text, which
        takes 40 microseconds. Searching for the characters of the words first takes 5, and rejects most texts.
        """
        # PostgreSQL's parser keeps such words whole. It may split others, for example at an underscore.
        plain = [word for word in self.words if re.fullmatch("[a-z][a-z0-9]*", word, re.ASCII | re.IGNORECASE)]
        for number, word in enumerate(plain):
            # PostgreSQL expects that nearly every row passes a test for NULL. After any other condition, it would take
            # frequent words for rare ones.
            position = NullIf(StrIndex(Lower(text), Lower(Value(word))), Value(0))
            rows = rows.alias(**{f"position_{number}": position}).filter(**{f"position_{number}__isnull": False})
        return rows.alias(words=vector).filter(words=self)


def all_activities() -> QuerySet[Activity]:
    """Return all activities with their scopes, newest first."""
    return Activity.objects.select_related("scope").order_by("-occurred_at", "-id")


def stored_types(source_system: str = "") -> list[str]:
    """Return the stored activity types in alphabetical order, at most ``MOST_TYPES``."""
    types = ActivityType.objects.filter(source_system=source_system) if source_system else ActivityType.objects.all()
    return list(types.order_by("name").values_list("name", flat=True)[:MOST_TYPES])


def of_source(source_system: str) -> Q:
    """Return a condition: the activity belongs to this source.

    It uses the index by type for sources without common types.
    """
    tracker = tracker_of(source_system)
    same_source = Q(type__in=ActivityType.objects.filter(source_system=source_system).values("pk"))
    return same_source & Q(common=False) if tracker and not tracker.common_types else same_source


def of_type(activity_type: str) -> Q:
    """Return a condition: the activity has this type. It uses the index by type, except for common types."""
    same_type = Q(type=Subquery(ActivityType.objects.filter(name=activity_type).values("pk")[:1]))
    is_common = any(activity_type in tracker.common_types for tracker in installed_trackers())
    return same_type if is_common else same_type & Q(common=False)


def without_types(activity_types: Collection[str]) -> Q:
    """Return a condition: the activity has none of these types."""
    return ~Q(type__in=ActivityType.objects.filter(name__in=activity_types).values("pk")) if activity_types else Q()


def of_account(source_system: str, account: str) -> Q:
    """Return a condition: this account was active. No activity matches an id that is not a number."""
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
        if (account := _latest_active(tracker.source_system, accounts)) is not None:
            condition |= mine & Q(actor=account)
    return condition


def _latest_active(source: str, accounts: Sequence[int]) -> int | None:
    """Return the account with the latest activity. Reads one row for each account."""
    if len(accounts) < 2:
        return next(iter(accounts), None)
    with connection.cursor() as cursor:
        cursor.execute(LATEST_ACTIVE, [list(accounts), source])
        row = cursor.fetchone()
    return row[0] if row else None


def with_words(rows: QuerySet[Activity], words: str, *, whole: bool = False) -> list[QuerySet[Activity]]:
    """Return queries that together select the rows with all these words in their text.

    Unless ``whole`` is set, a word also matches longer words that begin with it. There is one query for the stored
    summaries, and one for each tracker that stores the texts in its own table. One query for all could not use the
    indexes of both tables.
    """
    parts = re.findall(r"\w+", words)
    if not parts:
        return []
    query = WordsQuery(parts[:MOST_WORDS], whole=whole)
    # If nearly every summary is computed, PostgreSQL has no statistics of stored words. Without this condition, it
    # expects 2 % of all rows to match, and reads the whole timeline in the order of time.
    stored = rows.filter(summary__isnull=False)
    stored = query.in_texts(stored, SearchVector("summary", config="simple"), F("summary"))
    numbers = ((tracker.source_system, tracker.numbers_with_words(query)) for tracker in installed_trackers())
    computed = [
        rows.filter(of_source(source), summary__isnull=True, number__in=found)
        for source, found in numbers
        if found is not None
    ]
    return [stored, *computed]


def in_thread(source_system: str, thread: str) -> Q:
    """Return a condition: the activity belongs to this thread."""
    return in_threads(source_system, [thread])


def with_id(source_system: str, external_id: str) -> Q:
    """Return a condition: the activity has this external id."""
    return with_external_ids(source_system, [external_id])


def in_scopes_named(name: str) -> Q:
    """Return a condition: the activity belongs to a scope with exactly this name, ignoring case."""
    return Q(scope__in=Scope.objects.filter(name__iexact=name).values("pk"))


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
        names |= {(source, pk): known[str(pk)] for pk in ids if known.get(str(pk))}
        if missing := [pk for pk in ids if (source, pk) not in names]:
            names |= {(source, pk): name for pk, name in _stored_names(source, missing)}
    return names


def _stored_names(source: str, accounts: list[int]) -> list[tuple[int, str]]:
    """Return the name in the latest activity of each account that has a stored name."""
    with connection.cursor() as cursor:
        cursor.execute(LATEST_NAMES, [accounts, source])
        return cursor.fetchall()
