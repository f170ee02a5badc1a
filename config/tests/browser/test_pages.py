"""People can log in, browse, and use every control with a keyboard or a screen reader."""

from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from samples.server import SampleServer
from tests.support.slow_variants import quick


def test_strangers_are_asked_to_log_in_and_people_without_staff_rights_stay_outside(
    page: Page, django_user_model: Any
) -> None:
    django_user_model.objects.create_user("visitor", password="a long password")
    page.goto("/")
    page.get_by_label("Username").fill("visitor")
    page.get_by_label("Password").fill("a long password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Please enter the correct username and password for a staff account")).to_be_visible()


def test_people_log_in_with_name_and_password(page: Page, django_user_model: Any) -> None:
    django_user_model.objects.create_superuser("captain", password="a long password")
    page.goto("/")
    page.get_by_label("Username").fill("captain")
    page.get_by_label("Password").fill("a long password")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")  # a click does not wait for the next page to load
    expect(page.get_by_text("captain").first).to_be_visible()


def test_an_empty_installation_says_how_to_begin(page: Page, staff: Any) -> None:
    expect(page.get_by_role("heading", name="Nothing has been collected yet: first steps")).to_be_visible()
    expect(page.get_by_text("make demo")).to_be_visible()


def test_the_dashboard_draws_its_charts_and_says_the_same_in_tables(
    collected: SampleServer, page: Page, staff: Any
) -> None:
    charts = page.locator("canvas[role=img]")
    expect(charts).to_have_count(2)
    drawn = "canvas => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size > 8"
    assert all(chart.evaluate(drawn) for chart in charts.all())
    page.get_by_text("As a table").first.click()
    expect(page.locator("#by-source-table tbody tr")).to_have_count(26)
    expect(page.get_by_role("link", name="saltmarsh-works/tidewatch").first).to_be_visible()


def test_the_timeline_is_narrowed_down_and_leads_to_threads(collected: SampleServer, page: Page, staff: Any) -> None:
    page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name="Timeline").click()
    expect(page.locator(".timeline .entry").first).to_be_visible()  # counting does not wait for the page
    assert 10 < page.locator(".timeline .entry").count() <= 50  # events of one burst share a row
    page.get_by_role("link", name="Older →").first.click()
    expect(page.get_by_role("link", name="← Newer").first).to_be_visible()
    page.get_by_label("Words").fill("import")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**words=import**")
    shown = page.locator(".timeline .entry").all_inner_texts()
    assert sum("import" in text.lower() for text in shown) > 0.8 * len(shown)  # the word can also be in a quote
    page.locator(".timeline a.subject").first.click()
    expect(page.locator(".thread > li:target")).to_have_count(1)


@pytest.mark.slow
def test_everything_is_reached_by_keyboard(collected: SampleServer, page: Page, staff: Any) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to main content")).to_be_focused()
    reached = set[str]()
    for _ in range(110):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("(document.activeElement.name || document.activeElement.innerText || '').trim()"))
    assert {"Timeline", "Health", "since", "until", "source", "Show", "As a table"} <= reached


def test_every_control_and_picture_has_a_name(collected: SampleServer, page: Page, staff: Any) -> None:
    for address in ("/admin/", "/admin/timeline/", "/admin/health/"):
        page.goto(address)
        nameless = page.evaluate(
            "[...document.querySelectorAll('main a, main button, main input:not([type=hidden]), main select, canvas')]"
            ".filter(e => !(e.textContent.trim() || e.ariaLabel || e.labels?.length || e.title)).map(e => e.outerHTML)"
        )
        assert nameless == [], address
        assert page.locator("h1").count() == 1


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(collected: SampleServer, page: Page, staff: Any, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    for address in ("/admin/", "/admin/timeline/", "/admin/health/", "/admin/core/collectorrun/"):
        page.goto(address)
        assert page.evaluate(FAINT) == [], address


FAINT = """() => {
  const light = (rgb) => {
    const part = rgb.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
  };
  const read = (text) => text.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = read(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const e of document.querySelectorAll("main :is(.quiet, .outcome, .mark, dd, th, td, a)")) {
    if (!e.innerText || !e.checkVisibility()) continue;
    const [a, b] = [light(read(getComputedStyle(e).color)), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push(`${e.className || e.tagName} ${ratio.toFixed(2)} ${e.innerText.slice(0, 30)}`);
  }
  return [...new Set(faint)].slice(0, 9);
}"""


@pytest.mark.parametrize("width", quick([360, 768, 1280, 1920], 360))
def test_no_page_is_wider_than_its_window(collected: SampleServer, page: Page, staff: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for address in ("/admin/", "/admin/timeline/", "/admin/health/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


def test_pages_carry_a_strict_policy(client: Client) -> None:
    policy = client.get("/admin/login/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
