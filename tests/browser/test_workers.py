"""A worker that falls silent is marked and no longer counted, without anybody loading a page anew."""

from __future__ import annotations

from playwright.sync_api import expect

from jobs.domain.queue import WorkerRecord
from tests.browser.conftest import OpenWindow, Place, Site
from tests.stores import LEASE_MS

AHEAD_MS = 60_000


def heard(place: Place, ago_ms: int) -> None:
    """Have a worker heard for the last time at that moment. No event tells of it."""
    record = WorkerRecord(
        id="host-1-2", host="host", pid=1, version="0.1.0", queues=("main",), kinds=("demo.echo",), concurrency=10,
        busy=1, started_at=1,
    )  # fmt: skip
    place.bench.advance(-ago_ms)
    place.bench.run(place.bench.consumer.heartbeat(record))
    place.bench.advance(ago_ms)


def test_a_silent_worker_is_marked_by_itself(site: Site, place: Place, open_window: OpenWindow) -> None:
    window = open_window(site, place.viewer)
    workers, overview = window.page, window.context.new_page()
    # Ahead of time, so that it stays alive until both pages have shown it.
    heard(place, -AHEAD_MS)
    overview.goto("/console/")
    tile = overview.locator(".tile", has_text="Workers")
    expect(tile).to_contain_text("alive")
    workers.goto("/console/workers")
    expect(workers.locator("#workers td.badge-cell")).to_have_text("Running")
    for element, text in (
        (workers.locator("#workers td.badge-cell"), "Silent for"),
        (tile, "nobody takes jobs, 1 silent"),
    ):
        # Just silent: after two more leases it would be forgotten.
        heard(place, LEASE_MS + 1)
        expect(element).to_contain_text(text)
