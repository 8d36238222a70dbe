"""What the console shows of a busy shop: pictures for the guide, and whether those that it has still look alike."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import pictures
from tests.browser.conftest import OpenWindow, Site, site_of
from tests.browser.traffic import MINUTE_MS, Traffic
from tests.journeys.installation import installation

MINUTES = 60
STEPS = (
    {"name": "fetch", "kind": "orders.fetch", "queue": "flow"},
    {"name": "charge", "kind": "invoice.charge", "queue": "flow", "after": ["fetch"]},
    {"name": "pick", "kind": "parcel.pick", "queue": "flow", "after": ["fetch"]},
    {"name": "label", "kind": "parcel.label", "queue": "flow", "after": ["charge"]},
    {"name": "pack", "kind": "parcel.pack", "queue": "flow", "after": ["pick", "label"]},
    {"name": "tell", "kind": "email.send", "queue": "flow", "after": ["pack"]},
    {"name": "book", "kind": "ledger.book", "queue": "flow", "after": ["charge"]},
)
SCHEDULES = (
    {"name": "report.daily", "cron": "0 9 * * 1-5", "timezone": "Europe/Paris", "kind": "report.build"},
    {"name": "sessions.prune", "every_ms": 900_000, "kind": "sessions.prune"},
    {"name": "invoice.monthly", "cron": "30 2 1 * *", "timezone": "Europe/Paris", "kind": "invoice.charge"},
)
# What the guide shows: the name of a picture, and the address.
GUIDE = {
    "jobs": "/console/jobs",
    "dead-letters": "/console/dead-letters",
    "errors": "/console/errors",
    "queues": "/console/queues",
    "workers": "/console/workers",
    "schedules": "/console/schedules",
    "limits": "/console/limits",
}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[Site, Traffic]]:
    """Return an installation after a busy hour, whose workers run elsewhere, and that hour."""
    with installation(tmp_path / "data", "--no-worker") as running:
        traffic = Traffic(running.data_dir, MINUTES)
        traffic.play()
        yield site_of(running, ("default",)), traffic
        traffic.close()


def _told(site: Site, method: str, path: str, body: object) -> dict[str, object]:
    answer = site.api.ask(method, path, body)
    assert answer.status in (200, 201, 202), answer
    return answer.body


def furnish(site: Site, traffic: Traffic) -> str:
    """Add what the traffic has not: schedules, limits, a workflow half way through; return the workflow's id."""
    for schedule in SCHEDULES:
        _told(site, "POST", "/schedules", schedule)
    _told(site, "PUT", "/limits/kinds/invoice.charge", {"concurrency": 6})
    _told(site, "PUT", "/limits/queues/media", {"concurrency": 20, "rate": {"starts": 600, "period_ms": 60_000}})
    workflow = _told(site, "POST", "/workflows", {"name": "order.fulfil", "steps": STEPS})
    bench = traffic.bench
    for _ in range(3):
        bench.settle(bench.lease(queues=("flow",)), result=b'{"ok": true}')
    bench.lease(queues=("flow",))
    return str(workflow["id"])


def test_the_console_shows_what_a_busy_hour_left_behind(shop: tuple[Site, Traffic], open_window: OpenWindow) -> None:
    site, traffic = shop
    window = open_window(site, viewport={"width": 1440, "height": 1000})
    page = window.go("/")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(site.password)
    traffic.report_workers(ahead_ms=MINUTE_MS)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#live-pill")).to_have_text("Live")
    tiles = page.locator(".tile")
    expect(tiles.filter(has_text="Workers").locator(".tile-value")).to_have_text("3")
    expect(tiles.filter(has_text="Dead").locator(".tile-value")).to_have_text(re.compile(r"^[1-9]\d*$"))
    assert max(json.loads(page.locator("#throughput").get_attribute("data-series") or "[[0], [0]]")[1]) > 100
    expect(page.locator("#queue-reports")).to_contain_text("Paused")
    expect(page.locator("#queue-media td[data-label=Ready]")).to_have_text(re.compile(r"^\d{3}$"))
    expect(page.locator(".error-row").first).to_be_visible()
    page.locator("#throughput canvas").wait_for()
    made = [pictures.take(page, "overview")]
    page.get_by_role("link", name="1h").click()
    expect(page.locator("#throughput")).to_have_attribute("data-series", re.compile(r"^\[\[(\d+,){59}\d+\]"))
    made += _guide(page, traffic, furnish(site, traffic))
    if not pictures.ARE_NEW:
        differ = {each.name: round(pictures.difference(page, each), 3) for each in made}
        stale = {name: found for name, found in differ.items() if found > pictures.TOLERANCE}
        assert stale == {}, "docs/images shows other pages than there are: run `make pictures` and look at them"


def _guide(page: Page, traffic: Traffic, workflow_id: str) -> list[Path]:
    """Take the pictures of the guide."""
    page.goto("/console/jobs?status=dead_letter&queue=billing")
    letter = page.locator("tr a[href*='/console/jobs/']").first.get_attribute("href") or ""
    places = {**GUIDE, "job": letter, "workflow": f"/console/workflows/{workflow_id}"}
    made = []
    for name, address in places.items():
        traffic.report_workers()
        page.goto(address)
        expect(page.locator("h1")).to_be_visible()
        expect(page.locator("#live-pill")).to_have_text("Live")
        made.append(pictures.take(page, name))
    return made
