"""The page of the workers: one that has not been heard for a lease is silent, and counts nowhere as alive."""

from __future__ import annotations

import re
import time

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
    report(team, "w1", ago_ms=LEASE_MS // 10)
    page = page_of(team, "workers")
    assert "2 of 10 slots busy" in page
    assert "Silent" not in page


def test_a_worker_not_heard_for_its_lease_is_silent_and_its_slots_do_not_count(team: Team) -> None:
    began = time.monotonic()
    report(team, "w1", ago_ms=LEASE_MS + 5_000)
    report(team, "w2", ago_ms=0)
    page = page_of(team, "workers")
    (silent_s,) = re.findall(r"Silent for (\d+) s", page)
    # A machine that stood still meanwhile makes it longer.
    assert 15 <= int(silent_s) <= 15 + time.monotonic() - began
    assert page.count("Silent for") == 1
    assert "2 of 10 slots busy" in page
    overview = page_of(team, "")
    assert '<div class="tile-value">1</div><div class="tile-note">alive, 1 silent</div>' in overview
    assert "2 of 10 slots" in overview


def test_what_each_runs_now_how_busy_it_is_and_whose_version_differs(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = team.bench
    jobs = [bench.submit(kind=f"kind.{number}") for number in range(6)]
    for _ in range(5):
        bench.lease()
    bench.settle(bench.lease())
    report(team, "w1", ago_ms=0, busy=6, jobs=(jobs[5], *jobs[:5]))
    report(team, "w2", ago_ms=0, busy=10, version="0.0.9", jobs=(jobs[0],))
    report(team, "w3", ago_ms=0, version="7", via="http", language="go")
    page = page_of(team, "workers")
    rows = {part[:2]: part for part in page.split('<tr id="worker-')[1:]}
    assert [f"/console/jobs/{job}" in rows["w1"] for job in jobs] == [True, True, True, False, False, False]
    assert "and 3 more" in rows["w1"]
    assert ('width="60%"' in rows["w1"], 'width="100%"' in rows["w2"]) == (True, True)
    assert jobs[0] not in rows["w2"], "another holds its lease"
    assert {name: "This server is of version" in row for name, row in rows.items()} == {
        "w1": False, "w2": True, "w3": False,
    }  # fmt: skip
    assert "2 versions are running: 0.0.9, 0.1.0" in page
    monkeypatch.setattr("jobs.dashboard.workers._PAGE", 2)
    first, second = page_of(team, "workers"), page_of(team, "workers?page=2")
    assert ("worker-w3" in first, "worker-w3" in second) == (False, True)
    assert "18 of 30 slots busy" in first, "all count, also those of other pages"


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
