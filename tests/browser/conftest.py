"""A browser, an installation for all tests that break nothing, and a namespace with people for each test."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.people import Person, make_people
from tests.browser.shared_bench import SharedBench
from tests.browser.visitor import Visitor
from tests.journeys.api import Api
from tests.journeys.installation import Installation, installation
from tests.stores import Bench

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PLACES = tuple(f"shop-{number}" for number in range(1, 65))
# Generous: these tests also run beside others on a busy machine. A wait ends as soon as what it waits for is there.
LONGEST_WAIT_MS = 60_000
# A test and the start of its installation and its browser.
LONGEST_TEST_S = 300

expect.set_options(timeout=LONGEST_WAIT_MS)


@dataclass
class Site:
    """An installation with its people; `password` is that of the first administrator, as it was printed."""

    running: Installation
    password: str
    people: dict[tuple[str, str], Person]
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def root(self) -> Person:
        """Return who runs the installation."""
        return self.people["", "root"]

    @property
    def api(self) -> Api:
        """Return the HTTP interface, in the namespace `default`."""
        return self.running.api


@dataclass
class Place:
    """A namespace of one test: its store and its people."""

    bench: Bench
    viewer: Person
    operator: Person
    admin: Person


OpenWindow = Callable[..., Visitor]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(LONGEST_TEST_S))


def site_of(running: Installation, namespaces: tuple[str, ...]) -> Site:
    """Return an installation with people."""
    people = make_people(running.data_dir, namespaces)
    return Site(running, _printed_password(running.data_dir.parent / f"{running.data_dir.name}.stderr"), people)


def _printed_password(errors: Path) -> str:
    """Return the password that the first start prints once it is up, for people, beside its log."""
    deadline = time.monotonic() + LONGEST_WAIT_MS / 1000
    waiting = threading.Event()
    while not (found := re.search(r"admin / (\S+)", errors.read_text())):
        assert time.monotonic() < deadline, errors.read_text()
        waiting.wait(0.02)
    return found[1]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return an installation that nobody breaks."""
    with installation(tmp_path_factory.mktemp("site") / "data") as running:
        yield site_of(running, ("default", *PLACES))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return Chromium. It ends with the module: while it runs, Django takes this thread for an asynchronous one."""
    program = next((path for path in map(shutil.which, BROWSERS) if path), None)
    if program is None:
        reason = "Chromium is missing: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, args=FLAGS, timeout=2 * LONGEST_WAIT_MS)
        yield running
        running.close()


@pytest.fixture
def open_window(request: pytest.FixtureRequest, browser: Browser) -> Iterator[OpenWindow]:
    """Return a function that opens a window for a person of a site; in the end none may have seen an error."""
    windows: list[Visitor] = []

    def opened(site: Site, person: Person | None = None, **options: Any) -> Visitor:
        key = person.session_key if person else ""
        windows.append(Visitor(browser, site.api.port, key, **options))
        windows[-1].context.set_default_timeout(LONGEST_WAIT_MS)
        return windows[-1]

    yield opened
    faults = [fault for window in windows for fault in window.unforeseen()]
    for number, window in enumerate(windows):
        _keep_picture(request, window, number)
        window.close()
    assert faults == []


@pytest.fixture
def place(site: Site) -> Iterator[Place]:
    """Return a namespace that no other test has."""
    name = PLACES[next(site.numbers)]
    bench = SharedBench(site.running.data_dir, name)
    yield Place(bench, *(site.people[name, role] for role in ("viewer", "operator", "admin")))
    bench.close()


def _keep_picture(request: pytest.FixtureRequest, window: Visitor, number: int) -> None:
    """Leave a picture of the last page of a failed test under `test-artefacts/`."""
    report = getattr(request.node, "report", None)
    if report is not None and report.failed:
        folder = request.config.rootpath / "test-artefacts"
        folder.mkdir(exist_ok=True)
        window.page.screenshot(path=folder / f"{request.node.name}-{number}.png")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Let fixtures see how the test ended."""
    report = yield
    if report.when == "call":
        item.report = report  # type: ignore[attr-defined]
    return report
