"""Requests as browsers do not make them, brought into a form that every page can read."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from core.pages.parameters import cleaned_query, free_text


class OddRequests:
    """A middleware: addresses and cookies are UTF-8, and hold nothing that PostgreSQL cannot.

    Django reads the parameters of an address in the charset that the content type names, which may be one that
    decodes to no text; and a cookie may hold an escaped NUL, which no session key can be compared with.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Clean the request, then answer it."""
        if request.encoding and request.encoding.lower() not in {"utf-8", "utf8"}:
            request.encoding = "utf-8"
        request.COOKIES = {name: value for name, value in request.COOKIES.items() if free_text(value, 10_000) == value}
        request.GET = cleaned_query(request.GET)  # pyright: ignore[reportAttributeAccessIssue]
        return self.get_response(request)
