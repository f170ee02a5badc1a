"""Tests of pages at several widths and in both colour schemes.

Threads look like those on GitHub or Discord, rows are readable, and no page is wider than its window.
"""

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.urls import reverse
from playwright.sync_api import Page, expect

from config.tests.browser.test_pages import FAINT
from core.models import Activity
from core.operations.visible import visible
from core.search.sync import sync
from core.trackers import document_sources
from discord_activity_tracker.models import Message
from github_activity_tracker.models import Issue
from samples.discord import SampleDiscord
from samples.server import SampleServer
from tests.support.fake_source import model as hash_model
from tests.support.row_snapshots import restore_or_collect
from tests.support.slow_variants import quick

WIDTHS = [1440, 1024, 390]
TALLEST = 100
SCHEMES = ["light", "dark"]
OWN = ("core", "github_activity_tracker", "discord_activity_tracker")
CELLS = "#result_list :is(td, tbody th), .snippet, .stacked :is(td, tbody th)"
RAW = re.compile(r"U\+000D|[0-9a-f]{40}|discord\.default|<[@#]\d|<a?:\w+:\d|<t:\d|\]\(https?:")
"""Matches texts that pages never show.

They are escaped carriage returns, whole commit hashes, names of activity types, Discord's codes for mentions, emoji and
times, and links in Markdown.
"""
COMMENT = "<!--"
"""Beginning of an HTML comment.

GitHub hides HTML comments, and so do the pages with texts from GitHub. Discord shows them as text, and so do the pages
with texts from Discord.

https://support.discord.com/hc/en-us/articles/210298617
"""
CUT = """() => [...document.querySelectorAll(".card:has(.stacked)")]
  .filter((card) => card.scrollWidth > card.clientWidth + 1).map((card) => card.innerText.slice(0, 80))"""
"""JavaScript that returns the beginnings of cards in which a table scrolls sideways although it can be stacked."""
ROWS = "[...document.querySelectorAll('#result_list tbody tr')].map((row) => row.offsetHeight)"


@pytest.fixture
def community(sample_server: SampleServer, settings: Any, tmp_path: Path) -> SampleServer:
    """Collect the sample community with its Discord server, and return its GitHub server."""

    def collect() -> None:
        settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = sample_server.url
        settings.GITHUB_TOKENS, settings.WORKSPACE_DIR = [sample_server.token()], tmp_path
        call_command("collect_github", sample_server.truth()["full_name"], "--no-sync")
        with SampleDiscord() as server:
            settings.DISCORD_API_BASE, settings.DISCORD_BOT_TOKEN = server.url, server.token
            call_command("collect_discord", str(server.guild.id), "--no-sync", stdout=StringIO(), stderr=StringIO())

    restore_or_collect("github and discord", collect)
    return sample_server


def lists() -> Iterator[str]:
    """Yield the URL of the admin list of each of the project's models."""
    for model in admin.site._registry:  # pyright: ignore[reportPrivateUsage]
        if model._meta.app_label in OWN:
            yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def rows_and_width(page: Page, addresses: Iterator[str], width: int) -> None:
    """Open each page in a window of this width, and check the heights of rows and the widths of the page and its cards.

    Also checks that no cell or snippet contains raw markup or ids.
    """
    page.set_viewport_size({"width": width, "height": 900})
    for address in addresses:
        page.goto(address)
        assert max(page.evaluate(ROWS), default=0) <= TALLEST, address
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        assert page.evaluate(CUT) == [], address
        texts = page.locator(CELLS).all_inner_texts()
        assert [text for text in texts if RAW.search(text)] == [], address
        if "/github_activity_tracker/" in address:
            assert [text for text in texts if COMMENT in text] == [], address


