"""`GET /workers`: who lives."""

from __future__ import annotations

import time

from jobs.domain.queue import WorkerRecord
from tests.api.tenant import Tenant


def worker(tenant: Tenant, worker_id: str = "w-1") -> WorkerRecord:
    """Return a worker that is about to report itself."""
    return WorkerRecord(
        id=worker_id,
        host="h",
        pid=17,
        version="0.1.0",
        queues=("main", "mail"),
        kinds=("demo.echo",),
        concurrency=10,
        busy=1,
        started_at=time.time_ns() // 1_000_000,
        memory_bytes=40_000_000,
        jobs=("j-1",),
    )


def test_nobody_works_at_first(tenant: Tenant) -> None:
    assert tenant.ask("GET", "/workers").body == {"data": [], "page": {"next": None, "prev": None}}


def test_a_worker_that_reported_itself_is_shown_until_it_says_farewell(tenant: Tenant) -> None:
    run, consumer = tenant.bench.run, tenant.bench.consumer
    run(consumer.heartbeat(worker(tenant, "w-2")))
    run(consumer.heartbeat(worker(tenant, "w-1")))
    first, second = tenant.ask("GET", "/workers").body["data"]
    assert (first["id"], second["id"]) == ("w-1", "w-2")
    assert (first["queues"], first["kinds"], first["jobs"]) == (["main", "mail"], ["demo.echo"], ["j-1"])
    assert (first["concurrency"], first["busy"], first["memory_bytes"], first["status"]) == (
        10,
        1,
        40_000_000,
        "running",
    )
    assert first["started_at"] <= first["seen_at"]
    assert tenant.ask("GET", "/queues/stats").body["active_workers"] == 2
    run(consumer.farewell("w-1"))
    assert [found["id"] for found in tenant.ask("GET", "/workers").body["data"]] == ["w-2"]


def test_workers_of_another_namespace_are_not_shown(tenant: Tenant, other: Tenant) -> None:
    other.bench.run(other.bench.consumer.heartbeat(worker(other)))
    assert tenant.ask("GET", "/workers").body["data"] == []


def test_a_page_holds_no_more_than_asked_for_and_names_the_next(tenant: Tenant) -> None:
    for number in (3, 1, 5, 2, 4):
        tenant.bench.run(tenant.bench.consumer.heartbeat(worker(tenant, f"w-{number}")))
    found, cursor = [], ""
    for _ in range(3):
        body = tenant.ask("GET", f"/workers?limit=2{cursor}").body
        found.append([each["id"] for each in body["data"]])
        cursor = f"&cursor={body['page']['next']}"
    assert found == [["w-1", "w-2"], ["w-3", "w-4"], ["w-5"]]
    assert body["page"] == {"next": None, "prev": None}
    answer = tenant.ask("GET", "/workers?cursor=a%20b")
    assert (answer.status, answer.problems) == (422, [("?cursor", "invalid_cursor")])
