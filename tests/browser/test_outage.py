"""The store or the server goes away: the page says so, and is right again by itself when it is back."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenWindow, Site, site_of
from tests.journeys.installation import installation
from tests.waiting import until

# The states of the pill from then on.
NOTE_STATES = """
() => {
  const [pill, { dataset }] = [document.getElementById("live-pill"), document.documentElement];
  const note = () => { dataset.states = `${dataset.states ?? ""} ${pill.dataset.state}`; };
  new MutationObserver(note).observe(pill, { attributeFilter: ["data-state"] });
}
"""


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return an installation that may be broken."""
    with installation(tmp_path_factory.mktemp("fragile") / "data") as running:
        yield site_of(running, ("default",))


def live(page: Page) -> None:
    expect(page.locator("#live-pill")).to_have_text("Live")


def test_a_store_that_hangs_is_told_on_the_open_page_which_recovers(fragile: Site, open_window: OpenWindow) -> None:
    job_id = fragile.api.submit("demo.echo", "hello")
    window = open_window(fragile, fragile.people["default", "operator"])
    window.expect_fault("503")
    page = window.go("/console/jobs")
    expect(page.locator(f"#job-{job_id} .status")).to_have_attribute("data-status", "completed")
    live(page)
    loads = window.loads
    store = fragile.running.pid_of("store")
    os.kill(store, signal.SIGSTOP)
    try:
        expect(page.get_by_role("alert")).to_contain_text("The store does not answer.")
        expect(page.locator("#live-pill")).to_have_text("Store down")
        assert window.loads == loads, "the page was loaded anew"
        assert window.violations() == []
        page.get_by_role("link", name="Overview").click()
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        expect(page.get_by_role("alert")).to_contain_text("The store does not answer.")
    finally:
        os.kill(store, signal.SIGCONT)
    expect(page.locator("#tile-queued")).to_be_visible()
    live(page)


def test_an_act_that_the_store_cannot_take_is_told_and_not_pretended(fragile: Site, open_window: OpenWindow) -> None:
    window = open_window(fragile, fragile.people["default", "operator"])
    window.expect_fault("503")
    fragile.api.completed(fragile.api.submit("demo.echo"))
    page = window.go("/console/queues")
    page.locator("#queue-main").get_by_role("button", name="Pause").click()
    store = fragile.running.pid_of("store")
    os.kill(store, signal.SIGSTOP)
    try:
        page.get_by_role("button", name="Pause the queue").click()
        expect(page.get_by_role("alert")).to_contain_text("The store does not answer.")
        expect(page.locator("#toasts")).to_contain_text("Look whether it was done before you repeat it.")
        expect(page.locator("#toasts")).not_to_contain_text("Paused")
    finally:
        os.kill(store, signal.SIGCONT)
    expect(page.locator("#queue-main")).to_be_visible()
    # The store may have found the order when it went on, which is why nobody is told that nothing was done.
    until(lambda: fragile.api.ask("POST", "/queues/main/resume").status in (200, 409))


def test_a_store_that_is_killed_comes_back_with_every_job(fragile: Site, open_window: OpenWindow) -> None:
    window = open_window(fragile, fragile.people["default", "operator"])
    window.expect_fault("503")
    page = window.go("/console/jobs")
    live(page)
    before = fragile.api.submit("demo.echo")
    expect(page.locator(f"#job-{before}")).to_be_visible()
    killed = fragile.running.kill("store")
    fragile.running.log.wait_for("store.started", where=lambda entry: entry.get("pid") != killed)
    # The server learns of the new store with its next call.
    until(lambda: fragile.api.ask("GET", "/health/ready").status == 200)
    after = fragile.api.submit("demo.echo")
    fragile.api.completed(after)
    expect(page.locator(f"#job-{after} .status")).to_have_attribute("data-status", "completed")
    expect(page.locator(f"#job-{before} .status")).to_have_attribute("data-status", "completed")


def test_a_server_that_is_killed_is_missed_and_met_again(fragile: Site, open_window: OpenWindow) -> None:
    window = open_window(fragile, fragile.people["default", "operator"])
    window.expect_fault("ERR_|WebSocket|50[23]|Failed to fetch")
    page = window.go("/console/jobs")
    live(page)
    page.evaluate(NOTE_STATES)
    killed = fragile.running.kill("server")
    fragile.running.log.wait_for("server.started", where=lambda entry: entry.get("pid") != killed)
    # It may be back before anybody looks: the page itself has noted what its pill said.
    expect(page.locator("html")).to_have_attribute("data-states", re.compile("polling|stale|offline"))
    live(page)
    job_id = fragile.api.submit("demo.echo")
    fragile.api.completed(job_id)
    expect(page.locator(f"#job-{job_id} .status")).to_have_attribute("data-status", "completed")
