"""Webhooks in the browser: bound and set by clicks; a secret outlives live updates; the log follows and sends again."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from jobs.domain.job import JobError
from jobs.domain.naming import DELIVERY_QUEUE
from jobs.domain.outcome import OutcomeKind
from jobs.domain.status import Status
from tests.browser.conftest import OpenWindow, Place, Site

DELIVERIES = (DELIVERY_QUEUE,)


def test_a_kind_is_bound_and_its_secret_stays_until_it_is_dismissed(
    site: Site, place: Place, open_window: OpenWindow
) -> None:
    window = open_window(site, place.admin)
    page = window.go("/console/webhooks?status=completed")
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")
    page.get_by_role("button", name="Bind a kind").click()
    dialog = page.get_by_role("dialog", name="Bind a kind")
    dialog.get_by_label("Kind").fill("invoice.print")
    dialog.get_by_label("URL").fill("http://10.0.0.1/")
    dialog.get_by_role("button", name="Bind the kind").click()
    toasts = page.locator("#toasts")
    expect(toasts).to_contain_text("is not on the public Internet")
    # What was typed is still there, and the note lies above the dialog.
    expect(dialog.get_by_label("Kind")).to_have_value("invoice.print")
    toasts.get_by_role("button", name="Dismiss").click()
    dialog.get_by_label("URL").fill("https://8.8.8.8/" + "x" * 300)
    dialog.get_by_role("button", name="Bind the kind").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".secret")).to_have_text(re.compile(r"^whsec_\S{30,}$"))
    expect(page).to_have_url(re.compile(r"webhooks\?status=completed$"))
    assert window.violations() == []
    place.bench.submit(kind="mail.send", webhook="https://8.8.8.8/own")
    place.bench.settle(place.bench.lease())
    place.bench.settle(place.bench.lease(queues=DELIVERIES), result=b'{"status_code":200,"answer":"ok"}')
    expect(page.locator("#deliveries")).to_contain_text("HTTP 200")
    expect(page.locator(".secret")).to_be_visible()
    page.get_by_role("button", name="Dismiss the secret").click()
    expect(page.locator(".secret")).to_have_count(0)
    page.get_by_role("button", name="Unbind invoice.print").click()
    page.get_by_role("button", name="Unbind the kind").click()
    expect(page.get_by_text("No kind is bound")).to_be_visible()
    assert window.loads == 1


def test_the_log_follows_and_a_dead_letter_is_sent_again(site: Site, place: Place, open_window: OpenWindow) -> None:
    window = open_window(site, place.operator, viewport={"width": 360, "height": 740})
    page = window.go("/console/webhooks")
    expect(page.get_by_text("No deliveries")).to_be_visible()
    place.bench.submit(kind="k" * 128, webhook="https://8.8.8.8/" + "x" * 900)
    place.bench.settle(place.bench.lease())
    expect(page.locator("#deliveries .status")).to_have_attribute("data-status", "queued")
    lease = place.bench.lease(queues=DELIVERIES)
    error = JobError("http_410", f"The receiver answered 410: <b>{'y' * 900}")
    place.bench.settle(lease, OutcomeKind.DISCARDED, error=error)
    row = page.locator(f"#delivery-{lease.job.id}")
    expect(row).to_contain_text("HTTP 410")
    assert row.locator("b", has_text="yyy").count() == 0
    assert not window.has_sideways_scroll()
    assert window.violations() == []
    row.get_by_role("button", name="Send again").click()
    expect(page.locator("#toasts")).to_contain_text("under the same webhook-id")
    expect(row.locator(".status")).to_have_attribute("data-status", "queued")
    assert place.bench.get(lease.job.id).status is Status.QUEUED
    assert window.loads == 1


def test_the_webhook_is_set_and_removed_by_keys_and_clicks(site: Site, place: Place, open_window: OpenWindow) -> None:
    window = open_window(site, place.admin, color_scheme="dark")
    page = window.go("/console/")
    window.press_in_turn("g", "h")
    page.wait_for_url("**/console/webhooks", wait_until="load")
    expect(page.get_by_role("heading", name="Webhooks")).to_be_visible()
    page.get_by_role("button", name="Set a webhook").click()
    dialog = page.get_by_role("dialog", name="Set a webhook")
    dialog.get_by_label("URL").fill("https://8.8.8.8/hook")
    dialog.get_by_label("Cancelled").uncheck()
    assert window.violations() == []
    dialog.get_by_role("button", name="Set the webhook").click()
    expect(page.locator(".secret")).to_be_visible()
    expect(page.locator(".facts .status")).to_have_text(["Completed", "Dead letter"])
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Remove the webhook").click()
    expect(page.get_by_text("Nobody is told of the ends of jobs.")).to_be_visible()
