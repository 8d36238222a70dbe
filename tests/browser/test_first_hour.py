"""The journey of somebody who has just started IronForge: sign in, submit, watch, see a failure, send it back."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenWindow, Site
from tests.journeys.moment import in_seconds


def status_on(page: Page, status: str) -> None:
    expect(page.locator(f"#job .status[data-status={status}]")).to_be_visible()


def test_a_job_submitted_over_http_appears_and_finishes_before_the_eyes_of_the_first_administrator(
    site: Site, open_window: OpenWindow
) -> None:
    window = open_window(site)
    page = window.go("/")
    expect(page).to_have_url(re.compile("/console/login"))
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(site.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.get_by_role("link", name="Jobs", exact=True).click()
    # The page left behind has a pill too, which is live: only from here on is it the new page's.
    page.wait_for_url("**/console/jobs", wait_until="load")
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")
    loads = window.loads
    job_id = site.api.submit("demo.sleep", {"ms": 1_500}, metadata={"order": "4711"})
    row = page.locator(f"#job-{job_id}")
    expect(row).to_contain_text("demo.sleep")
    expect(row.locator(".status")).to_have_attribute("data-status", "completed")
    assert window.loads == loads, "the page was loaded anew"
    row.get_by_role("link", name="demo.sleep").click()
    expect(page.get_by_role("link", name='"4711"')).to_be_visible()
    expect(page.get_by_text("slept_ms")).to_be_visible()


def test_a_failure_is_read_and_retried_with_a_click_and_completes(site: Site, open_window: OpenWindow) -> None:
    job_id = site.api.submit("demo.fail", {"times": 1}, max_retries=0)
    assert site.api.final(job_id)["status"] == "dead_letter"
    page = open_window(site, site.people["default", "operator"]).go("/console/dead-letters")
    page.get_by_role("link", name=re.compile("DemoFailure")).click()
    page.locator(f"#job-{job_id} a.rowlink").click()
    page.wait_for_url(f"**/console/jobs/{job_id}")
    status_on(page, "dead_letter")
    expect(page.locator(".banner")).to_contain_text("DemoFailure: attempt 1 of 1 that are to fail")
    expect(page.locator(".frames")).to_contain_text("in fail")
    page.get_by_text("Whole traceback").click()
    expect(page.locator("pre")).to_contain_text("Traceback (most recent call last)")
    page.get_by_role("button", name="Re-inject", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text(f"Re-injected demo.fail {job_id} into main.")
    status_on(page, "completed")
    expect(page.get_by_role("heading", name="Done by people")).to_be_visible()
    expect(page.locator("#attempt-1")).to_contain_text("failed")
    expect(page.locator("#attempt-2")).to_contain_text("completed")


def test_a_dead_letter_completes_with_an_edited_payload(site: Site, open_window: OpenWindow) -> None:
    job_id = site.api.submit("email.send", {"to": "nowhere"})
    site.api.final(job_id)
    page = open_window(site, site.people["default", "operator"]).go(f"/console/jobs/{job_id}")
    page.get_by_role("button", name="Edit and re-inject").click()
    field = page.get_by_role("textbox", name="Payload (JSON)")
    field.fill("{not json")
    page.get_by_role("button", name="Re-inject with this payload").click()
    assert field.evaluate("field => field.validationMessage").startswith("This is not JSON")
    field.fill('{"to": "user@example.com", "template": "welcome"}')
    page.get_by_role("button", name="Re-inject with this payload").click()
    status_on(page, "completed")
    assert site.api.job(job_id)["payload"] == {"to": "user@example.com", "template": "welcome"}


def test_a_waiting_job_is_cancelled_after_a_question(site: Site, open_window: OpenWindow) -> None:
    job_id = site.api.submit("demo.echo", None, scheduled_for=in_seconds(3600))
    page = open_window(site, site.people["default", "operator"]).go(f"/console/jobs/{job_id}")
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("The job will never run.")
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the job").click()
    status_on(page, "cancelled")
    assert site.api.job(job_id)["status"] == "cancelled"


def test_a_running_job_is_asked_to_stop(site: Site, open_window: OpenWindow) -> None:
    job_id = site.api.submit("demo.sleep", {"ms": 600_000}, timeout_ms=3_600_000)
    page = open_window(site, site.people["default", "operator"]).go(f"/console/jobs/{job_id}")
    status_on(page, "running")
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Ask it to stop").click()
    status_on(page, "cancelled")


def test_nothing_of_a_paused_queue_is_run_until_it_is_resumed(site: Site, open_window: OpenWindow) -> None:
    site.api.completed(site.api.submit("demo.echo"))
    page = open_window(site, site.people["default", "operator"]).go("/console/queues")
    row = page.locator("#queue-main")
    row.get_by_role("button", name="Pause").click()
    page.get_by_label("Reason, for your colleagues").fill("A <b>slow</b> disk")
    page.get_by_role("button", name="Pause the queue").click()
    expect(row).to_contain_text("Paused")
    expect(row).to_contain_text("by default-operator")
    expect(row).to_contain_text("A <b>slow</b> disk")
    job_id = site.api.submit("demo.echo")
    expect(row.locator("td[data-label=Ready]")).to_have_text("1")
    assert site.api.job(job_id)["status"] == "queued"
    row.get_by_role("button", name="Resume").click()
    expect(row).not_to_contain_text("Paused")
    site.api.completed(job_id)
    row.get_by_role("link", name="main", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("main")
    for chart in ("waits", "runs", "throughput"):
        expect(page.locator(f"#{chart} canvas")).to_be_visible()
    expect(page.locator(".tile").filter(has_text="Completed").locator(".tile-value")).not_to_have_text("0")
