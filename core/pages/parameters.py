"""Reads the query parameters, form values and cookies of all requests.

Every page reads its dates, cursors, ids, numbers and words with these functions. They return only values that
PostgreSQL and Python's ``datetime`` can represent. For invalid input, they return ``None``, an empty string or the
default. Only ``DayField`` raises ValidationError.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.utils.http import parse_header_parameters

from core.db.text import replace_unstorable

LONGEST_TEXT = 2000
"""Maximum number of characters of a parameter. Longer values are cut. The longest parameters that pages create are
URLs, which a much smaller value could cut."""
LONGEST_QUERY = 300
"""Maximum number of characters of a search term in a list of the admin.

300 characters have at most 1,200 bytes. PostgreSQL's text search fails for a word of more than 2,046 bytes.
"""
MAX_PARAMETERS = 200
"""Maximum number of parameters in a URL, and of values of one parameter. Additional parameters and values are ignored.
Every page uses fewer."""
HIGHEST_ID = 2**63 - 1
"""Largest value of a ``bigint`` in PostgreSQL."""
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(9000, 1, 1)
"""The first and the last valid day. A day outside this range becomes the nearer of the two. The range is smaller than
that of ``date``, so that weeks and years can be added to every day."""
Cursor = tuple[datetime, int]


def free_text(value: object, longest: int = LONGEST_TEXT) -> str:
    """Return a text without NUL and unpaired surrogates, which PostgreSQL cannot store.

    The text is cut to ``longest`` characters.
    """
    return replace_unstorable(str(value or ""), "")[:longest]


def whole_number(value: object, *, lowest: int, highest: int, default: int) -> int:
    """Return a number that was sent in ASCII digits, or the default for other input.

    A number outside of ``lowest`` to ``highest`` becomes the nearest of these two numbers.
    """
    text = str(value or "")
    if not (text.isascii() and text.isdigit()):
        return default
    return min(max(lowest, int(text)), highest) if len(text) < 20 else highest


def row_id(value: object) -> int | None:
    """Return the id of a row, 1 to 2**63 - 1, that was sent in ASCII digits, or ``None`` for other input."""
    text = str(value or "")
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        return None
    number = int(text)
    return number if 0 < number <= HIGHEST_ID else None


def moment(value: object) -> datetime | None:
    """Return an ISO 8601 time with a time zone as UTC, or ``None`` for other input.

    A time is also ``None`` if its year in UTC is outside the years of ``datetime``.
    """
    try:
        parsed = datetime.fromisoformat(str(value or ""))
        return parsed.astimezone(UTC) if parsed.tzinfo else None
    except (ValueError, OverflowError):
        return None


def cursor(value: object) -> Cursor | None:
    """Return the time and the id of a cursor that ``cursor_text`` created, or ``None`` for other input."""
    at, _, pk = str(value or "").partition("~")
    time_part, number = moment(at), row_id(pk)
    return (time_part, number) if time_part and number else None


def cursor_text(at: datetime, pk: int) -> str:
    """Return the cursor of a row as text for a URL: its time and its id."""
    return f"{at.isoformat()}~{pk}"


def choice(value: object, choices: Mapping[str, Any], default: str = "") -> str:
    """Return the value if it is one of the choices, else the default."""
    text = str(value or "")
    return text if text in choices else default


def midnight(day: date) -> datetime:
    """Return the beginning of a day in UTC."""
    return datetime.combine(day, time.min, UTC)


def midnight_after(day: date) -> datetime:
    """Return the end of a day in UTC, which is the beginning of the next day. ``day`` comes from a ``DayField``."""
    return midnight(day) + timedelta(days=1)


class DayField(forms.DateField):
    """A form field for a day between ``FIRST_DAY`` and ``LAST_DAY``."""

    def __init__(self, label: str) -> None:
        super().__init__(required=False, label=label, widget=forms.DateInput(attrs={"type": "date"}))

    def to_python(self, value: Any) -> date | None:
        """Return the date, or the nearest date in the range. Raises ValidationError for a value that is not a date.

        Returns ``None`` for an empty value.
        """
        day = super().to_python(value)
        return min(max(FIRST_DAY, day), LAST_DAY) if day else None


def cleaned_query(query: QueryDict) -> QueryDict:
    """Return an immutable copy of the query parameters, with each name and value cleaned by ``free_text``.

    Parameters and values beyond ``MAX_PARAMETERS`` are left out.
    """
    cleaned = QueryDict(mutable=True)
    for name, values in list(query.lists())[:MAX_PARAMETERS]:
        cleaned.setlist(free_text(name), [free_text(value) for value in values[:MAX_PARAMETERS]])
    return QueryDict(cleaned.urlencode())


class CleanRequests:
    """Middleware that cleans query parameters and removes invalid cookies.

    A cookie is invalid if it has more than 10,000 characters or contains characters that PostgreSQL cannot store, such
    as an escaped NUL (``"\\000"``). Django would look up such a session key in the database.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Clean a request, and return the response to it."""
        request.COOKIES = {name: value for name, value in request.COOKIES.items() if free_text(value, 10_000) == value}
        request.GET = cleaned_query(request.GET)  # pyright: ignore[reportAttributeAccessIssue]
        return self.get_response(request)


class Utf8WSGIHandler(WSGIHandler):
    """Django's handler for WSGI servers, changed so that it decodes all query strings and forms as UTF-8."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Return the response to a request."""
        known = {"CONTENT_TYPE": utf8_content_type(environ.get("CONTENT_TYPE", ""))}
        return super().__call__({**environ, **known}, start_response)


class Utf8ASGIHandler(ASGIHandler):
    """Django's handler for ASGI servers, changed so that it decodes all query strings and forms as UTF-8."""

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """Send the response to a request."""
        headers = [
            (name, utf8_content_type(value.decode("latin-1")).encode("latin-1") if name == b"content-type" else value)
            for name, value in scope.get("headers", ())
        ]
        await super().__call__({**scope, "headers": headers}, receive, send)


def utf8_content_type(content_type: str) -> str:
    """Return the content type without its charset, or an empty string if it is malformed. Django's default is UTF-8.

    With a charset, Django decodes the query string before it handles exceptions. The request would then fail for a
    charset that does not decode to text (``base64``) or decodes to an unpaired surrogate (``unicode_escape``), and with
    any charset for a query string with too many parameters.
    """
    try:
        kind, parameters = parse_header_parameters(content_type)
    except ValueError:
        return ""
    if "charset" not in parameters:
        return content_type
    boundary = parameters.get("boundary", "").replace('"', "")
    return f'{kind}; boundary="{boundary}"' if boundary else kind
