"""The overview of a busy shop. The test leaves its picture in `test-artefacts/`; the README's is a copy of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenWindow, Site, site_of
from tests.browser.traffic import Traffic
from tests.journeys.installation import installation
from tests.processes.running import ROOT

PICTURE = ROOT / "test-artefacts" / "console-overview.png"
MINUTES = 60


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[Site, Traffic]]:
    """Return an installation after a busy hour, whose workers run elsewhere, and that hour."""
    with installation(tmp_path / "data", "--no-worker") as running:
        traffic = Traffic(running.data_dir, MINUTES)
        traffic.play()
        yield site_of(running, ("default",)), traffic
        traffic.close()


def test_the_overview_shows_what_a_busy_hour_left_behind(shop: tuple[Site, Traffic], open_window: OpenWindow) -> None:
    site, traffic = shop
    window = open_window(site, viewport={"width": 1440, "height": 1200})
    page = window.go("/")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(site.password)
    traffic.report_workers()
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
    page.mouse.move(0, 0)
    PICTURE.parent.mkdir(exist_ok=True)
    page.screenshot(path=PICTURE)
    page.get_by_role("link", name="1h").click()
    expect(page.locator("#throughput")).to_have_attribute("data-series", re.compile(r"^\[\[(\d+,){59}\d+\]"))
