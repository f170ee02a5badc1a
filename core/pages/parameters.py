"""What an address or a form sends to a page, read in one place.

Every page takes its dates, cursors, ids, numbers and words from here. A reader returns a value that PostgreSQL and
Python's calendar can hold, or ``None`` (an empty text, the default) for what is no such value; it raises nothing.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.http import QueryDict

from core.db.text import replace_unstorable

LONGEST_TEXT = 2000
"""Characters of any one parameter; what is longer is cut off. The longest that a page itself makes is an address."""
LONGEST_QUERY = 300
"""Characters of a search above a list: a word beyond 2,046 bytes is an error in a text search of PostgreSQL."""
MOST_PARAMETERS = 200
HIGHEST_ID = 2**63 - 1
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(9000, 1, 1)
"""Days outside count as the nearest one inside, so that weeks and years can be added to every day of a filter."""
Cursor = tuple[datetime, int]


def free_text(value: object, longest: int = LONGEST_TEXT) -> str:
    """Return a text without NUL and unpaired surrogates, which PostgreSQL cannot hold, cut to ``longest``."""
    return replace_unstorable(str(value or ""), "")[:longest]


def whole_number(value: object, *, lowest: int, highest: int, default: int) -> int:
    """Return a number in ASCII digits, brought into its bounds; the default for everything else."""
    text = str(value or "")
    if not (text.isascii() and text.isdigit()):
        return default
    return min(max(lowest, int(text)), highest) if len(text) < 20 else highest


def row_id(value: object) -> int | None:
    """Return an id of a row, 1 to 2**63 - 1, written in ASCII digits."""
    text = str(value or "")
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        return None
    number = int(text)
    return number if 0 < number <= HIGHEST_ID else None


def moment(value: object) -> datetime | None:
    """Return an ISO 8601 time with a zone, in UTC; ``None`` also where UTC has no such year."""
    try:
        found = datetime.fromisoformat(str(value or ""))
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def cursor(value: object) -> Cursor | None:
    """Return the time and the id that ``written`` made a cursor of."""
    at, _, pk = str(value or "").partition("~")
    found, number = moment(at), row_id(pk)
    return (found, number) if found and number else None


def written(at: datetime, pk: int) -> str:
    """Return a cursor for an address."""
    return f"{at.isoformat()}~{pk}"


def choice(value: object, choices: Mapping[str, Any], default: str = "") -> str:
    """Return the value if it is one of the choices."""
    text = str(value or "")
    return text if text in choices else default


def midnight(day: date) -> datetime:
    """Return the beginning of a day in UTC."""
    return datetime.combine(day, time.min, UTC)


def midnight_after(day: date) -> datetime:
    """Return the end of a day in UTC, which is the beginning of the next; ``day`` comes from a ``DayField``."""
    return midnight(day) + timedelta(days=1)


class DayField(forms.DateField):
    """A day, within ``FIRST_DAY`` and ``LAST_DAY``."""

    def __init__(self, label: str) -> None:
        super().__init__(required=False, label=label, widget=forms.DateInput(attrs={"type": "date"}))

    def to_python(self, value: Any) -> date | None:
        """Return the nearest day inside the bounds. Raises ValidationError for what is no date."""
        day = super().to_python(value)
        return min(max(FIRST_DAY, day), LAST_DAY) if day else None


def cleaned_query(query: QueryDict) -> QueryDict:
    """Return the parameters of an address with each name and value as ``free_text``; an immutable copy."""
    cleaned = QueryDict(mutable=True)
    for name, values in list(query.lists())[:MOST_PARAMETERS]:
        cleaned.setlist(free_text(name), [free_text(value) for value in values[:MOST_PARAMETERS]])
    return QueryDict(cleaned.urlencode())
