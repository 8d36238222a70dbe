"""Dead letters in the browser: some are ticked and sent back, a whole group is, and others are given up."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from jobs.domain.status import Status
from tests.browser.conftest import OpenWindow, Place, Site
from tests.stores import letters_address

GROUP = f"/console/{letters_address()}"


def test_ticked_letters_go_back_and_the_others_stay(site: Site, place: Place, open_window: OpenWindow) -> None:
    first, second, third = (place.bench.dead_letter() for _ in range(3))
    page = open_window(site, place.operator).go(GROUP)
    expect(page.get_by_role("button", name="Re-inject ticked")).to_be_disabled()
    page.get_by_label(f"Tick {first}").check()
    page.get_by_label(f"Tick {third}").check()
    page.get_by_role("button", name="Re-inject ticked (2)").click()
    expect(page.locator("#toasts")).to_contain_text("Re-injected 2 of 2 dead letters.")
    expect(page.locator(f"#job-{first}")).to_have_count(0)
    expect(page.locator(f"#job-{second}")).to_be_visible()
    found = [place.bench.get(job_id).status for job_id in (first, second, third)]
    assert found == [Status.QUEUED, Status.DEAD_LETTER, Status.QUEUED]


def test_ticked_letters_are_discarded_after_a_question_that_names_their_number(
    site: Site, place: Place, open_window: OpenWindow
) -> None:
    letters = [place.bench.dead_letter() for _ in range(2)]
    page = open_window(site, place.operator).go(GROUP)
    page.get_by_label("Tick all").check()
    page.get_by_role("button", name="Discard ticked (2)").click()
    dialog = page.get_by_role("dialog", name=re.compile("Discard the ticked"))
    expect(dialog).to_contain_text("Discard the ticked dead letters (2)?")
    dialog.get_by_role("button", name="Discard them").click()
    expect(page.get_by_text("No dead letters", exact=True)).to_be_visible()
    assert {place.bench.get(job_id).reason for job_id in letters} == {"discarded"}


def test_a_whole_group_goes_back_and_another_is_discarded(site: Site, place: Place, open_window: OpenWindow) -> None:
    returning = [place.bench.dead_letter(kind="mail.send") for _ in range(3)]
    given_up = [place.bench.dead_letter(kind="report.build") for _ in range(2)]
    page = open_window(site, place.operator).go("/console/dead-letters")
    group = page.get_by_role("region", name="ValueError in mail.send")
    group.get_by_role("button", name="Re-inject all 3").click()
    expect(group.get_by_role("dialog")).to_contain_text("Re-inject all 3 dead letters?")
    expect(group.get_by_role("dialog")).to_contain_text("All jobs of kind mail.send that died of ValueError")
    group.get_by_role("dialog").get_by_role("button", name="Re-inject all 3").click()
    expect(page.locator("#toasts")).to_contain_text("Re-injected 3 of 3 dead letters.")
    # Nobody asked anything of the group that has moved up to the first one's place.
    expect(page.get_by_role("region", name="ValueError in mail.send")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)
    group = page.get_by_role("region", name="ValueError in report.build")
    group.get_by_role("button", name="Discard all 2").click()
    group.get_by_role("dialog").get_by_role("button", name="Discard all 2").click()
    expect(page.locator("#toasts")).to_contain_text("Discarded 2 of 2 dead letters.")
    expect(page.get_by_text("No dead letters", exact=True)).to_be_visible()
    assert {place.bench.get(job_id).status for job_id in returning} == {Status.QUEUED}
    assert {place.bench.get(job_id).status for job_id in given_up} == {Status.CANCELLED}


def test_one_letter_is_sent_back_from_its_row(site: Site, place: Place, open_window: OpenWindow) -> None:
    letter, other = place.bench.dead_letter(), place.bench.dead_letter()
    page = open_window(site, place.operator).go(GROUP)
    page.locator(f"#job-{letter}").get_by_role("button", name="Re-inject").click()
    expect(page.locator("#toasts")).to_contain_text(f"Re-injected demo.echo {letter} into main.")
    expect(page.locator(f"#job-{other}")).to_be_visible()
    assert place.bench.get(letter).status is Status.QUEUED


def test_one_letter_is_edited_from_its_row_and_the_note_leads_to_the_audit_entry(
    site: Site, place: Place, open_window: OpenWindow
) -> None:
    letter, other = place.bench.dead_letter(payload=b'{"a": 1}'), place.bench.dead_letter()
    window = open_window(site, place.admin)
    window.expect_fault("422")
    page = window.go(GROUP)
    page.get_by_role("link", name=f"Edit and re-inject {letter}").click()
    field = page.get_by_label("Payload (JSON)")
    expect(field).to_have_value('{\n  "a": 1\n}')
    assert window.violations() == []
    field.fill('{"a": 1e999}')
    page.get_by_role("button", name="Re-inject with this payload").click()
    expect(page.get_by_role("alert")).to_contain_text("number")
    expect(field).to_have_value('{"a": 1e999}')
    field.fill('{"a": 2}')
    page.get_by_role("button", name="Re-inject with this payload").click()
    expect(page.locator("#toasts")).to_contain_text(
        f"Re-injected demo.echo {letter} into main with the edited payload."
    )
    expect(page.locator(f"#job-{other}")).to_be_visible()
    assert page.url.endswith(GROUP)
    assert place.bench.get(letter).payload == b'{"a":2}'
    page.locator("#toasts").get_by_role("link", name="Audit entry").click()
    expect(page.locator("tr[aria-current=true]")).to_contain_text("job.retry")
    expect(page.get_by_role("region", name=re.compile("Entry"))).to_contain_text(letter)
    assert window.violations() == []


def test_one_letter_is_discarded_on_its_page(site: Site, place: Place, open_window: OpenWindow) -> None:
    letter = place.bench.dead_letter()
    page = open_window(site, place.operator).go(f"/console/jobs/{letter}")
    page.get_by_role("button", name="Discard", exact=True).click()
    page.get_by_role("button", name="Discard the job").click()
    expect(page.locator("#job .status").first).to_have_attribute("data-status", "cancelled")
    expect(page.locator(".trail").first).to_contain_text("discarded by a person")