def threads() -> list[str]:
    """Return the URLs of three threads: a pull request with all kinds of content, a discussion, and Discord messages
    with reactions."""
    pull = Activity.objects.get(
        activity_type="github.pull_request", summary__startswith="Show the next low water"
    ).thread
    talk = Activity.objects.filter(activity_type="github.discussion").latest("occurred_at").thread
    message = Message.objects.exclude(reactions={}).latest("pk")
    said = Activity.objects.get(external_id__endswith=f":{message.pk}").thread
    return [f"/admin/timeline/{name.partition(':')[0]}/thread/?id={name}" for name in (pull, talk, said)]


def pages_of_rows() -> Iterator[str]:
    """Yield the URL of the admin page of one row of each of the project's models."""
    for model in admin.site._registry:  # pyright: ignore[reportPrivateUsage]
        if model._meta.app_label in OWN and (row := model._default_manager.first()):
            yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])


def test_rows_of_the_timeline_are_low_on_a_phone(community: SampleServer, page: Page, staff: Any) -> None:
    rows_and_width(page, iter([reverse("admin:core_activity_changelist")]), 390)


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
def test_rows_of_every_list_are_low_and_pages_do_not_scroll_sideways(
    community: SampleServer, page: Page, staff: Any, width: int
) -> None:
    rows_and_width(page, lists(), width)


