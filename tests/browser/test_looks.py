"""Every page on a large and a small screen, light and dark: no serious barrier, no sideways scroll, small enough; a
picture of each is left under `test-artefacts/console/`."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Request, expect

from jobs.backends.redis.limits import RedisLimits
from jobs.domain.circuit import Circuit, CircuitState
from jobs.domain.limit import Limit, Rate
from jobs.domain.priority import Priority
from jobs.domain.queue import WorkerRecord
from tests.api.error_things import group_on
from tests.browser.conftest import OpenWindow, Place, Site
from tests.browser.visitor import Visitor
from tests.stores import letters_address

LONG = "x" * 180
MOST_BYTES = 250_000
TOUCH_PX = 44
# The number of the picture of the page that only who runs the installation sees.
SYSTEM = 90
BROKEN_BADGES = """
[...document.querySelectorAll(".status")]
  .filter((badge) => badge.scrollWidth > badge.clientWidth || badge.scrollHeight > 28
    || badge.getBoundingClientRect().right > badge.parentElement.getBoundingClientRect().right + 1)
  .map((badge) => badge.textContent)
"""
# Tables that have to be scrolled sideways, and words of a closed set that are cut into pieces.
SPILT = """
[...document.querySelectorAll(".table-wrap")].filter((wrap) => wrap.scrollWidth > wrap.clientWidth + 1)
  .map((wrap) => `a table of ${wrap.scrollWidth} px in ${wrap.clientWidth}`).concat(
    [...document.querySelectorAll(".tag.whole")].filter((tag) => tag.scrollHeight > 28).map((tag) => tag.textContent))
