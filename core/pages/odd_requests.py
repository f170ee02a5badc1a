"""Requests as browsers do not make them, brought into a form that every page can read."""

from collections.abc import Callable, Mapping
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.http import parse_header_parameters

from core.pages.parameters import cleaned_query, free_text


class OddRequests:
    """A middleware: parameters and cookies hold nothing that PostgreSQL cannot compare.

    A cookie may hold an escaped NUL (``"\\000"``), and every session key is looked up.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Clean the request, then answer it."""
        request.COOKIES = {name: value for name, value in request.COOKIES.items() if free_text(value, 10_000) == value}
        request.GET = cleaned_query(request.GET)  # pyright: ignore[reportAttributeAccessIssue]
        return self.get_response(request)


class Utf8WSGIHandler(WSGIHandler):
    """Django's handler for WSGI servers, which reads every address as UTF-8."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request."""
        known = {"CONTENT_TYPE": utf8_content_type(environ.get("CONTENT_TYPE", ""))}
        return super().__call__({**environ, **known}, start_response)


class Utf8ASGIHandler(ASGIHandler):
    """Django's handler for ASGI servers, which reads every address as UTF-8."""

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """Answer one request."""
        headers = [
            (name, utf8_content_type(value.decode("latin-1")).encode("latin-1") if name == b"content-type" else value)
            for name, value in scope.get("headers", ())
        ]
        await super().__call__({**scope, "headers": headers}, receive, send)


def utf8_content_type(content_type: str) -> str:
    """Return a content type without a charset other than UTF-8, or an empty text for one that cannot be read.

    Django reads the parameters of an address in the charset that the content type names, before any middleware, and
    fails where that decodes to no text (``base64``) or to half of a surrogate pair (``unicode_escape``).
    """
    try:
        kind, parameters = parse_header_parameters(content_type)
    except ValueError:
        return ""
    if parameters.get("charset", "utf-8").lower() in {"utf-8", "utf8"}:
        return content_type
    boundary = parameters.get("boundary", "").replace('"', "")
    return f'{kind}; boundary="{boundary}"' if boundary else kind
