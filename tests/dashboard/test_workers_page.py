"""The page of the workers: one that has not been heard for a lease is silent, and counts nowhere as alive."""

from __future__ import annotations

import pytest

from jobs.access.scopes import Role
from jobs.domain.queue import WorkerRecord
from jobs.domain.worker import WorkerOrder
from tests.dashboard.conftest import Team, notes_of, text_of
from tests.stores import LEASE_MS


def report(team: Team, worker_id: str, ago_ms: int, **more: object) -> None:
    """Let a worker with ten slots, two of them busy, report itself at some time in the past."""
    fields: dict[str, object] = {
        "id": worker_id, "host": f"host-{worker_id}", "pid": 1, "version": "0.1.0", "queues": ("main",),
        "kinds": ("demo.echo",), "concurrency": 10, "busy": 2, "started_at": 1,
    }  # fmt: skip
    record = WorkerRecord(**(fields | more))  # type: ignore[arg-type]
    team.bench.advance(-ago_ms)
    team.bench.run(team.bench.consumer.heartbeat(record))
    team.bench.advance(ago_ms)


def page_of(team: Team, page: str) -> str:
    return text_of(team.client(Role.VIEWER).get(f"/console/{page}"))


def test_a_worker_heard_within_its_lease_runs(team: Team) -> None:
    report(team, "w1", ago_ms=LEASE_MS // 2)
    page = page_of(team, "workers")
    assert "2 of 10 slots busy" in page
    assert "Silent" not in page


def test_a_worker_not_heard_for_its_lease_is_silent_and_its_slots_do_not_count(team: Team) -> None:
    report(team, "w1", ago_ms=LEASE_MS + 5_000)
    report(team, "w2", ago_ms=0)
    page = page_of(team, "workers")
    assert "Silent for 15 s" in page
    assert page.count("Silent for") == 1
    assert "2 of 10 slots busy" in page
    overview = page_of(team, "")
    assert '<div class="tile-value">1</div><div class="tile-note">alive, 1 silent</div>' in overview
    assert "2 of 10 slots" in overview


@pytest.mark.parametrize("page", ["", "queues"])
def test_a_queue_whose_only_worker_is_silent_has_nobody(team: Team, page: str) -> None:
    team.bench.submit()
    report(team, "w1", ago_ms=0)
    assert "Nobody consumes" not in page_of(team, page)
    report(team, "w1", ago_ms=LEASE_MS + 1_000)
    assert "Nobody consumes" in page_of(team, page)


def test_a_worker_in_another_language_is_shown_as_one_and_may_wait_in_a_claim(team: Team) -> None:
    report(team, "w1", ago_ms=0)
    report(team, "w-of-node", ago_ms=LEASE_MS + 5_000, via="http", language="node", version="7", host="", pid=0)
    page = page_of(team, "workers")
    assert "node" in page
    assert "w-of-node" in page
    assert "Silent" not in page
    assert "versions are running" not in page
    assert "pid 0" not in page


@pytest.mark.parametrize(
    ("act", "order"),
    [("quiet", WorkerOrder.QUIET), ("resume", WorkerOrder.RUN), ("terminate", WorkerOrder.TERMINATE)],
)
def test_an_operator_tells_a_worker_and_it_is_recorded(team: Team, act: str, order: WorkerOrder) -> None:
    report(team, "w1", ago_ms=0)
    client = team.client(Role.OPERATOR)
    answer = client.post(f"/console/workers/w1/{act}")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/workers")
    assert "host-w1" in notes_of(client)
    assert team.bench.run(team.bench.consumer.heartbeat(record_of("w1"))) is order
    assert (team.entries()[0].action, team.entries()[0].target_id) == (f"worker.{act}", "w1")


def test_a_viewer_sees_no_buttons_and_tells_nobody_anything(team: Team) -> None:
    report(team, "w1", ago_ms=0)
    assert "Quiet" not in page_of(team, "workers")
    assert team.client(Role.VIEWER).post("/console/workers/w1/terminate").status_code == 403
    assert team.bench.run(team.bench.consumer.heartbeat(record_of("w1"))) is WorkerOrder.RUN


def test_what_a_worker_may_be_told_fits_its_state(team: Team) -> None:
    for worker_id, status in (("w1", "running"), ("w2", "quiet"), ("w3", "draining")):
        report(team, worker_id, ago_ms=0, status=status)
    page = text_of(team.client(Role.OPERATOR).get("/console/workers"))
    acts = {name: page.count(f"/console/workers/{name}") for name in ("w1/quiet", "w2/resume", "w1/terminate")}
    assert acts == {"w1/quiet": 1, "w2/resume": 1, "w1/terminate": 1}
    assert "w3/" not in page
    assert "w2/quiet" not in page


def record_of(worker_id: str) -> WorkerRecord:
    return WorkerRecord(
        id=worker_id, host="h", pid=1, version="1", queues=("main",), kinds=(), concurrency=1, busy=0, started_at=1
    )
