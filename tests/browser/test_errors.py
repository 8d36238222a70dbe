"""Errors and deployments in the browser: a group appears, its jobs go back, and a deployment stands in the charts."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from jobs.domain.error_group import ErrorTally
from jobs.domain.status import Status
from tests.browser.conftest import OpenWindow, Place, Site


def blame(place: Place, *letters: str) -> None:
    """Note the failures of dead letters in their group, as their workers would."""
    tally = ErrorTally()
    for job_id in letters:
        job = place.bench.get(job_id)
        assert job.error is not None
        tally.note(job.kind, job_id, job.error, job.status, "2.5.0")
    place.bench.run(place.bench.backend.error_groups(place.bench.namespace).blame(tally.take()))


def point_at_the_mark(page: Page) -> None:
    """Move the mouse to the step in which the deployment is: the last one, unless a minute is over since."""
    share = page.locator("#throughput").evaluate(
        """({ dataset }) => {
          const [steps, { step }] = [JSON.parse(dataset.series)[0], JSON.parse(dataset.chart)];
          const [[at]] = JSON.parse(dataset.marks);
          const margin = step * 0.67;
          const [from, to] = [steps[0] - margin, steps.at(-1) + margin];
          return (steps.findLast((start) => start <= at) - from) / (to - from);
        }"""
    )
    box = page.locator("#throughput .u-over").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)


def test_an_error_appears_its_jobs_go_back_and_the_mend_is_marked(
    site: Site, place: Place, open_window: OpenWindow
) -> None:
    window = open_window(site, place.operator)
    page = window.go("/console/errors")
    expect(page.get_by_text("No errors")).to_be_visible()
    letters = [place.bench.dead_letter(kind="mail.send") for _ in range(2)]
    blame(place, *letters)
    page.get_by_role("link", name="ValueError").click()
    assert window.loads == 1, "it appeared, and was opened, without a reload"
    expect(page.get_by_role("heading", name="ValueError")).to_be_visible()
    expect(page.locator("#error")).to_contain_text("2.5.0")
    expect(page.locator("#error tbody tr[data-job]")).to_have_count(2)
    page.get_by_role("link", name="Its dead letters").click()
    page.get_by_role("button", name="Re-inject all 2").click()
    page.get_by_role("dialog").get_by_role("button", name="Re-inject all 2").click()
    expect(page.locator("#toasts")).to_contain_text("Re-injected 2 of 2 dead letters.")
    assert {place.bench.get(job_id).status for job_id in letters} == {Status.QUEUED}
    page.goto("/console/history")
    page.get_by_role("button", name="Mark a deployment").click()
    form = page.get_by_role("dialog", name="Mark a deployment")
    form.get_by_label("Version").fill("2.6.0")
    form.get_by_label("Note").fill("mends <b>mail</b>")
    form.get_by_role("button", name="Mark it").click()
    expect(page.locator("#toasts")).to_contain_text("Marked the deployment of 2.6.0.")
    expect(page.locator(".deploys")).to_contain_text("mends <b>mail</b>")
    page.goto("/console/")
    chart = page.locator("#throughput")
    expect(chart).to_have_attribute("data-marks", re.compile(r'"2\.6\.0"'))
    window.hold_updates()
    point_at_the_mark(page)
    expect(chart.locator(".chart-tip")).to_contain_text("deployed2.6.0")
    window.keep("deploy-mark")
    assert window.violations() == []
