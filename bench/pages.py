"""Measures the response times (95th percentile) of admin pages with a million activities in the database."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import connection, reset_queries
from django.test import Client
from django.urls import reverse

from bench.row_factory import load_trackers
from bench.synthetic_activity import ACTIVITIES, NOW, load_core
from core.models import Activity, CollectorRun
from core.trackers import installed_trackers

ROUNDS = 20
DASHBOARD_LIMIT = 300.0
"""Maximum response time of the dashboard in milliseconds. It is lower than that of other pages, because users see the
dashboard after each log-in."""
PAGE_LIMIT = 500.0
"""Maximum response time of any other page in milliseconds. The report marks slower pages."""


def addresses() -> dict[str, str]:
    """Return the URLs of all measured pages by descriptive name.

    The dashboard and the timeline appear several times, with different filters.
    """
    timeline, home = reverse("admin:timeline"), reverse("admin:index")
    row = Activity.objects.order_by("-occurred_at")[1000]
    year = f"since={NOW.year - 1}-01-01&until={NOW:%Y-%m-%d}"
    pages = {
        "dashboard": home,
        "dashboard, two years": f"{home}?{year}",
        "dashboard, five years": f"{home}?since={NOW.year - 5}-01-01&until={NOW:%Y-%m-%d}",
        "dashboard, one source": f"{home}?source=github",
        "timeline": timeline,
        "timeline, far back": f"{timeline}?before={NOW.year - 3}-01-01T00:00:00%2B00:00~1",
        "timeline, a source": f"{timeline}?source=discord",
        "timeline, a type": f"{timeline}?type=github.event.assigned",
        "timeline, a scope": f"{timeline}?scope=group-3/project-43",
        "timeline, part of a scope's name": f"{timeline}?scope=project-1",
        "timeline, a person": f"{timeline}?person=person-7",
        "timeline, a frequent word": f"{timeline}?words=word0",
        "timeline, a rare word": f"{timeline}?words=word19983",
        "timeline, two words": f"{timeline}?words=word12+word340",
        "timeline, the beginning of a word": f"{timeline}?words=word19",
        "timeline, words of a person": f"{timeline}?words=word3&person=person-7",
        "timeline, words in a scope": f"{timeline}?words=word2&scope=group-3/project-43",
        "timeline, deleted": f"{timeline}?state=deleted",
        "timeline, nothing": f"{timeline}?words=nowhere",
        "thread": f"{reverse('admin:thread', args=[row.source_system])}?id={row.thread}",
        "health": reverse("admin:health"),
        "run": reverse("admin:core_collectorrun_change", args=[CollectorRun.objects.values_list("pk").first()[0]]),  # pyright: ignore[reportOptionalSubscript]
    }
    return pages | lists()


def lists() -> dict[str, str]:
    """Return the URLs of the project's admin lists by descriptive name.

    Each list appears without parameters and with page 100. Lists with a search field also appear with two searches, and
    the list of activities also appears with three filters.
    """
    labels = {"core", *(tracker.label for tracker in installed_trackers())}
    addresses: dict[str, str] = {}
    for model, model_admin in admin.site._registry.items():  # pyright: ignore[reportPrivateUsage]
        if model._meta.app_label not in labels:
            continue
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        name = f"{apps.get_app_config(model._meta.app_label).verbose_name}: {model._meta.verbose_name_plural}"
        addresses |= {name: address, f"{name}, page 100": f"{address}?p=100"}
        if model_admin.search_fields:
            addresses[f"{name}, searched"] = f"{address}?q=person-77"
            addresses[f"{name}, searched by number"] = f"{address}?q=77"
    activities = reverse("admin:core_activity_changelist")
    addresses["activities of a source"] = f"{activities}?source_system=github"
    addresses["activities of a type"] = f"{activities}?activity_type=github.issue"
    addresses["activities of a scope"] = f"{activities}?scope__named=group-3/project-43"
    return addresses


def processor() -> float:
    """Return the total CPU time in milliseconds of this process and of the PostgreSQL process for its connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        stat = Path(f"/proc/{cursor.fetchone()[0]}/stat")
    ticks = stat.read_text().rpartition(")")[2].split()[11:13] if stat.exists() else []
    return time.process_time() * 1000 + sum(map(int, ticks)) * 1000 / os.sysconf("SC_CLK_TCK")


def percentile(client: Client, address: str) -> tuple[float, float, int]:
    """Return the 95th percentile of the response time, the mean CPU time, and the number of SQL statements.

    Both times are in milliseconds. Raises RuntimeError if a response has a status other than 200.
    """
    taken: list[float] = []
    client.get(address)
    used = processor()
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answer = client.get(address, follow=True)
        taken.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} returned status {answer.status_code}")
    used = (processor() - used) / ROUNDS
    settings.DEBUG = True
    reset_queries()
    client.get(address)
    statements = len(connection.queries)
    settings.DEBUG = False
    return sorted(taken)[int(ROUNDS * 0.95) - 1], used, statements


def report(write_line: Callable[[str], Any]) -> str:
    """Measure every page, pass a line for each page to ``write_line``, and return a summary."""
    client = Client(SERVER_NAME="localhost")
    user, _ = get_user_model().objects.get_or_create(username="bench", is_staff=True, is_superuser=True)
    client.force_login(user)
    slow: list[str] = []
    for name, address in addresses().items():
        milliseconds, used, statements = percentile(client, address)
        bound = DASHBOARD_LIMIT if name == "dashboard" else PAGE_LIMIT
        slow += [name] if milliseconds > bound else []
        note = "" if milliseconds <= bound else "  TOO SLOW"
        write_line(f"  {milliseconds:7.1f} ms  {used:6.1f} ms CPU  {statements:3} statements  {name}{note}")
    bounds = f"{PAGE_LIMIT:.0f} ms ({DASHBOARD_LIMIT:.0f} ms for the dashboard)"
    return f"pages over {ACTIVITIES:,} activities: {len(slow)} slower than {bounds}"


def measure() -> str:
    """Fill the tables with synthetic rows, measure every page, print a line for each page, and return a summary."""
    import sys

    load_core()
    load_trackers()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return report(lambda line: sys.stdout.write(f"{line}\n"))
