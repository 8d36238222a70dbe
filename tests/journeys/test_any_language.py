"""A worker that knows nothing but HTTP, at a real server: it works, dies, leaves, and its jobs are not lost."""

from __future__ import annotations

import json
import signal
import time
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection

import pytest

from tests.journeys.api import Api, Body
from tests.journeys.fleet import server_of
from tests.journeys.installation import Installation
from tests.journeys.moment import seconds
from tests.processes.running import free_port
from tests.waiting import WAIT_S

pytestmark = pytest.mark.journey

LONG_MS = 20_000


@dataclass
class Worker:
    """A worker of one queue."""

    api: Api
    queue: str
    id: str = ""

    def __post_init__(self) -> None:
        answer = self.api.told("POST", "/workers", {"queues": [self.queue], "language": "sh", "host": "here"})
        assert answer.status == 201, answer
        self.id = answer.body["worker_id"]

    def order(self, **more: object) -> Body:
        """Return the body of a claim."""
        return {"worker_id": self.id, "queues": [self.queue], "max_jobs": 50, "wait_ms": LONG_MS, **more}

    def claim(self, **more: object) -> list[Body]:
        """Return the leases that a claim brings."""
        answer = self.api.told("POST", "/leases", self.order(**more))
        assert answer.status == 200, answer
        return list(answer.body["leases"])

    def settle(self, leases: list[Body], outcome: str = "completed") -> list[Body]:
        """Return what became of leases that all ended alike."""
        ends = [{**held(lease), "outcome": outcome, "duration_ms": 1} for lease in leases]
        answer = self.api.told("POST", "/leases/settle", {"settlements": ends})
        assert answer.status == 200, answer
        return list(answer.body["results"])

    def begin(self, port: int, **more: object) -> HTTPConnection:
        """Send a claim that waits, and return its connection."""
        client = HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
        client.request("POST", "/leases", json.dumps(self.order(**more)), {"Content-Type": "application/json"})
        # A request on another connection is answered after this one was read.
        assert Api(port).ask("GET", "/health/live").status == 200
        return client


def held(lease: Body) -> Body:
    return {"job_id": lease["job_id"], "lease_token": lease["lease_token"]}


def test_a_loop_of_claims_and_settlements_ends_every_job(api: Api) -> None:
    worker = Worker(api, "any-language")
    ids = {api.submit("any.kind", number, queue=worker.queue) for number in range(120)}
    ended: set[str] = set()
    while len(ended) < len(ids):
        ended |= {result["job_id"] for result in worker.settle(worker.claim()) if result["status"] == "completed"}
    assert ended == ids
    (shown,) = [entry for entry in api.ask("GET", "/workers").body["data"] if entry["id"] == worker.id]
    assert (shown["language"], shown["via"], shown["host"]) == ("sh", "http", "here")
    assert 'ironforge_gateway_answers_total{operation="settle",status="200"}' in api.text("/metrics")
    assert api.ask("DELETE", f"/workers/{worker.id}").status == 204


def test_a_client_killed_in_its_long_poll_leaves_nothing_claimed(api: Api) -> None:
    queue = "killed-in-poll"
    for _ in range(3):
        client = Worker(api, queue).begin(api.port, lease_ms=300_000)
        client.close()
    worker = Worker(api, queue)
    job_id = api.submit("any.kind", queue=queue)
    (lease,) = worker.claim()
    assert (lease["job_id"], lease["attempt"]) == (job_id, 1)
    # Nobody waited for a lease of the dead; the rest is how long we took to ask.
    assert seconds(lease["job"]["started_at"]) - seconds(lease["job"]["created_at"]) < WAIT_S
    worker.settle([lease])
    assert [attempt["outcome"] for attempt in api.final(job_id)["attempts"]] == ["completed"]


def test_a_job_of_a_dead_worker_runs_again_after_its_lease_and_the_dead_cannot_settle_it(api: Api) -> None:
    dead, other = Worker(api, "dead-remote"), Worker(api, "dead-remote")
    job_id = api.submit("any.kind", queue=dead.queue)
    (lost,) = dead.claim(lease_ms=1_000)
    (lease,) = other.claim()
    assert (lease["job_id"], lease["attempt"]) == (job_id, 2)
    assert dead.settle([lost])[0]["code"] == "lease_lost"
    assert other.settle([lease])[0]["status"] == "completed"
    first, second = api.final(job_id)["attempts"]
    assert (first["worker_id"], first["outcome"]) == (dead.id, "lost_lease")
    assert (second["worker_id"], second["outcome"]) == (other.id, "completed")


def test_a_lease_that_is_extended_is_kept(api: Api) -> None:
    worker = Worker(api, "kept-remote")
    ids = {api.submit("any.kind", queue=worker.queue) for _ in range(2)}
    kept, left = worker.claim(lease_ms=3_000)

    def extended(lease_ms: int) -> list[str]:
        beat = api.told("POST", f"/workers/{worker.id}/heartbeat", {"leases": [held(kept)], "lease_ms": lease_ms})
        return list(beat.body["extended"])

    assert extended(60_000) == [kept["job_id"]]
    # The other one tells when the leases of the claim are over.
    other = Worker(api, worker.queue)
    (again,) = other.claim()
    assert {again["job_id"], kept["job_id"]} == ids
    assert again["job_id"] == left["job_id"]
    assert extended(60_000) == [kept["job_id"]]
    assert [result["status"] for result in worker.settle([kept]) + other.settle([again])] == ["completed"] * 2


def test_a_server_that_is_to_stop_answers_the_polls_that_wait(shared: Installation) -> None:
    port = free_port()
    with server_of(shared.data_dir, port) as server:
        worker = Worker(Api(port), "stopping-remote")
        with closing(worker.begin(port)) as client:
            asked_at = time.monotonic()  # the poll itself would end twenty seconds after its begin
            server.send(signal.SIGTERM)
            answer = client.getresponse()
            assert (answer.status, json.loads(answer.read())["leases"]) == (200, [])
            assert answer.headers["Connection"] == "close"
            assert time.monotonic() - asked_at < LONG_MS / 1000 / 2
        assert server.wait() == 0