@pytest.mark.slow
def test_no_page_scrolls_sideways_on_a_phone(community: SampleServer, page: Page, staff: Any) -> None:
    own = ["/admin/", "/admin/timeline/", "/admin/health/", "/admin/search/", "/admin/?since=2020-01-01", *threads()]
    rows_and_width(page, iter([*own, *pages_of_rows()]), 390)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_stand_out_and_fit_at_every_width(
    community: SampleServer, page: Page, staff: Any, width: int, scheme: Any
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    for address in ["/admin/", "/admin/timeline/", "/admin/health/", "/admin/search/?q=ferry", *threads()]:
        page.goto(address)
        assert page.evaluate(FAINT) == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        assert page.evaluate(NARROW) == [], address
        sentences = [one.strip() for one in page.locator(".thread .about > .type").all_inner_texts()]
        assert [one for one in sentences if DANGLING.search(one)] == [], address


@pytest.mark.parametrize("scheme", quick(SCHEMES, "dark"))
def test_search_results_are_plain_text_and_fit(community: SampleServer, page: Page, staff: Any, scheme: Any) -> None:
    with hash_model("reading"):
        sync(document_sources())
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            rows_and_width(page, iter(["/admin/search/?q=kiosk+import+low+water&mode=text"]), width)
            assert page.evaluate(FAINT) == []
        snippets = page.locator(".snippet").all_inner_texts()
        assert len(snippets) > 5
        assert [text for text in snippets if "**" in text or "`" in text or COMMENT in text] == []
        assert page.locator(".snippet mark").count() >= len(snippets) // 2


DANGLING = re.compile(r"\b(?:to|of|on|from|in|for)$")
"""Matches a sentence that ends with a preposition, because the name of its thread is missing."""
NARROW = """() => [...document.querySelectorAll(".ranking th, .ranking td")]
  .filter((cell) => cell.innerText.length > 12 && cell.offsetHeight > 130).map((cell) => cell.innerText)"""
"""JavaScript that returns the texts of table cells that are so narrow that each line has only one word or letter."""


@pytest.mark.parametrize("scheme", quick(SCHEMES, "dark"))
def test_threads_read_like_the_original(community: SampleServer, page: Page, staff: Any, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(threads()[0])
    main = page.locator("main")
    expect(page.locator("h1")).to_have_text("Show the next low water on the kiosk screen #42")
    for words in (
        "open",
        "Pull request in",
        "feature",
        "Participants",
        "View on GitHub",
        "tidewatch/kiosk.css, line 7",
    ):
        expect(main.get_by_text(words, exact=False).first).to_be_visible()
    expect(main.locator("input[type=checkbox]")).to_have_count(3)
    expect(main.locator("input[type=checkbox]:checked")).to_have_count(2)
    expect(main.locator(".markdown-alert-warning")).to_have_count(1)
    expect(main.locator(".suggestion")).to_have_count(2)
    expect(main.locator("details", has_text="How it was measured").locator("pre")).to_have_count(1)
    expect(main.locator(".body td").first).to_have_text("kiosk")
    expect(main.locator("a.reference", has_text="#12")).to_have_count(1)
    expect(main.locator("a.reference", has_text="@mirela-quayside")).to_have_count(1)
    expect(main.locator("a.reference", has_text=re.compile("^0049319$"))).to_have_count(1)
    expect(main.locator("pre.hunk")).to_have_count(1)
    shown = main.inner_text()
    assert "U+000D" not in shown
    assert "Thank you for your pull request" not in shown
    assert "🎉" in shown
    assert page.evaluate(FAINT) == []


def test_a_row_of_the_timeline_leads_to_its_place_in_the_thread(
    community: SampleServer, page: Page, staff: Any
) -> None:
    page.goto("/admin/timeline/?type=github.issue_comment")
    words = page.locator(".timeline .summary").all_inner_texts()
    assert all("commented on #" in one for one in words)
    page.locator(".timeline a.subject").first.click()
    expect(page.locator(".thread > li:target")).to_have_count(1)
    page.goto("/admin/timeline/?source=discord")
    words = page.locator(".timeline .summary").all_inner_texts()
    assert any(" in #" in one for one in words)
    assert not [one for one in words if "default" in one or "<@" in one or "<#" in one]


@pytest.mark.parametrize("step", quick([1, 8], 8))  # 1: every thread, 8: every eighth thread
def test_no_thread_is_titled_by_an_id(community: SampleServer, client: Any, staff: Any, step: int) -> None:
    client.force_login(staff)
    titles: dict[str, str] = {}
    threads = Activity.objects.exclude(thread="").values_list("source_system", "thread").distinct()
    for source, thread in threads.order_by("thread")[::step]:
        answer = client.get(reverse("admin:thread", args=[source]), {"id": thread})
        titles[thread] = answer.context["title"]
    kinds = {True: "pull_request", False: "issue"}
    issues = {
        f"github:{kinds[one.is_pull_request]}:{one.repository_id}:{one.number}": visible(one.title)
        for one in Issue.objects.all()
    }
    assert [name for name, title in titles.items() if not title or title in name or title.isdigit()] == []
    assert {name: titles[name] for name in issues.keys() & titles.keys()} == {
        name: issues[name] for name in issues.keys() & titles.keys()
    }


@pytest.mark.slow
def test_every_page_has_a_search_field(collected: SampleServer, page: Page, staff: Any) -> None:
    for address in ("/admin/", "/admin/health/", "/admin/core/activity/", "/admin/core/collectorrun/"):
        page.goto(address)
        page.get_by_label("Search everything").fill("ferry")
        page.get_by_label("Search everything").press("Enter")
        page.wait_for_url("**/admin/search/?q=ferry")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
def test_charts_of_years_use_months_and_neighbours_differ_in_lightness(
    collected: SampleServer, page: Page, staff: Any, scheme: Any
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto("/admin/?since=2022-01-01&until=2025-12-31")
    page.get_by_text("As a table").first.click()
    expect(page.locator("#by-source-table tbody th").first).to_have_text(re.compile(r"^20\d\d-\d\d$"))
    expect(page.locator("#by-source-table tbody tr")).to_have_count(50)
    ratios, ground = page.evaluate(LIGHTNESS)
    assert min(ratios) >= 1.5
    assert min(ground) >= 3


LIGHTNESS = """() => {
  const light = (hex) => {
    const part = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
    const linear = part.map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const style = getComputedStyle(document.documentElement);
  const all = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => light(style.getPropertyValue(`--chart-${n}`).trim()));
  const body = getComputedStyle(document.querySelector(".card")).backgroundColor.match(/\\d+/g).map(Number);
  const hex = "#" + body.slice(0, 3).map((v) => v.toString(16).padStart(2, "0")).join("");
  return [all.slice(1).map((one, at) => ratio(one, all[at])), all.map((one) => ratio(one, light(hex)))];
}"""
