"""Fixtures with a headless Chromium.

A test fails if a page logs a warning or an error, opens a dialog, or sends a request to another host.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import Browser, Page, sync_playwright

from samples.server import SampleServer
from tests.support.row_snapshots import restore_or_collect
from tests.support.watched_page import FLAGS, WatchedPage

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add markers to the browser tests, and skip these tests if no browser is installed."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("browser")
            item.add_marker(pytest.mark.django_db(transaction=True))
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium is installed"))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Start one browser for all tests.

    Playwright runs an event loop in this thread. Django refuses database calls in such a thread, so the fixture allows
    them.
    """
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def watched(browser: Browser, live_server: Any) -> Iterator[WatchedPage]:
    """Yield a page in a new browser window. After the test, check that it recorded no violations."""
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    watch = WatchedPage(page, live_server.url)
    yield watch
    context.close()
    assert watch.violations == []


@pytest.fixture
def page(watched: WatchedPage) -> Page:
    """Return Playwright's object for the page in the new window."""
    return watched.page


@pytest.fixture
def staff(watched: WatchedPage, live_server: Any, client: Client, django_user_model: Any) -> Any:
    """Create a superuser, log in as this user, and open the dashboard. Returns the user."""
    user = django_user_model.objects.create_superuser("keeper", password="a long password")
    client.force_login(user)
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value}
    watched.page.context.add_cookies([{**cookie, "url": live_server.url}])
    watched.page.goto("/admin/")
    return user


@pytest.fixture
def collected(sample_server: SampleServer, settings: Any, tmp_path: Path) -> SampleServer:
    """Collect the sample community, and return its server."""
    settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = sample_server.url
    settings.GITHUB_TOKENS, settings.WORKSPACE_DIR = [sample_server.token()], tmp_path
    restore_or_collect(
        "github", lambda: call_command("collect_github", sample_server.truth()["full_name"], "--no-sync")
    )
    return sample_server
