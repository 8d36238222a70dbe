"""What somebody may not do has no button, and is refused when it is asked for all the same."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from jobs.domain.status import Status
from tests.browser.conftest import OpenWindow, Place, Site
from tests.stores import letters_address, letters_group

ACTS = (
    "Re-inject",
    "Re-inject 1",
    "Edit and re-inject",
    "Discard",
    "Discard 1",
    "Cancel",
    "Run now",
    "Resume",
    "Purge main",
)


def has_acts(page: Page) -> bool:
    expect(page.locator("h1")).to_be_visible()
    return any(page.locator("#page").get_by_role("button", name=name, exact=True).count() for name in ACTS)


def test_a_viewer_sees_everything_and_may_touch_nothing(site: Site, place: Place, open_window: OpenWindow) -> None:
    letter = place.bench.dead_letter()
    waiting = place.bench.submit()
    window = open_window(site, place.viewer)
    window.expect_fault("403")
    page = window.go(f"/console/jobs/{letter}")
    expect(page.get_by_text("ValueError: no").first).to_be_visible()
    pages = [f"/console/jobs/{letter}", f"/console/jobs/{waiting}", "/console/queues", "/console/dead-letters"]
    assert [has_acts(window.go(path)) for path in pages] == [False] * 4
    assert not has_acts(window.go(f"/console/{letters_address()}"))
    expect(page.get_by_role("checkbox")).to_have_count(0)
    forms = {
        f"/console/jobs/{letter}/retry": {},
        f"/console/jobs/{letter}/discard": {},
        f"/console/jobs/{waiting}/cancel": {},
        "/console/queues/main/pause": {"reason": "x"},
        "/console/queues/main/purge": {"confirm": "main"},
        "/console/dead-letters/selected": {"id": letter, "action": "retry"},
        "/console/dead-letters/group": {"group": letters_group(), "action": "discard"},
    }
    assert {path: window.post(path, **fields) for path, fields in forms.items()} == dict.fromkeys(forms, 403)
    assert place.bench.get(letter).status is Status.DEAD_LETTER
    assert place.bench.get(waiting).status is Status.QUEUED


def test_an_operator_has_the_buttons_that_a_viewer_lacks(site: Site, place: Place, open_window: OpenWindow) -> None:
    letter = place.bench.dead_letter()
    window = open_window(site, place.operator)
    pages = [f"/console/jobs/{letter}", "/console/queues", "/console/dead-letters"]
    assert [has_acts(window.go(path)) for path in pages] == [True] * 3


def test_a_viewer_of_the_audit_log_is_told_whom_to_ask(site: Site, place: Place, open_window: OpenWindow) -> None:
    window = open_window(site, place.viewer)
    window.expect_fault("403")
    page = window.go("/console/audit")
    expect(page.get_by_role("alert")).to_contain_text("Your role does not allow this")
    expect(page.get_by_role("link", name="Audit")).to_have_count(0)


def test_signing_out_ends_the_session_everywhere(site: Site, place: Place, open_window: OpenWindow) -> None:
    window = open_window(site, place.admin)
    page = window.go("/console/jobs")
    other = window.context.new_page()
    other.goto("/console/queues")
    page.locator(".side").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to IronForge")).to_be_visible()
    # The other window notices by itself, at the latest when its socket is closed.
    other.get_by_role("link", name="Workers").click()
    expect(other.get_by_role("heading", name="Sign in to IronForge")).to_be_visible()
