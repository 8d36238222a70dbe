"""Workflows in the browser: one runs before the eyes of a person, fails, is retried, and its rest is cancelled."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import CDPSession, expect

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


def test_the_graph_is_zoomed_and_moved_and_stays_so(site: Site, place: Place, open_window: OpenWindow) -> None:
    graph = graph_of(place, FAN | {"close": [name for name in FAN if name != "split"]})
    window = open_window(site, place.viewer)
    page = window.go(f"/console/workflows/{graph.id}")
    frame, scale = page.locator(".graph"), page.locator("[data-graph-scale]")
    seen = 'document.querySelector("svg.drawing").getAttribute("viewBox")'
    expect(frame.locator(".step").last).to_be_in_viewport(ratio=1)
    whole = page.evaluate(seen)
    page.get_by_role("button", name="Larger").click()
    frame.press("1")
    expect(scale).to_have_text("100 %")
    place.bench.settle(graph.leases()["split"], OutcomeKind.COMPLETED)
    expect(frame.locator(".step", has_text="split")).to_have_attribute("data-status", "completed")
    # Fresh content comes as the server drew it and is zoomed a moment later: none of it while things are measured.
    window.hold_updates()
    expect(scale).to_have_text("100 %")
    before = page.evaluate(seen)
    frame.hover()
    page.mouse.down()
    page.mouse.move(400, 380, steps=3)
    page.mouse.up()
    assert page.evaluate(seen) != before
    assert page.url.endswith(graph.id), "the end of a drag on a step opens no job"
    before = page.evaluate(seen)
    page.mouse.wheel(0, 40)
    assert page.evaluate(seen) == before, "without Ctrl the page scrolls"
    frame.scroll_into_view_if_needed()
    page.keyboard.down("Control")
    frame.hover()
    page.mouse.wheel(0, -60)
    page.keyboard.up("Control")
    expect(scale).not_to_have_text("100 %")
    frame.press("Tab")
    expect(page.locator(".step:focus")).to_be_in_viewport(ratio=1)
    frame.press("0")
    assert page.evaluate(seen) == whole


def touch(session: CDPSession, *steps: list[tuple[float, float]]) -> None:
    """Put fingers down, move them from one place to the next and take them away."""
    for number, points in enumerate(steps):
        told = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": "touchMove" if number else "touchStart", "touchPoints": told})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_fingers_zoom_and_move_the_graph(site: Site, place: Place, open_window: OpenWindow) -> None:
    graph = graph_of(place, FAN | {"close": [name for name in FAN if name != "split"]})
    window = open_window(site, place.viewer, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = window.go(f"/console/workflows/{graph.id}")
    frame = page.locator(".graph")
    window.hold_updates()
    expect(frame).to_have_class(re.compile("is-driven"))
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + min(box["height"], 600) / 2

    def seen() -> list[float]:
        drawn = page.evaluate('document.querySelector("svg.drawing").getAttribute("viewBox")')
        return [float(number) for number in drawn.split()]

    session = page.context.new_cdp_session(page)
    whole, scrolled = seen(), page.evaluate("scrollY")
    touch(session, [(x - 20, y), (x + 20, y)], [(x - 50, y), (x + 50, y)], [(x - 80, y), (x + 80, y)])
    near = seen()
    assert near[2] == pytest.approx(whole[2] / 4, rel=0.05), "the fingers are four times as far apart"
    middle = whole[0] + whole[2] / 2
    assert near[0] + near[2] / 2 == pytest.approx(middle, abs=whole[2] / 20), "what is between them stays there"
    touch(session, [(x, y)], [(x + 20, y + 10)], [(x + 60, y + 30)])
    moved = seen()
    assert moved[0] < near[0]
    assert moved[1] < near[1]
    assert moved[2] == near[2]
    assert page.evaluate("[scrollY, visualViewport.scale]") == [scrolled, 1], "the page stays as it is"
    assert page.url.endswith(graph.id), "the end of a drag on a step opens no job"
    touch(session, [(x - 80, y), (x + 80, y)], [(x - 30, y), (x + 30, y)], [(x - 4, y), (x + 4, y)])
    assert seen()[2] == pytest.approx(whole[2], rel=0.01), "not smaller than the whole"


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
