"""Bulk operations in the browser: all that match are previewed, then done at a pace, and seen to their end."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from jobs.domain.job import JobSpec
from tests.browser.conftest import OpenWindow, Place, Site


def preview_cancel(page: Page, pace: str) -> None:
    """Ask to cancel at a pace what the list shows."""
    page.get_by_role("button", name="Act on").click()
    dialog = page.get_by_role("dialog", name="Act on many jobs")
    dialog.get_by_label("What to do").select_option("cancel")
    dialog.get_by_label("At most so many a second").fill(pace)
    dialog.get_by_role("button", name="Preview").click()


def test_all_that_match_are_found_and_then_cancelled_at_a_pace(
    site: Site, place: Place, open_window: OpenWindow
) -> None:
    place.bench.submit_all([JobSpec(kind="mail.send", queue="bulk-a")] * 12)
    kept = place.bench.submit(kind="report.build", queue="bulk-a")
    page = open_window(site, place.operator).go("/console/jobs?status=queued&kind=mail.send")
    preview_cancel(page, pace="1")
    expect(page.get_by_role("heading", name="Cancel 12 jobs")).to_be_visible()
    assert len(place.bench.queue_ids("bulk-a")) == 13
    page.get_by_role("button", name="Do it").click()
    # At this pace it is at work for long enough to be held, however slow the page is.
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    page.get_by_role("button", name="Abort").click()
    expect(page.locator("#operation")).to_contain_text("Ended")
    left = len(place.bench.queue_ids("bulk-a")) - 1
    assert 0 < left < 12
    expect(page.locator("#operation")).to_contain_text(f"{12 - left} done")
    page.goto("/console/jobs?status=queued&kind=mail.send")
    preview_cancel(page, pace="8000")
    expect(page.get_by_role("heading", name=f"Cancel {left} job")).to_be_visible()
    page.get_by_role("button", name="Do it").click()
    expect(page.locator("#operation")).to_contain_text(f"{left} done")
    expect(page.locator("#operation")).to_contain_text("Ended")
    assert place.bench.queue_ids("bulk-a") == [kept]


def test_ticked_jobs_are_what_is_acted_on(site: Site, place: Place, open_window: OpenWindow) -> None:
    first, second = (place.bench.submit(queue="bulk-b") for _ in range(2))
    page = open_window(site, place.operator).go("/console/jobs?status=queued")
    page.get_by_label("Tick all").check()
    expect(page.get_by_role("button", name="Act on many (2)")).to_be_visible()
    page.get_by_label(f"Tick {first}").uncheck()
    page.get_by_role("button", name="Act on many (1)").click()
    dialog = page.get_by_role("dialog", name="Act on many jobs")
    dialog.get_by_label("What to do").select_option("move")
    dialog.get_by_label("To which queue").fill("bulk-c")
    dialog.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Do it").click()
    expect(page.locator("#operation")).to_contain_text("1 done")
    assert (place.bench.queue_ids("bulk-b"), place.bench.queue_ids("bulk-c")) == ([first], [second])


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_its_pages_fit_and_have_no_serious_barrier(
    site: Site, place: Place, open_window: OpenWindow, width: int, scheme: str
) -> None:
    place.bench.submit_all([JobSpec(kind="k" * 100, queue="a-queue-with-a-rather-long-name.of-sixty")] * 3)
    window = open_window(site, place.admin, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = window.go("/console/jobs")
    page.get_by_role("button", name="Act on").click()
    assert (window.violations(), window.has_sideways_scroll()) == ([], False)
    page.get_by_role("dialog", name="Act on many jobs").get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="Cancel 3 jobs")).to_be_visible()
    assert (window.violations(), window.has_sideways_scroll()) == ([], False)
    page = window.go("/console/operations")
    expect(page.get_by_text("previewed", exact=True).first).to_be_visible()
    assert (window.violations(), window.has_sideways_scroll()) == ([], False)
