"""Connections that look open and carry nothing, one way or the other: noticed in time by all, and healed by itself."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import ClientConnection

from tests.backends.servers import Server
from tests.browser.people import make_people
from tests.journeys.api import Answer, Api
from tests.journeys.installation import Installation, installation
from tests.journeys.moment import seconds
from tests.live.test_real_socket import socket_of
from tests.processes.running import Running
from tests.torture.proxy import DOWN, UP, Proxies, Proxy
from tests.waiting import WAIT_S, until

pytestmark = pytest.mark.journey

LEASE_MS = 2_000
# The longest wait for an answer is a poll and the time of a call; one second more is promised.
NOTICED_WITHIN_S = 1.0 + 0.9 + 1.0
# What a machine that stands still now and then takes beside it; a line that nobody watches is dead for minutes.
SLACK_S = 10.0
BACK_WITHIN_S = 5.0
WAYS = pytest.mark.parametrize("way", [UP, DOWN], ids=["requests-vanish", "answers-vanish"])


class Apart:
    """A server and a worker on one external store, each behind a proxy of its own."""

    def __init__(self, running: Installation, worker: Running, proxies: Proxies) -> None:
        self.running, self.api, self.worker = running, running.api, worker
        self.before_server: Proxy = proxies.by_name["server"]
        self.before_worker: Proxy = proxies.by_name["worker"]


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    folder: Path = tmp_path_factory.mktemp("apart")
    with (
        Server(folder / "store", "--appendonly", "yes", "--appendfsync", "always") as store,
        Proxies() as proxies,
    ):
        urls = {name: f"redis://127.0.0.1:{proxies.open(name, store.port).port}" for name in ("server", "worker")}
        lease = {"IRONFORGE_LEASE_MS": str(LEASE_MS)}
        with (
            installation(folder / "data", "--no-worker", IRONFORGE_REDIS_URL=urls["server"], **lease) as running,
            running.worker(IRONFORGE_REDIS_URL=urls["worker"], **lease) as worker,
        ):
            yield Apart(running, worker, proxies)


@WAYS
def test_a_worker_whose_line_is_dead_notices_and_works_on_when_it_is_not(apart: Apart, way: int) -> None:
    api, worker = apart.api, apart.worker
    api.completed(api.submit("demo.echo"))
    worker.everything()  # what was said of earlier times is not waited for
    began = time.time()
    apart.before_worker.hold(way)
    try:
        noticed = seconds(str(worker.wait_for("store.away")["timestamp"]))
        assert noticed - began < NOTICED_WITHIN_S + SLACK_S
        job_id = api.submit("demo.echo")
    finally:
        # What was held arrives now, late.
        apart.before_worker.heal()
    began = time.monotonic()
    job = api.completed(job_id)
    assert time.monotonic() - began < BACK_WITHIN_S + SLACK_S
    assert [attempt["outcome"] for attempt in job["attempts"]][-1] == "completed"
    worker.wait_for("store.back")


@WAYS
def test_a_server_whose_line_is_dead_says_503_in_time_and_tells_its_browsers(apart: Apart, way: int) -> None:
    api = apart.api
    api.completed(api.submit("demo.echo"))
    viewer = viewer_of(apart)
    with socket_of(apart.running, viewer) as socket:
        until_gap(socket)
        apart.before_server.hold(way)
        try:
            answers, took_s = zip(*(timed(api, *asked) for asked in ASKED), strict=True)
            assert {(answer.status, answer.body.get("code")) for answer in answers} == {(503, "store_unavailable")}
            # On a busy machine the best counts: the bound is one of design.
            assert min(took_s) < 2.0
            assert max(took_s) < 2.0 + SLACK_S
            until_gap(socket)
        finally:
            apart.before_server.heal()
        began = time.monotonic()
        until(lambda: api.ask("POST", "/jobs", {"kind": "demo.echo"}).status == 202)
        until_gap(socket)
        assert time.monotonic() - began < BACK_WITHIN_S + SLACK_S
        # And after it every change is heard again.
        job_id = api.submit("demo.echo")
        while job_id not in str(socket.recv(WAIT_S)):
            pass


ASKED = (("POST", "/jobs", {"kind": "demo.echo"}), ("GET", "/queues", None), ("GET", "/jobs?status=queued", None))
_viewers: dict[Path, str] = {}


def viewer_of(apart: Apart) -> str:
    """Return the session of somebody who may look; made once."""
    data_dir = apart.running.data_dir
    if data_dir not in _viewers:
        _viewers[data_dir] = make_people(data_dir, ("default",))["default", "viewer"].session_key
    return _viewers[data_dir]


def timed(api: Api, method: str, path: str, body: object) -> tuple[Answer, float]:
    """Return an answer, and how long it took (s)."""
    began = time.monotonic()
    return api.ask(method, path, body), time.monotonic() - began


def until_gap(socket: ClientConnection) -> None:
    """Listen until the browser is told to look again."""
    while not json.loads(socket.recv(WAIT_S)).get("gap"):
        pass
