"""/healthz, /readyz and /metrics, for programs that watch.

A middleware, and the first: probes ask by an address of the machine, over plain HTTP, with whatever host name;
ALLOWED_HOSTS and the way to https are for people. Only /metrics shows anything of what is kept, and wants its token.
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
    """Answers its three addresses and passes on everything else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.pages = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics_page}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """One of its pages, or the next middleware's answer."""
        page = self.pages.get(request.path_info)
        if page is None:
            return self.get_response(request)
        if request.method not in {"GET", "HEAD"}:
            return _text("only GET and HEAD\n", 405)
        return page(request)


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked, so that a database that is away restarts no process."""
    del request
    return _text("ok\n")


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the database answers and no migration is missing, else 503 with one line."""
    del request
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        logger.warning("not ready: %s", error)
        return _text("the database does not answer\n", 503)
    return _text(f"{len(missing)} migrations are missing: manage.py migrate\n", 503) if missing else _text("ok\n")


def metrics_page(request: HttpRequest) -> HttpResponse:
    """Off (404) without METRICS_TOKEN; else for those who bring it as ``Authorization: Bearer``."""
    wanted = settings.METRICS_TOKEN
    if not wanted:
        return _text("not found\n", 404)
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # Compared in constant time, as bytes: a header may hold anything.
    same = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), wanted.encode())
    if scheme.lower() != "bearer" or not same:
        refused = _text("METRICS_TOKEN is wanted\n", 401)
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
