"""Workflows in the browser: one runs before the eyes of a person, fails, is retried, and its rest is cancelled."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from jobs.domain.outcome import OutcomeKind
from jobs.domain.workflow import WorkflowSpec, WorkflowStatus
from tests.browser.conftest import OpenWindow, Place, Site
from tests.graph import Graph, steps_after

FAN = {"split": [], **{f"part-{number}": ["split"] for number in range(27)}}


def graph_of(place: Place, after: dict[str, list[str]], name: str = "order") -> Graph:
    return Graph(place.bench, WorkflowSpec(name=name, steps=steps_after(after)))


def test_a_workflow_is_watched_from_its_start_to_its_retry(site: Site, place: Place, open_window: OpenWindow) -> None:
    page = open_window(site, place.operator).go("/console/workflows")
    expect(page.get_by_text("No workflows yet")).to_be_visible()
    graph = graph_of(place, {"charge": [], "pack": ["charge"], "mail": ["charge"], "close": ["pack", "mail"]})
    page.locator(f"#workflow-{graph.id}").get_by_role("link", name="order").click()
    expect(page.get_by_role("heading", name="order")).to_be_visible()
    box = page.locator(".graph .step")
    expect(box).to_have_count(4)
    expect(box.filter(has_text="charge")).to_have_attribute("data-status", "queued")
    place.bench.settle(graph.leases()["charge"], OutcomeKind.COMPLETED)
    expect(box.filter(has_text="charge")).to_have_attribute("data-status", "completed")
    expect(box.filter(has_text="pack")).to_have_attribute("data-status", "queued")
    graph.run_out(failing=["pack"])
    expect(box.filter(has_text="pack")).to_have_attribute("data-status", "dead_letter")
    graph.tend()
    expect(page.locator(".banner")).to_contain_text("1 step failed for good: pack")
    page.get_by_role("button", name="Retry what failed").click()
    dialog = page.get_by_role("dialog", name="Retry what failed")
    expect(dialog).to_contain_text("1 dead letter goes back")
    dialog.get_by_label("Reason").fill("there is paper now")
    dialog.get_by_role("button", name="Retry the steps").click()
    expect(page.locator("#toasts")).to_contain_text("runs on from what failed")
    expect(box.filter(has_text="pack")).to_have_attribute("data-status", "queued")
    box.filter(has_text="pack").click()
    expect(page.get_by_role("link", name=f"{graph.id[:8]}…{graph.id[-6:]}")).to_be_visible()
    page.go_back()
    page.get_by_role("button", name="Cancel the rest").click()
    page.get_by_role("button", name="Cancel the steps").click()
    expect(box.filter(has_text="close")).to_have_attribute("data-status", "cancelled")
    assert graph.look().status is WorkflowStatus.CANCELLED


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_its_pages_fit_and_have_no_serious_barrier(
    site: Site, place: Place, open_window: OpenWindow, width: int, scheme: str
) -> None:
    window = open_window(site, place.admin, viewport={"width": width, "height": 800}, color_scheme=scheme)
    window.go("/console/workflows")
    assert (window.violations(), window.has_sideways_scroll()) == ([], False)
    long = "w" * 120
    graphs = [
        graph_of(place, {f"{long}-1": [], f"{long}-2": [f"{long}-1"], "m" * 128: [f"{long}-1"]}, long),
        graph_of(place, FAN | {"close": [name for name in FAN if name != "split"], "end": ["close", "split"]}),
        graph_of(place, {f"s-{number}": [] for number in range(201)}),
    ]
    place.bench.fail(graphs[0].leases(1)[f"{long}-1"])
    for path in ("/console/workflows", *(f"/console/workflows/{graph.id}" for graph in graphs)):
        page = window.go(path)
        expect(page.locator("h1")).to_be_visible()
        found = window.violations("color-contrast" if scheme == "dark" else "")
        assert (path, found, window.has_sideways_scroll()) == (path, [], False)
