"""A running job's progress and log move by themselves; a worker is quieted and resumed by clicks."""

from __future__ import annotations

from playwright.sync_api import expect

from jobs.domain.lease import Lease
from jobs.domain.queue import WorkerRecord
from jobs.domain.report import Report, ReportLine
from jobs.domain.worker import WorkerOrder
from tests.browser.conftest import OpenWindow, Place, Site


def tell(place: Place, lease: Lease, fraction: float, *texts: str) -> None:
    """Have the job say something."""
    lines = tuple(ReportLine(0, "info", text) for text in texts)
    report = Report(job_id=lease.job.id, token=lease.token, fraction=fraction, text=f"{fraction} done", lines=lines)
    assert place.bench.run(place.bench.consumer.report([report])) == [True]


def test_the_bar_moves_and_lines_appear_without_a_reload(site: Site, place: Place, open_window: OpenWindow) -> None:
    job_id = place.bench.submit()
    lease = place.bench.lease()
    tell(place, lease, 0.25, "first line")
    page = open_window(site, place.viewer).page
    page.goto(f"/console/jobs/{job_id}")
    expect(page.locator(".far")).to_contain_text("25 %")
    tell(place, lease, 0.75, "second line", "x" * 1_900)
    expect(page.locator(".far")).to_contain_text("75 %")
    expect(page.locator(".log li")).to_have_count(3)
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_list_follows_how_far_jobs_are(site: Site, place: Place, open_window: OpenWindow) -> None:
    place.bench.submit()
    lease = place.bench.lease()
    tell(place, lease, 0.25)
    window = open_window(site, place.viewer)
    page = window.go("/console/jobs")
    expect(page.locator(".how-far")).to_have_text("25 %0.25 done")
    report = Report(job_id=lease.job.id, token=lease.token, fraction=0.75, text="<b>y</b>" * 25)
    assert place.bench.run(place.bench.consumer.report([report])) == [True]
    expect(page.locator(".how-far .num")).to_have_text("75 %")
    assert page.locator(".how-far b").count() == 0
    assert window.violations() == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert not window.has_sideways_scroll()
    assert window.loads == 1


def test_a_worker_is_quieted_and_resumed_by_clicks(site: Site, place: Place, open_window: OpenWindow) -> None:
    def beat(status: str) -> WorkerOrder:
        record = WorkerRecord(
            id="w-1", host="host-of-a-long-name.example", pid=7, version="0.1.0", queues=("main",), kinds=(),
            concurrency=10, busy=1, started_at=1, status=status,
        )  # fmt: skip
        return place.bench.run(place.bench.consumer.heartbeat(record))

    # Heard ahead of time, so that it does not fall silent while the page is looked at.
    place.bench.advance(60_000)
    beat("running")
    page = open_window(site, place.operator).page
    page.goto("/console/workers")
    page.get_by_role("button", name="Quiet").click()
    expect(page.locator(".toast-note")).to_contain_text("takes nothing new")
    assert beat("running") is WorkerOrder.QUIET
    beat("quiet")
    expect(page.locator("#workers td.badge-cell")).to_have_text("Quiet")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".toast-note").last).to_contain_text("takes jobs again")
    assert beat("quiet") is WorkerOrder.RUN
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Stop the worker").click()
    expect(page.locator(".toast-note").last).to_contain_text("drains and stops")
    assert beat("running") is WorkerOrder.TERMINATE
