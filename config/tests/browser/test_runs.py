"""The page of a run shows its progress, and people can retry skipped items."""

from typing import Any

from django.utils import timezone
from playwright.sync_api import Page, expect

from core.models import CollectorRun, SkippedItem
from core.runs import recorded_run


def test_a_running_run_tells_where_it_is_and_turns_into_its_result(page: Page, staff: Any) -> None:
    with recorded_run("github", {}) as run:
        CollectorRun.objects.filter(pk=run.pk).update(
            progress={"phase": "run", "scope": "saltmarsh-works/tidewatch", "stream": "issues", "seen": 40, "total": 80}
        )
        page.goto(f"/admin/core/collectorrun/{run.pk}/change/")
        expect(page.get_by_text("40 of 80 items")).to_be_visible()
        CollectorRun.objects.filter(pk=run.pk).update(
            progress={"phase": "run", "scope": "saltmarsh-works/tidewatch", "stream": "issues", "seen": 70, "total": 80}
        )
        expect(page.get_by_text("70 of 80 items")).to_be_visible()
        CollectorRun.objects.filter(pk=run.pk).update(outcome="succeeded", finished_at=timezone.now(), progress={})
        expect(page.locator("#live")).to_have_count(0)
        expect(page.get_by_text("Succeeded").first).to_be_visible()


def test_a_run_whose_process_is_gone_says_so(page: Page, staff: Any) -> None:
    run = CollectorRun.objects.create(collector="github", host="gone", pid=1, started_at=timezone.now())
    page.goto(f"/admin/core/collectorrun/{run.pk}/change/")
    expect(page.get_by_text("The process has ended")).to_be_visible()


def test_retry_asks_for_one_item_or_for_all(page: Page, staff: Any) -> None:
    now = timezone.now()
    run = CollectorRun.objects.create(collector="github", host="here", pid=1, started_at=now, outcome="partial")
    for number in ("1", "2"):
        SkippedItem.objects.create(
            run=run, collector="github", scope="1", stream="issues", external_id=number, reason="malformed",
            first_seen_at=now, last_seen_at=now,
        )  # fmt: skip
    page.goto(f"/admin/core/collectorrun/{run.pk}/change/")
    page.get_by_role("button", name="Retry 1", exact=True).click()
    expect(page.get_by_text("The next run will retry 1 item.")).to_be_visible()
    assert list(SkippedItem.objects.exclude(retry_requested_at=None).values_list("external_id", flat=True)) == ["1"]
    page.get_by_role("button", name="Retry all items of this run").click()
    expect(page.get_by_text("The next run will retry 2 items.")).to_be_visible()
    assert SkippedItem.objects.filter(retry_requested_at=None).count() == 0
