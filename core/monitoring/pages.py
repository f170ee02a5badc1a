"""/healthz, /readyz and /metrics for monitoring programs.

The middleware comes first, because probes use IP addresses, plain HTTP and any host name. Django would refuse such
requests (ALLOWED_HOSTS) or redirect them to https. Only /metrics shows data, and it requires a token.
"""

import hmac
import logging
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

logger = logging.getLogger(__name__)


class MonitoringPages:
    """Middleware that responds to three URL paths and passes on all other requests."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.pages = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics_page}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return one of the pages, or the response of the next middleware.

        The pages return 405 for methods other than GET and HEAD.
        """
        page = self.pages.get(request.path_info)
        if page is None:
            return self.get_response(request)
        if request.method not in {"GET", "HEAD"}:
            return _text("only GET and HEAD are allowed\n", 405)
        return page(request)


def healthz(request: HttpRequest) -> HttpResponse:
    """Return 200 without using the database, so that no process is restarted because the database is unavailable."""
    del request
    return _text("ok\n")


def readyz(request: HttpRequest) -> HttpResponse:
    """Return 200 if the database responds and all migrations are applied, else 503 with the reason in one line."""
    del request
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        logger.warning("not ready: %s", error)
        return _text("the database does not answer\n", 503)
    return _text(f"unapplied migrations: {len(missing)}; run manage.py migrate\n", 503) if missing else _text("ok\n")


def metrics_page(request: HttpRequest) -> HttpResponse:
    """Return the metrics if the request sends METRICS_TOKEN as a bearer token, else 401.

    Return 404 if METRICS_TOKEN is not set, and 503 if the database is unreachable.
    """
    token = settings.METRICS_TOKEN
    if not token:
        return _text("not found\n", 404)
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    # Compare in constant time, so that the time does not reveal the token. Compare bytes, because a header may contain
    # any character.
    is_equal = hmac.compare_digest(value.strip().encode("utf-8", "surrogateescape"), token.encode())
    if scheme.lower() != "bearer" or not is_equal:
        refused = _text("the header 'Authorization: Bearer' must contain METRICS_TOKEN\n", 401)
        refused.headers["WWW-Authenticate"] = "Bearer"
        return refused
    from prometheus_client import CONTENT_TYPE_LATEST

    from core.monitoring.metrics import metrics

    try:
        return HttpResponse(metrics(), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})
    except DatabaseError as error:
        logger.warning("no metrics: %s", error)
        return _text("the database does not answer\n", 503)


def _text(words: str, status: int = 200) -> HttpResponse:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(words, status=status, content_type="text/plain; charset=utf-8", headers=headers)
