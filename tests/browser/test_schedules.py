"""Schedules in the browser: tried out, made, run and paused by clicks, on a large and on a small screen."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenWindow, Place, Site

LONG_NAME = "a-schedule-with-a-rather-long-name.of-sixty-four-characters-all1"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_a_schedule_is_tried_out_made_run_and_paused(
    site: Site, place: Place, open_window: OpenWindow, width: int, scheme: str
) -> None:
    window = open_window(site, place.operator, viewport={"width": width, "height": 800}, color_scheme=scheme)
    window.expect_fault("422")
    page = window.go("/console/schedules")
    page.get_by_role("link", name="New schedule").click()
    page.get_by_label("Name").fill(LONG_NAME)
    page.get_by_label("Kind").fill("report.build")
    page.get_by_label("Cron expression").fill("30 2 * 3 8")
    page.get_by_label("Time zone").fill("Europe/Paris")
    page.get_by_label("Payload").fill('{"of": "yesterday"}')
    page.get_by_role("button", name="Make the schedule").click()
    expect(page.get_by_text("at character 10")).to_be_visible()
    page.get_by_label("Cron expression").fill("30 2 * 3 SUN")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_contain_text("T02:30:00+01:00")
    expect(page.get_by_label("Payload")).to_have_value('{"of": "yesterday"}')
    assert (window.violations(), window.has_sideways_scroll()) == ([], False)
    page.get_by_role("button", name="Make the schedule").click()
    expect(page.get_by_role("heading", name=LONG_NAME)).to_be_visible()
    page.get_by_role("button", name="Run now").click()
    expect(page).to_have_url(re.compile("/console/jobs/"))
    page.locator("dl.facts a[href*='/console/schedules/']").click()
    expect(page.locator("#fires")).to_contain_text("by hand")
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("dialog").get_by_label("Reason").fill("the source is down")
    page.get_by_role("button", name="Pause the schedule").click()
    expect(page.get_by_text("the source is down")).to_be_visible()
    assert (window.violations(), window.has_sideways_scroll()) == ([], False)
    window.go("/console/schedules")
    expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    assert (window.violations(), window.has_sideways_scroll()) == ([], False)
