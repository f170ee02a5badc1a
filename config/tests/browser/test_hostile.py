"""Hostile texts are harmless on every page: no script runs, no character is hidden, and no other host is contacted."""

from typing import Any
from urllib.parse import quote

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from core.models import Scope
from github_activity_tracker.models import Issue, IssueComment, Repository, Revision
from tests.support.activities import make_activity
from tests.support.hostile_texts import CONTENTS
from tests.support.slow_variants import quick
from tests.support.watched_page import WatchedPage

HIDDEN = "\u202e\u202d\u2066\u2067\u2069\u200b\u2060\ufeff\u00ad\U000e0041\x07\x1b\x7f\u2028"
PAGES = [
    "/admin/timeline/", "/admin/timeline/github/thread/?id=github:issue:1:1", "/admin/", "/admin/core/activity/",
    "/admin/github_activity_tracker/issue/", "/admin/github_activity_tracker/issuecomment/",
    "/admin/github_activity_tracker/revision/",
]  # fmt: skip


@pytest.fixture
def hostile(db: Any) -> list[int]:
    """Store every hostile text as a comment, a revision, an author's name and a summary.

    Returns the ids of the activities.
    """
    now = timezone.now()
    repository = Repository.objects.create(id=1, full_name="a/b")
    scope = Scope.objects.create(source_system="github", external_id="1", name="a/b<script>alert('scope')</script>")
    common = {"repository": repository, "created_at": now, "updated_at": now}
    Issue.objects.create(id=1, number=1, is_pull_request=False, title=CONTENTS["script"], state="open", **common)
    found: list[int] = []
    for number, text in enumerate(CONTENTS.values(), start=1):
        IssueComment.objects.create(id=number, issue_number=1, body=text, html_url="javascript:alert(1)", **common)
        Revision.objects.create(
            repository=repository, kind="issue_comment", object_id=number, body=text, written_at=now, replaced_at=now
        )
        row = make_activity(
            source_system="github", external_id=f"github:issue_comment:{number}", scope=scope,
            thread="github:issue:1:1", activity_type="github.issue_comment", occurred_at=now,
            actor_external_id=str(number), actor_name=text[:190],
            source_url="javascript:alert('source')", summary=text[:290], edited_at=now,
            deleted_at=now if number % 2 else None,
        )  # fmt: skip
        found.append(row.pk)
    return found


def test_there_are_twenty() -> None:
    assert len(CONTENTS) == 20


@pytest.mark.parametrize("address", quick(PAGES, PAGES[1]))
def test_a_page_full_of_hostile_contents_does_nothing(hostile: list[int], page: Page, staff: Any, address: str) -> None:
    page.goto(address)
    page.wait_for_load_state("networkidle")
    main = page.locator("main")
    for tag in ("script", "iframe", "object", "style", "svg", "img[src*=elsewhere]", "form[action*=elsewhere]"):
        assert main.locator(tag).count() == 0, tag
    links = main.locator("a").evaluate_all("all => all.map(a => a.getAttribute('href') || '')")
    assert [link for link in links if link.lower().startswith(("javascript:", "data:", "//"))] == []
    expect(page.locator("#site-name")).to_be_visible()


@pytest.mark.parametrize("address", quick(PAGES[:3], PAGES[1]))
def test_nothing_hides_on_our_pages(hostile: list[int], page: Page, staff: Any, address: str) -> None:
    page.goto(address)
    shown = page.locator("main").inner_text()
    assert [f"U+{ord(sign):04X}" for sign in HIDDEN if sign in shown] == []


def test_pictures_are_links_and_links_into_this_site_lead_nowhere(hostile: list[int], page: Page, staff: Any) -> None:
    page.goto(PAGES[1])
    expect(page.locator('.body a[href="https://elsewhere.example/pixel.png?who=you"]').first).to_have_text("[tracked]")
    assert page.locator('.body a[href^="/"], .body a[href^="."]').count() == 0


@pytest.mark.slow
def test_a_text_of_a_million_characters_is_shown_in_pieces(
    hostile: list[int], watched: WatchedPage, page: Page, staff: Any
) -> None:
    at = hostile[list(CONTENTS).index("long")]
    page.goto(f"/admin/timeline/github/thread/?id={quote('github:issue:1:1')}")
    page.locator(f"#activity-{at}").get_by_role("link", name="Show all").click()
    expect(page.get_by_text("Piece 1 of 11")).to_be_visible()
    page.goto(f"/admin/timeline/{at}/text/?piece=11")
    expect(page.locator("pre.body")).to_contain_text("<script>alert('late')</script>")
