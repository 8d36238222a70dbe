"""A worker that falls silent is marked and no longer counted, without anybody loading a page anew."""

from __future__ import annotations

from playwright.sync_api import expect

from jobs.domain.queue import WorkerRecord
from tests.browser.conftest import OpenWindow, Place, Site
from tests.stores import LEASE_MS


def test_a_silent_worker_is_marked_by_itself(site: Site, place: Place, open_window: OpenWindow) -> None:
    record = WorkerRecord(
        id="host-1-2", host="host", pid=1, version="0.1.0", queues=("main",), kinds=("demo.echo",), concurrency=10,
        busy=1, started_at=1,
    )  # fmt: skip
    window = open_window(site, place.viewer)
    workers, overview = window.page, window.context.new_page()
    place.bench.run(place.bench.consumer.heartbeat(record))
    overview.goto("/console/")
    tile = overview.locator(".tile", has_text="Workers")
    expect(tile).to_contain_text("alive")
    place.bench.advance(4_000 - LEASE_MS)
    place.bench.run(place.bench.consumer.heartbeat(record))
    workers.goto("/console/workers")
    expect(workers.locator("#workers td.badge-cell")).to_have_text("Running")
    expect(workers.locator("#workers td.badge-cell")).to_contain_text("Silent for")
    expect(tile).to_contain_text("nobody takes jobs, 1 silent")
