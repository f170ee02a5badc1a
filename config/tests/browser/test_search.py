"""The search page shows results with their context and links, and hostile texts are harmless."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from core.search.sync import sync
from tests.support.fake_source import FakeSource, model
from tests.support.hostile_texts import CONTENTS
from tests.support.slow_variants import quick

TEXTS = {
    "gauge": "The **tide gauge** at the north pier jumps by a metre at noon.",
    "ferry": "The ferry leaves at ten and comes back in the evening.",
}


@pytest.fixture
def searchable(db: Any) -> Iterator[FakeSource]:
    """Index a few documents and every hostile text, with an embedder that computes vectors from hashes."""
    with model("pages"):
        notes = FakeSource(**TEXTS, **{f"hostile{n}": f"gauge {text}" for n, text in enumerate(CONTENTS.values())})
        sync([notes])
        yield notes


def test_words_are_found_marked_and_lead_to_their_thread(searchable: FakeSource, page: Page, staff: Any) -> None:
    page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name="Search").click()
    page.get_by_label("Search for").fill("ferry in the evening")
    page.get_by_label("By:", exact=True).select_option("text")
    page.get_by_role("button", name="Search", exact=True).click()
    first = page.locator(".results > li").first
    expect(first.locator("mark").first).to_be_visible()  # reading texts does not wait for the page
    assert {"ferry", "evening"} <= set(first.locator("mark").all_inner_texts())
    assert "q=ferry" in page.url
    expect(first.get_by_role("link", name="View thread")).to_be_visible()
    page.get_by_role("link", name="More like this").first.click()
    expect(page.locator(".liked")).to_be_visible()


@pytest.mark.parametrize("scheme", quick(["light", "dark"], "light"))
def test_hostile_results_do_nothing(searchable: FakeSource, page: Page, staff: Any, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto("/admin/search/?q=gauge&mode=text")
    page.wait_for_load_state("networkidle")
    main = page.locator("main")
    assert main.locator(".results > li").count() > len(CONTENTS) // 2
    for tag in ("script", "iframe", "object", "style", "svg", "img"):
        assert main.locator(tag).count() == 0, tag
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_nothing_is_indexed_yet(page: Page, staff: Any) -> None:
    page.goto("/admin/search/?q=gauge")
    expect(page.get_by_role("status")).to_contain_text("sync_index")
