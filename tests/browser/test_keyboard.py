"""Everything can be done with the keyboard alone, and one always sees where one is."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from jobs.domain.status import Status
from tests.browser.conftest import OpenWindow, Place, Site

MOST_STEPS = 40


def focus_on(page: Page, name: str) -> None:
    """Press Tab until the element of that name has the focus; the way there is short and the focus is visible."""
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        said, is_seen = page.evaluate(
            "() => { const at = document.activeElement; const look = getComputedStyle(at);"
            "return [at.getAttribute('aria-label') || at.textContent.trim(),"
            "look.outlineStyle !== 'none' || look.boxShadow !== 'none'] }"
        )
        assert is_seen, f"the focus on {said!r} cannot be seen"
        if said == name:
            return
    raise AssertionError(f"{name!r} is not within {MOST_STEPS} steps")


def test_signing_in_takes_no_mouse(site: Site, open_window: OpenWindow) -> None:
    page = open_window(site).go("/console/dead-letters")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("admin")
    page.keyboard.press("Tab")
    page.keyboard.type(site.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Dead letters")).to_be_visible()


def test_a_dead_letter_is_found_read_and_retried_without_a_mouse(
    site: Site, place: Place, open_window: OpenWindow
) -> None:
    letter = place.bench.dead_letter()
    window = open_window(site, place.operator)
    page = window.go("/console/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()
    window.press_in_turn("g", "d")
    # Loaded: before its scripts are there a page takes no keys.
    page.wait_for_url("**/console/dead-letters", wait_until="load")
    expect(page.get_by_role("heading", name="Dead letters")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type(letter)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(letter), wait_until="load")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    focus_on(page, "Re-inject")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Re-injected demo.echo")
    assert place.bench.get(letter).status is Status.QUEUED


def test_a_question_is_answered_without_a_mouse(site: Site, place: Place, open_window: OpenWindow) -> None:
    waiting = place.bench.submit()
    page = open_window(site, place.operator).go(f"/console/jobs/{waiting}")
    page.locator("#page").focus()
    focus_on(page, "Cancel")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    focus_on(page, "Back")
    focus_on(page, "Cancel the job")
    page.keyboard.press("Enter")
    expect(page.locator("#job .status").first).to_have_attribute("data-status", "cancelled")


def test_rows_are_walked_and_ticked_with_keys(site: Site, place: Place, open_window: OpenWindow) -> None:
    jobs = [place.bench.submit() for _ in range(3)]
    page = open_window(site, place.operator).go("/console/jobs")
    expect(page.locator("#live-pill")).to_have_text("Live")
    for _ in range(2):
        page.keyboard.press("j")
    second = page.locator("tbody > tr").nth(1)
    expect(second.get_by_role("link").first).to_be_focused()
    page.keyboard.press("x")
    expect(second.get_by_role("checkbox")).to_be_checked()
    page.keyboard.press("x")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("|".join(jobs)))


def test_live_updates_stop_and_go_on_with_a_key(site: Site, place: Place, open_window: OpenWindow) -> None:
    page = open_window(site, place.viewer).go("/console/jobs")
    pill = page.locator("#live-pill")
    expect(pill).to_have_attribute("data-state", "live")
    page.keyboard.press("p")
    expect(pill).to_have_attribute("data-state", "paused")
    job_id = place.bench.submit()
    page.keyboard.press("p")
    expect(pill).to_have_attribute("data-state", "live")
    expect(page.locator(f"#job-{job_id}")).to_be_visible()


def test_the_palette_leads_to_queues_pages_and_jobs_and_pauses(
    site: Site, place: Place, open_window: OpenWindow
) -> None:
    job_id = place.bench.submit(queue="mail")
    window = open_window(site, place.operator)
    page = window.go("/console/workers")
    page.locator("#live-pause").focus()
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Page, queue, job id or act")
    expect(box).to_be_focused()
    page.keyboard.type("mail")
    expect(page.get_by_role("option")).to_have_text(["mailQueue", "Pause queue mailAct", "mailFind"])
    assert window.violations() == []
    page.keyboard.press("Escape")
    expect(page.locator("#live-pause")).to_be_focused()
    page.keyboard.press("Control+k")
    page.keyboard.type("pause mail")
    expect(page.get_by_role("option", selected=True)).to_contain_text("Pause queue mail")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Paused mail")
    # A page that is but seen may not have its scripts yet.
    page.wait_for_load_state("load")
    page.keyboard.press("Control+k")
    page.keyboard.type("export jobs")
    expect(page.get_by_role("option", selected=True)).to_contain_text("Export jobs")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Export jobs")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type(job_id)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/console/jobs/{job_id}$"))
