"""Slack's library with redirects refused and answers of a bounded size.

It uses ``urllib.request``, which sends every header, the token too, to wherever a server points.
"""

from http.client import HTTPResponse
from io import BytesIO
from typing import IO, Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from slack_sdk import WebClient

LARGEST = 16 * 1024 * 1024
"""Bytes of an answer; a page of 200 messages has at most 40 KB each."""


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Follow none: the answer itself is the error."""


class BoundedWebClient(WebClient):
    """As the library's, with one way to send a request."""

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        """Return status, headers and body; raises HTTPError, whose body is bounded too, for 300 and above."""
        if not url.lower().startswith(("https://", "http://")):
            raise ValueError("SLACK_API_BASE must begin with https:// or http://.")
        proxies = [ProxyHandler({"http": self.proxy, "https": self.proxy})] if self.proxy else []
        opener = build_opener(*proxies, HTTPSHandler(context=self.ssl), _NoRedirects)
        try:
            answer: HTTPResponse = opener.open(req, timeout=self.timeout)
        except HTTPError as error:
            with error:
                body = BytesIO(_read(error))
            raise HTTPError(error.url, error.code, error.msg, error.headers, body) from None
        with answer:
            charset = answer.headers.get_content_charset() or "utf-8"
            return {"status": answer.status, "headers": answer.headers, "body": _read(answer).decode(charset)}


def _read(answer: "HTTPResponse | HTTPError | IO[bytes]") -> bytes:
    body = answer.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise ValueError(f"Slack answered more than {LARGEST} bytes")
    return body
