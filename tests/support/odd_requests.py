"""Generates random requests with odd parameters for every page. The same seed generates the same requests."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote_from_bytes

from django.apps import apps
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.signals import got_request_exception
from django.db import models, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from core.pages.parameters import utf8_content_type

DAYS = [
    "9999-12-31", "0001-01-01", "0000-00-00", "10000-01-01", "-1-01-01", "2025-02-30", "٢٠٢٥-٠١-٠١", "1-1-1",
    "1900-01-01", "infinity", "-infinity", "now", "epoch", "tomorrow", "12/31/9999", "2025-06-02", "2025-W01-1",
    "44-03-15 BC", "2024-02-29",
]  # fmt: skip
TIMES = [
    "9999-12-31T23:59:59.999999-23:59", "0001-01-01T00:00:00+23:59", "2025-06-02T12:00:00+15:59:59",
    "2025-06-02T12:00:00", "2025-06-02T12:00:00+23:59:59.999999", "2025-06-02T12:00:00-15:59:60",
    "2025-06-02T12:00:00+24:00", "2025-06-02T25:00Z", "2025-06-02 12:00:00 Europe/Berlin", "2025-06-02T12:00:00+00:00",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:60Z", "24:00", "294277-01-01T00:00:00Z", "2025-06-02T12:00:00+16:00",
    "2025-06-02 12:00:00+23:59",
]  # fmt: skip
NUMBERS = [
    "-1", "0", "1", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551616",
    "²", "٣", "１", "1e9", "0x10", "1_000", " 1", "+1", "-0", "NaN", "inf", "1.5", "9" * 30, "9" * 5000, "-" + "9" * 40,
    "1,2,x",
]  # fmt: skip
TEXTS = [
    "", "\0", "a\0b", "\u202eexe", "\u200b", "é\u0301", "x" * 5000, "x " * 900, "潮" * 700,
    "'; DROP TABLE core_scope; --", "\\", "%", "_", "[", "(", "(?", "*", "{}", "{{7*7}}", "<script>", "&", ":*", "!",
    "'a", "a:*&", "a | b", "github:", ":", "github:issue:1:1", "\U0001f468\u200d\U0001f469", "None", "null", "true",
    "False", "[]", '{"a": "\\u0000"}', "[" * 900, "../../etc/passwd", "//[", "/[x", "javascript:alert(1)", "foo",
    "http://[::1", "\r\nX: y", "\t", "\x7f", "ﬁ", "ß", "İ",
]  # fmt: skip
BYTES = [
    b"\xff",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xc0\x80",
    b"\xe2\x82",
    b"\x00\xff\x00",
    b"\x80abc",
    b"\xfe\xff\x00a",
]
"""Invalid UTF-8: incomplete or overlong sequences, surrogates, and code points beyond Unicode."""
LOOKUPS = [
    "exact", "iexact", "contains", "icontains", "gt", "gte", "lt", "lte", "in", "isnull", "regex", "iregex", "range",
    "year", "month", "week", "date", "time", "hour", "search", "startswith", "iendswith", "isempty", "named", "0",
    "a__b", "has_key", "contained_by", "overlap", "len", "trigram_similar", "unaccent", "pk", "id", "name", "id__exact",
    "l2_distance",
]  # fmt: skip
LIST_PARAMETERS = [
    "q", "p", "o", "all", "e", "_changelist_filters", "_to_field", "_popup", "_facets", "guild", "channel", "days",
    "kind", "cleared", "deleted", "scope__named", "repository__named", "guild__named", "run__id__exact",
    "author__id__exact", "next",
]  # fmt: skip
PAGE_PARAMETERS = [
    "q", "mode", "source", "kind", "scope", "author", "since", "until", "like", "page", "type", "person", "words",
    "state", "before", "after", "bots", "id", "thread", "url", "piece", "item", "run", "next", "app_label",
    "model_name", "field_name", "term", "username", "password", "csrfmiddlewaretoken", "name", "first_name", "groups",
    "enabled", "is_active",
]  # fmt: skip
CHARSETS = [
    "utf-8",
    "latin-1",
    "utf-7",
    "utf-16",
    "base64",
    "unicode_escape",
    "punycode",
    "idna",
    "rot13",
    "x",
    "\u20ac",
]
FORM = "application/x-www-form-urlencoded"
EXCLUDED = {"admin:logout"}
"""Pages that are not requested, because they end the session that the other requests need."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OddRequest:
    """A request to send. ``query`` and ``body`` are percent-encoded, and ``page`` is the name of the route."""

    page: str
    method: str
    path: str
    query: str
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """A URL pattern of the project, split into parts. In a request, values replace the parts in angle brackets."""

    name: str
    parts: Sequence[str]
    model: type[models.Model] | None


def routes() -> list[Route]:
    """Return all URL patterns of the project except those in ``EXCLUDED``, and the paths that middleware serves."""
    own = [Route(name=name, parts=[name], model=None) for name in ("/healthz", "/readyz", "/metrics", "/static/x")]
    return own + [
        route for route in _walk(get_resolver().url_patterns, "/", "") if route.name.partition(" ")[0] not in EXCLUDED
    ]


