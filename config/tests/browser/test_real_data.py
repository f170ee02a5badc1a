"""Pages with real data are readable at every width and in both colour schemes."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from playwright.sync_api import Page

from config.tests.browser.test_pages import FAINT
from config.tests.browser.test_reading import (
    COMMENT,
    DANGLING,
    RAW,
    SCHEMES,
    WIDTHS,
    lists,
    pages_of_rows,
    rows_and_width,
)
from core.models import Activity
from core.search.sync import sync
from core.trackers import document_sources
from tests.support.discord_twin import Twin as DiscordTwin
from tests.support.discord_twin import write_small_guild
from tests.support.fake_source import model
from tests.support.github_twin import SPARSE, Twin

pytestmark = [
    pytest.mark.slow,
    pytest.mark.twin,
]
PAGES = [
    "/admin/",
    "/admin/?since=2019-01-01",
    "/admin/timeline/",
    "/admin/health/",
    "/admin/search/?q=wallet+fee&mode=text",
]
TEXTS = ":is(.summary, .excerpt, .origin, .about, .snippet, h1, .ranking)"


@pytest.fixture
def real(settings: Any, tmp_path: Path) -> None:
    """Collect parts of a recorded repository and of a recorded Discord server."""
    twin = Twin(tmp_path, SPARSE)
    try:
        settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = twin.url
        settings.GITHUB_TOKENS, settings.WORKSPACE_DIR = ["ghp_alice_1"], tmp_path
        call_command("collect_github", twin.name, "--no-sync", stdout=StringIO())
    finally:
        twin.stop()
    with DiscordTwin(write_small_guild(tmp_path / "guild.jsonl.gz", 30, 20), "--no-limits") as discord:
        settings.DISCORD_API_BASE, settings.DISCORD_BOT_TOKEN = discord.base, "twin-token"
        settings.DISCORD_BOT_TOKENS, settings.DISCORD_REQUESTS_PER_SECOND = [], 0
        call_command("collect_discord", "--no-sync", stdout=StringIO(), stderr=StringIO())


def threads(source: str) -> list[str]:
    """Return the URLs of up to eight threads. Each contains the newest activity of one activity type."""
    rows = Activity.objects.filter(source_system=source).exclude(thread="").order_by("-occurred_at")
    kinds = rows.order_by("activity_type", "-occurred_at").distinct("activity_type")
    return [f"/admin/timeline/{source}/thread/?id={thread}" for thread in sorted({row.thread for row in kinds})][:8]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_pages_of_real_data_can_be_read(real: None, page: Page, staff: Any, scheme: Any) -> None:
    with model("real"):
        sync(document_sources())
    page.emulate_media(color_scheme=scheme)
    addresses = [*PAGES, *threads("github"), *threads("discord")]
    for width in WIDTHS:
        rows_and_width(page, iter([*addresses, *lists(), *pages_of_rows()]), width)
    for address in addresses:
        page.goto(address)
        assert page.evaluate(FAINT) == [], address
        texts = page.locator(TEXTS).all_inner_texts()
        assert [text for text in texts if RAW.search(text)] == [], address
        if "/discord/" not in address:
            texts = page.locator(f"{TEXTS}:not(.entry:has(.source.discord) *)").all_inner_texts()
            assert texts, address
            assert [text for text in texts if COMMENT in text] == [], address
        sentences = page.locator(".thread .about > .type").all_inner_texts()
        assert [one for one in sentences if DANGLING.search(one.strip())] == [], address
