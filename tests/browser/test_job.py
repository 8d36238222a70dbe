"""One job's page: a log that is held still to read, and secrets that are shown for a minute."""

from __future__ import annotations

from playwright.sync_api import expect

from jobs.domain.lease import Lease
from tests.browser.conftest import OpenWindow, Place, Site
from tests.browser.test_reports import tell
from tests.browser.visitor import Visitor


def running(place: Place) -> Lease:
    """Return the lease of a job with secrets that runs."""
    place.bench.submit(payload=b'{"n": 1, "deep": {"er": {"still": {"token": "t0p-secret"}}}, "pin": 7}')
    return place.bench.lease()


def reveal_all(window: Visitor) -> None:
    """Show what is masked."""
    page = window.page
    page.get_by_role("button", name="Reveal all").click()
    dialog = page.get_by_role("dialog", name="Reveal all of the payload")
    expect(dialog).to_contain_text("2 masked fields are shown for a minute")
    dialog.get_by_label("Reason").fill("ticket 7")
    dialog.get_by_role("button", name="Reveal", exact=True).click()


def test_a_held_log_stays_and_a_revealed_field_is_hidden_again(
    site: Site, place: Place, open_window: OpenWindow
) -> None:
    lease = running(place)
    tell(place, lease, 0.25, "first line")
    window = open_window(site, place.admin)
    window.page.clock.install()
    page = window.go(f"/console/jobs/{lease.job.id}")
    lines = page.locator(".log li")
    hold = page.locator("[data-log-hold]")
    hold.click()
    tell(place, lease, 0.5, "second line")
    expect(page.locator(".far")).to_contain_text("50 %")
    expect(lines).to_have_count(1)
    expect(hold).to_have_text("Held: follow again")
    hold.press("Enter")
    expect(lines).to_have_count(2)
    expect(hold).to_have_text("Following")

    reveal_all(window)
    secret = page.get_by_text("t0p-secret")
    expect(secret).to_be_visible()
    assert window.violations() == []
    assert page.url.endswith(lease.job.id), "the address of the answer is none to come back to"
    tell(place, lease, 0.75, "third line")
    page.clock.run_for(30_000)
    expect(secret).to_be_visible()
    page.clock.run_for(31_000)
    expect(secret).to_have_count(0)
    expect(page.locator(".far"), "live updates go on").to_contain_text("75 %")
    expect(page.locator("#page")).to_contain_text("ticket 7")
    page.reload()
    expect(page.get_by_text("t0p-secret")).to_have_count(0)
