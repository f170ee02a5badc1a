"""What somebody asks of the timeline, as conditions that indexes answer."""

import re
from typing import Any

from django import forms
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from core.db.distinct import different_values
from core.models import Activity, Scope
from core.pages.labels import source_names, type_name
from core.pages.parameters import DayField, free_text, midnight, midnight_after

PER_PAGE = 50
MOST_SCOPES = 100
"""Repositories and channels that a part of a name may stand for."""
LONGEST = 200


class TimelineForm(forms.Form):
    """The filters. What cannot be read is said beside its field, and then nothing is looked up."""

    source = forms.ChoiceField(required=False)
    type = forms.ChoiceField(required=False)
    scope = forms.CharField(required=False, max_length=LONGEST, label="Repository or channel")
    person = forms.CharField(required=False, max_length=LONGEST)
    words = forms.CharField(required=False, max_length=LONGEST, label="Words")
    since = DayField("From")
    until = DayField("To")
    state = forms.ChoiceField(
        required=False, choices=[("", "All"), ("edited", "Edited"), ("deleted", "Deleted"), ("there", "Not deleted")]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types = [(kind, f"{kind.partition('.')[0]}: {type_name(kind)}") for kind in all_types()]
        self.fields["source"].choices = [("", "All"), *source_names().items()]  # pyright: ignore[reportAttributeAccessIssue]
        self.fields["type"].choices = [("", "All"), *types]  # pyright: ignore[reportAttributeAccessIssue]

    def clean(self) -> dict[str, Any]:
        """Take out what PostgreSQL cannot hold."""
        return {
            name: free_text(value) if isinstance(value, str) else value for name, value in self.cleaned_data.items()
        }


def all_types() -> list[str]:
    """Every type that is kept."""
    return different_values(Activity, "activity_type")


def activities(asked: dict[str, Any]) -> QuerySet[Activity]:
    """The activities that were asked for, the newest first."""
    rows = Activity.objects.select_related("scope").order_by("-occurred_at", "-id")
    if asked.get("source"):
        rows = rows.filter(source_system=asked["source"])
    if asked.get("type"):
        rows = rows.filter(activity_type=asked["type"])
    if asked.get("since"):
        rows = rows.filter(occurred_at__gte=midnight(asked["since"]))
    if asked.get("until"):
        rows = rows.filter(occurred_at__lt=midnight_after(asked["until"]))
    if asked.get("scope"):
        rows = rows.filter(scope_id__in=scope_ids(asked["scope"]))
    if asked.get("person"):
        rows = rows.filter(_person(asked["person"]))
    if asked.get("words"):
        rows = with_words(rows, asked["words"])
    states = {"edited": Q(edited_at__isnull=False), "deleted": Q(deleted_at__isnull=False), "there": Q(deleted_at=None)}
    return rows.filter(states[asked["state"]]) if asked.get("state") in states else rows


def scope_ids(name: str) -> list[int]:
    """Scopes of exactly this name or external id, else those whose name holds it."""
    exact = Scope.objects.filter(Q(name__iexact=name.strip()) | Q(external_id=name.strip())).values_list(
        "pk", flat=True
    )
    found = list(exact.order_by()[:MOST_SCOPES])
    if found:
        return found
    return list(
        Scope.objects.filter(name__icontains=name.strip()).order_by("pk").values_list("pk", flat=True)[:MOST_SCOPES]
    )


def _person(name: str) -> Q:
    """Somebody by ``source:account id``, or whoever went by this name last in each source, under all their names."""
    source, _, account = name.strip().partition(":")
    if account and source in source_names():
        return Q(source_system=source, actor_external_id=account)
    return Q(actor_external_id__in=[]) if not (people := _people(name.strip())) else _either(people)


def _people(name: str) -> list[tuple[str, str]]:
    named = Activity.objects.annotate(lowered=Lower("actor_name")).filter(lowered=name.lower())
    newest = (
        named.exclude(actor_external_id="").order_by("-occurred_at").values_list("source_system", "actor_external_id")
    )
    return sorted({pair for source in source_names() if (pair := newest.filter(source_system=source).first())})


def _either(people: list[tuple[str, str]]) -> Q:
    either = Q()
    for source, account in people:
        either |= Q(source_system=source, actor_external_id=account)
    return either


def with_words(rows: QuerySet[Activity], words: str) -> QuerySet[Activity]:
    """All the words, each also as the beginning of a longer one."""
    parts = re.findall(r"\w+", words)
    if not parts:
        return rows.none()
    query = SearchQuery(" & ".join(f"{part}:*" for part in parts[:12]), search_type="raw", config="simple")
    return rows.annotate(words=SearchVector("summary", config="simple")).filter(words=query)