"""


def furnish(place: Place) -> list[str]:
    """Put a job of each look into a namespace and return all addresses worth looking at."""
    bench = place.bench
    dead = bench.dead_letter(payload=b'{"to": ["a@b.example", null, 1.5], "password": "hidden"}', metadata={"a": LONG})
    bench.settle(bench.lease(queues=(_of(bench.submit(queue="done"), "done"),)), result=b'{"ok": true}')
    running = bench.submit(queue="busy", priority=Priority.CRITICAL)
    bench.lease(queues=("busy",))
    retrying = bench.submit(queue="sad")
    bench.fail(bench.lease(queues=("sad",)))
    for priority in Priority:
        bench.submit(queue="a-queue-with-a-rather-long-name.of-sixty-four-characters-in-all.1", priority=priority)
    waiting = bench.submit(kind="k" * 128, queue="still")
    bench.run(bench.operator.pause("still", by="session:ada", reason=LONG))
    bench.run(bench.consumer.heartbeat(_worker()))
    limits = RedisLimits([bench.keys])
    bench.run(limits.put(Limit(name="k" * 128, concurrency=9, rate=Rate(5, 60_000), circuit=Circuit())))
    bench.run(limits.turn("k" * 128, CircuitState.OPEN, "session:ada", LONG))
    jobs = [f"/console/jobs/{page}" for page in (dead, f"{dead}/edit", running, retrying, waiting)]
    lists = ["/console/jobs", "/console/jobs?status=cancelled&kind=none", "/console/dead-letters"]
    group = f"/console/{letters_address()}"
    errors = ("/console/errors", f"/console/errors/{group_on(bench, LONG)}")
    return [
        *("/console/", *errors),
        *(*lists, group),
        *jobs,
        *("/console/queues", "/console/queues/sad"),
        *("/console/workers", "/console/limits", "/console/unique-keys"),
        "/console/workflows",
        "/console/operations",
        "/console/schedules",
        "/console/schedules/new?cron=30+2+*+3,10+SUN&timezone=Europe/Paris",
        "/console/webhooks",
        *("/console/audit", "/console/audit?entry=1"),
        *("/console/history", "/console/alerts"),
        "/console/namespaces",
        f"/console/namespaces/{bench.namespace}",
    ]


def _of(_: str, queue: str) -> str:
    return queue


def _worker() -> WorkerRecord:
    return WorkerRecord(
        id="host-1-2", host="h" * 200, pid=1, version="0.1.0", kinds=("demo.echo",), app_version="7" * 60,
        queues=("main", "busy", *(f"{number}{'q' * 63}" for number in range(4))),
        concurrency=50, busy=1, started_at=1, memory_bytes=50_000_000,
    )  # fmt: skip


def picture_name(number: int, path: str) -> str:
    """Return a name for the picture of a page that is the same in each run."""
    return f"{number:02d}-{re.sub('[^a-z]+', '-', re.sub('[0-9a-f-]{20,}', 'id', path.partition('?')[0])).strip('-')}"


def barriers(window: Visitor, path: str, scheme: str = "light", number: int | None = None) -> list[str]:
    """Return what is wrong with a page, and keep its picture under a number; in the dark only the contrast."""
    page = window.go(path)
    expect(page.locator("h1, [role=alert]").first).to_be_visible()
    if number is not None:
        window.keep(picture_name(number, path))
    return [f"{path}: {found}" for found in window.violations("color-contrast" if scheme == "dark" else "")]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_no_page_has_a_serious_barrier(site: Site, place: Place, open_window: OpenWindow, scheme: str) -> None:
    window = open_window(site, place.admin, color_scheme=scheme)
    window.expect_fault("404")
    paths = furnish(place)
    window.go("/console/queues")
    assert window.post("/console/queues/sad/pause", reason=LONG) == 303
    found = []
    for number, path in enumerate([*paths, "/console/nothing"]):
        found += barriers(window, path, scheme, number if scheme == "light" else None)
    root = open_window(site, site.root, color_scheme=scheme)
    found += barriers(root, "/console/system", scheme, SYSTEM if scheme == "light" else None)
    root.page.get_by_text("at their default").click()
    found += [*root.violations("color-contrast"), *root.page.evaluate(SPILT)]
    found += [
        spilt
        for path in ("audit", "limits", "jobs", "workers")
        for spilt in window.go(f"/console/{path}").evaluate(SPILT)
    ]
    page = window.go("/console/queues")
    page.get_by_role("button", name="Purge still").click()
    found += window.violations()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    found += window.violations()
    assert found == []


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_empty_pages_and_the_login_have_no_serious_barrier(
    site: Site, place: Place, open_window: OpenWindow, scheme: str
) -> None:
    stranger = open_window(site, color_scheme=scheme)
    found = barriers(stranger, "/console/login", scheme)
    window = open_window(site, place.admin, color_scheme=scheme)
    lists = ("jobs", "dead-letters", "queues", "workers", "workflows", "schedules", "webhooks")
    for path in ("/console/", *(f"/console/{name}" for name in lists)):
        found += barriers(window, path, scheme)
    assert found == []


@pytest.mark.timeout(400)
def test_nothing_scrolls_sideways_on_a_small_screen(site: Site, place: Place, open_window: OpenWindow) -> None:
    window = open_window(site, place.admin, viewport={"width": 360, "height": 740}, color_scheme="dark")
    window.expect_fault("404")
    wide = []
    for number, path in enumerate([*furnish(place), "/console/nothing"]):
        page = window.go(path)
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
        window.keep(picture_name(number, path))
        if window.has_sideways_scroll():
            wide.append(path)
    root = open_window(site, site.root, viewport={"width": 360, "height": 740}, color_scheme="dark")
    page = root.go("/console/system")
    root.keep(picture_name(SYSTEM, "/console/system"))
    for more in ("What passed", "at their default"):
        page.get_by_text(more).click()
    assert (wide, root.has_sideways_scroll()) == ([], False)
    window.go("/docs")
    assert not window.has_sideways_scroll()
    page = window.go("/console/")
    palette = page.get_by_role("button", name="Palette")
    box = palette.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= TOUCH_PX
    palette.click()
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Account of").click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Sign out")).to_be_visible()
    assert window.violations() == []


def test_badges_stay_in_one_piece_and_notes_in_line_on_a_small_screen(
    site: Site, place: Place, open_window: OpenWindow
) -> None:
    furnish(place)
    page = open_window(site, place.admin, viewport={"width": 360, "height": 740}).go("/console/jobs")
    for path in ("/console/jobs", "/console/workers"):
        page.goto(path)
        expect(page.locator(".status").first).to_be_visible()
        assert page.evaluate(BROKEN_BADGES) == [], path
    page.goto("/console/jobs")
    starts = page.locator(".note-cell > span").evaluate_all("(notes) => notes.map((note) => note.offsetLeft)")
    assert len(starts) > 1
    assert len(set(starts)) == 1


@pytest.mark.long
def test_the_documentation_of_the_api_has_no_serious_barrier_and_an_icon(site: Site, open_window: OpenWindow) -> None:
    for scheme in ("light", "dark"):
        window = open_window(site, color_scheme=scheme)
        assert barriers(window, "/docs", scheme) == []
    icon = window.page.locator("link[rel=icon]").get_attribute("href") or ""
    assert window.context.request.get(icon).headers["content-type"] == "image/svg+xml"


def test_the_chosen_theme_and_zone_stay(site: Site, place: Place, open_window: OpenWindow) -> None:
    furnish(place)
    window = open_window(site, place.viewer, timezone_id="Asia/Kathmandu")
    page = window.go("/console/jobs?queue=still")
    page.get_by_role("link", name="k" * 128).click()
    side = page.locator(".side")
    expect(page.locator(".facts time").first).to_contain_text("UTC")
    side.get_by_role("button", name="UTC").click()
    expect(page.locator(".facts time").first).to_contain_text("UTC+05:45")
    for _ in range(2):  # auto, light, dark
        side.locator("[data-theme-button]").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(side.get_by_role("button", name="Local")).to_be_visible()


def test_no_page_weighs_more_than_a_quarter_of_a_megabyte(site: Site, place: Place, open_window: OpenWindow) -> None:
    furnish(place)
    for _ in range(60):
        place.bench.submit()
    sizes = {}
    for path in ("/console/", "/console/jobs", "/console/queues", "/console/login"):
        window = open_window(site, place.admin if "login" not in path else None)
        seen: dict[str, Request] = {}
        window.page.on("requestfinished", lambda request, seen=seen: seen.setdefault(request.url, request))
        window.page.goto(path, wait_until="load")
        # Of those that are there by now: while sizes are asked for, others end.
        sizes[path] = sum(request.sizes()["responseBodySize"] for request in list(seen.values()))
    assert {path: size for path, size in sizes.items() if not 0 < size < MOST_BYTES} == {}
