"""A headless Chromium that watches itself: nothing on its console, no request to another host."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser, Page, sync_playwright

from config.tests.browser.watching import FLAGS, Watched
from samples.server import SampleServer

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, and leave it out where no browser is installed."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("browser")
            item.add_marker(pytest.mark.django_db(transaction=True))
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium is installed"))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for this folder. Playwright keeps a loop in this thread, which Django would take for async code."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def watched(browser: Browser, live_server: Any) -> Iterator[Watched]:
    """A fresh window; when the test is over, whatever it should not have done is told."""
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    watch = Watched(page, live_server.url)
    yield watch
    context.close()
    assert watch.wrong == []


@pytest.fixture
def page(watched: Watched) -> Page:
    """The window's page."""
    return watched.page


@pytest.fixture
def staff(page: Page, django_user_model: Any) -> Any:
    """Somebody who may do everything, logged in through the form."""
    user = django_user_model.objects.create_superuser("keeper", password="a long password")
    page.goto("/admin/login/")
    page.get_by_label("Username").fill("keeper")
    page.get_by_label("Password").fill("a long password")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")  # a click does not wait for the page that it leads to: keys would go astray
    return user


@pytest.fixture
def collected(sample_server: SampleServer, settings: Any, tmp_path: Path) -> SampleServer:
    """The sample community, collected."""
    settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = sample_server.url
    settings.GITHUB_TOKENS, settings.WORKSPACE_DIR = [sample_server.token()], tmp_path
    call_command("collect_github", sample_server.truth()["full_name"], "--no-sync")
    return sample_server