def _walk(patterns: Sequence[Any], prefix: str, namespace: str) -> Iterator[Route]:
    for one in patterns:
        address = prefix + str(one.pattern).replace("\\Z", "").replace("^", "").replace("$", "")
        if isinstance(one, URLResolver):
            yield from _walk(one.url_patterns, address, f"{one.namespace}:" if one.namespace else namespace)
        elif isinstance(one, URLPattern):
            parts = address.replace("(?P", "").replace(")", "").replace("<", "\0<").replace(">", ">\0").split("\0")
            app, _, model = address.removeprefix("/admin/").partition("/")
            known = apps.all_models.get(app, {}).get(model.partition("/")[0])
            yield Route(name=f"{namespace}{one.name} {address}", parts=[p for p in parts if p], model=known)


def odd_request(random: Random, route: Route) -> OddRequest:
    """Return a request for a page, usually with odd parameters."""
    query = _parameters(random, route)
    method = "POST" if random.random() < 0.2 else "GET"
    headers: dict[str, str] = {}
    if random.random() < 0.1:
        headers["HTTP_COOKIE_ODD"] = random.choice(['"\\000aaaaaaaaaa"', "\xff", "a" * 5000, '"\\777"'])
    if random.random() < 0.1:
        headers["CONTENT_TYPE"] = f"{FORM}; charset={random.choice(CHARSETS)}"
    body = _parameters(random, route) if method == "POST" else ""
    path = "".join(_filled(random, part, route) if part.startswith("<") else part for part in route.parts)
    return OddRequest(page=route.name, method=method, path=path, query=query, body=body, headers=headers)


def _parameters(random: Random, route: Route) -> str:
    pairs: list[str] = []
    for _ in range(random.choice([0, 1, 1, 2, 2, 3, 6])):
        name, value = _name(random, route), _value(random)
        name += random.choice(["", "", "", "", "[]", "[0]"])
        pairs += [f"{name}={value}"] * random.choice([1, 1, 1, 2])
    if random.random() < 0.03:
        pairs.append(random.choice(["&&&===", "=", "a", "%", "%zz=%zz", ";a=b", "a=" * 300, "b=1&" * 1100]))
    return "&".join(pairs)


def _name(random: Random, route: Route) -> str:
    if route.model is None:
        return random.choice(PAGE_PARAMETERS)
    if random.random() < 0.3:
        return random.choice([*LIST_PARAMETERS, "action", "index", "select_across", ACTION_CHECKBOX_NAME])
    name = random.choice([one.name for one in route.model._meta.get_fields()])
    return name if random.random() < 0.2 else f"{name}__{random.choice(LOOKUPS)}"


def _value(random: Random) -> str:
    """Return an odd value, percent-encoded."""
    kind = random.randrange(7)
    if kind == 0:
        return quote_from_bytes(random.choice(BYTES) + random.choice(BYTES))
    if kind == 1:
        return random.choice(["%", "%0", "%zz", "%u202e", "+", "%2500", "retry", "clear", "delete_selected"])
    if kind == 2:
        return _quoted(_cursor(random))
    return _quoted(random.choice({3: DAYS, 4: TIMES, 5: NUMBERS, 6: TEXTS}[kind]))


def _cursor(random: Random) -> str:
    """Return a cursor, which may be cut off or have one changed character."""
    whole = f"{random.choice(TIMES + DAYS)}~{random.choice(NUMBERS)}"
    at = random.randrange(len(whole))
    return random.choice(
        [whole, whole[:at], whole[at:], whole[:at] + random.choice("~\0²:+-T") + whole[at + 1 :], "~~"]
    )


def _filled(random: Random, part: str, route: Route) -> str:
    """Return a value for a part of a path such as ``<int:pk>``. About half of the ids belong to existing rows."""
    kind, _, name = part.strip("<>").rpartition(":")
    if kind == "slug" or name in {"app_label", "field"}:
        return random.choice(["github", "discord", "core", "body", "text", "content", "x-1", "9" * 400])
    if random.random() < 0.5 and route.model is not None:
        return str(random.choice(list(route.model._default_manager.values_list("pk", flat=True)[:3]) or [1]))
    if kind == "int":
        return random.choice(["1", "0", "9223372036854775808", "9" * 30, "9" * 5000])
    odd = random.choice(
        [_quoted(random.choice(NUMBERS + TEXTS + DAYS)), quote_from_bytes(random.choice(BYTES)), "_00", "_FF"]
    )
    return odd or "1"


def _quoted(text: str) -> str:
    return quote_from_bytes(text.encode("utf-8", "surrogatepass"), safe="")


def failure(client: Client, request: OddRequest) -> str:
    """Send a request and roll back its writes. Returns the status and the exceptions of a server error.

    Returns an empty string if there is no server error.
    """
    errors: list[str] = []

    def note(sender: object, **kwargs: object) -> None:
        errors.append(repr(sys.exc_info()[1])[:300])

    cookies = client.cookies.output(header="", sep=";")
    extra = {name: value for name, value in request.headers.items() if name != "HTTP_COOKIE_ODD"}
    if odd := request.headers.get("HTTP_COOKIE_ODD"):
        extra["HTTP_COOKIE"] = f"{cookies}; odd={odd}; sessionid={odd}"
    # The project's WSGI handler calls utf8_content_type too, but the test client does not use this handler.
    extra["CONTENT_TYPE"] = utf8_content_type(extra.get("CONTENT_TYPE", FORM))
    got_request_exception.connect(note, weak=False)
    try:
        with transaction.atomic():
            answer = client.generic(
                request.method, request.path, request.body, FORM, QUERY_STRING=request.query, **extra
            )
            transaction.set_rollback(True)
    finally:
        got_request_exception.disconnect(note)
    return f"{answer.status_code} {errors}" if answer.status_code >= 500 or errors else ""
