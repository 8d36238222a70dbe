"""The page of the workers: one that has not been heard for a lease is silent, and counts nowhere as alive."""

from __future__ import annotations

import pytest

from jobs.access.scopes import Role
from jobs.domain.queue import WorkerRecord
from tests.dashboard.conftest import Team, text_of
from tests.stores import LEASE_MS


def report(team: Team, worker_id: str, ago_ms: int) -> None:
    """Let a worker with ten slots, two of them busy, report itself at some time in the past."""
    record = WorkerRecord(
        id=worker_id, host=f"host-{worker_id}", pid=1, version="0.1.0", queues=("main",), kinds=("demo.echo",),
        concurrency=10, busy=2, started_at=1,
    )  # fmt: skip
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
