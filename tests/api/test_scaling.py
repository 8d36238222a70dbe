"""`/queues/scaling`: what autoscalers read, and the arithmetic behind it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from jobs.domain.priority import Priority
from jobs.domain.queue import Pause, QueueStats
from jobs.domain.scaling import drain_s, suggested_slots
from jobs.domain.status import Status
from tests.api.tenant import Tenant
from tests.api.test_workers import worker

EMPTY: dict[str, Any] = {
    "ready": 0,
    "running": 0,
    "paused": False,
    "oldest_age_s": 0.0,
    "in_per_s": 0.0,
    "out_per_s": 0.0,
    "drain_s": 0.0,
    "workers": 0,
    "slots": 0,
    "suggested_slots": 0,
}


def queue(ready: int, running: int, coming: int = 0, gone: int = 0, *, is_paused: bool = False) -> QueueStats:
    """Return a queue; `coming` and `gone` are those of the last minute."""
    counts = {Status.QUEUED: {Priority.HIGH: ready}, Status.RUNNING: {Priority.MEDIUM: running}}
    pause = Pause("p", "", 0) if is_paused else None
    return QueueStats(name="q", counts=counts, pause=pause, submitted_per_minute=coming, finished_per_minute=gone)


@pytest.mark.parametrize(
    ("stats", "slots", "drain", "suggested"),
    [
        (queue(0, 0), 10, 0.0, 0),
        (queue(0, 7, 600, 600), 10, 0.0, 7),
        # A slot does 1 a second: 10 for the arrivals, 20 more for 1 200 jobs within a minute.
        (queue(1_200, 10, 600, 600), 10, 120.0, 30),
        # Slow jobs: no more slots than jobs.
        (queue(5, 2, 0, 1), 2, 300.0, 7),
        # Nothing went out yet: double what there is, and begin with one.
        (queue(9_000, 0), 0, None, 1),
        (queue(9_000, 20), 20, None, 40),
        (queue(3, 20), 20, None, 23),
        # Jobs so short that none is seen to run.
        (queue(60, 0, 6_000, 6_000), 4, 0.6, 2),
        (queue(60, 3, 60, 60, is_paused=True), 4, None, 3),
    ],
)
def test_the_arithmetic(stats: QueueStats, slots: int, drain: float | None, suggested: int) -> None:
    assert (drain_s(stats), suggested_slots(stats, slots, 60)) == (drain, suggested)


def test_each_queue_is_told_with_who_serves_it(tenant: Tenant) -> None:
    tenant.bench.advance(-2_000)
    tenant.job_in(Status.RUNNING)
    for _ in range(3):
        tenant.bench.submit()
    tenant.bench.submit(queue="mail")
    tenant.bench.submit(queue="nobodys")
    tenant.bench.advance(2_000)
    heartbeat, one = tenant.bench.consumer.heartbeat, worker(tenant)
    tenant.bench.run(heartbeat(one))
    tenant.bench.run(heartbeat(msgspec.structs.replace(one, id="w-2", queues=("main",), concurrency=5)))
    tenant.bench.run(heartbeat(msgspec.structs.replace(one, id="w-3", status="quiet")))
    found = {row["queue"]: row for row in tenant.ask("GET", "/queues/scaling").body["data"]}
    assert [(name, row["workers"], row["slots"]) for name, row in found.items()] == [
        ("mail", 1, 10),
        ("main", 2, 15),
        ("nobodys", 0, 0),
    ]
    main = found["main"]
    assert (main["ready"], main["running"], main["drain_s"], main["suggested_slots"]) == (3, 1, None, 4)
    assert 2.0 <= main["oldest_age_s"] < 60.0


def test_the_rates_are_those_of_the_last_full_minute(tenant: Tenant) -> None:
    # Once more where a minute ended meanwhile.
    for name in ("first", "second"):
        minute = tenant.ask("GET", "/queues/scaling").body["server_time"][:16]
        # The interface goes by the store's own clock: what happens is put a minute back.
        tenant.bench.advance(-60_000)
        for _ in range(6):
            tenant.bench.submit(queue=name)
        for _ in range(3):
            tenant.bench.settle(tenant.bench.lease(queues=(name,)))
        tenant.bench.advance(60_000)
        answer = tenant.ask("GET", f"/queues/scaling?queue={name}&target_s=30").body
        if answer["server_time"][:16] == minute:
            break
    row = answer["data"][0]
    assert (row["in_per_s"], row["out_per_s"], row["drain_s"], row["suggested_slots"]) == (0.1, 0.05, 60.0, 3)


def test_one_queue_is_one_row_whether_or_not_a_job_ever_named_it(tenant: Tenant) -> None:
    tenant.bench.submit(queue="mail")
    assert [row["ready"] for row in tenant.ask("GET", "/queues/scaling?queue=mail").body["data"]] == [1]
    answer = tenant.ask("GET", "/queues/scaling?queue=later").body
    assert (answer["data"], answer["target_s"]) == ([{"queue": "later", **EMPTY}], 60)
    refused = tenant.ask("GET", "/queues/scaling?queue=A")
    assert (refused.status, refused.problems) == (422, [("?queue", "invalid_name")])
