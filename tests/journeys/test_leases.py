"""Workers that die, freeze or leave in the middle of a job: nothing is lost, and nothing counts twice."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.journeys.installation import Installation, entries_of
from tests.journeys.moment import seconds

pytestmark = pytest.mark.journey

ODD = {"IRONFORGE_HANDLERS": "tests.journeys.oddities"}
# Beside what is promised: a machine that stands still now and then.
SLACK_S = 8.0


@pytest.mark.parametrize("lease_ms", [4_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_jobs_of_a_killed_worker_run_again_within_the_lease_and_two_seconds(
    shared: Installation, lease_ms: int
) -> None:
    api, queue, odd = shared.api, f"killed-{lease_ms}", {**ODD, "IRONFORGE_LEASE_MS": str(lease_ms)}
    with shared.worker("--queues", queue, **odd) as victim:
        # Their first attempts end with the worker.
        ids = [api.submit("odd.stay", queue=queue) for _ in range(10)]
        ids.append(api.submit("demo.sleep", {"ms": 60_000}, queue=queue, timeout_ms=1_000, max_retries=0))
        for job_id in ids:
            victim.told("job.started", job_id=job_id)
        with shared.worker("--queues", queue, **odd):
            ids.append(api.submit("demo.sleep", {"ms": 1_000}, queue=queue))
            victim.send(signal.SIGKILL)
            killed_at = time.time()
            *jobs, too_long, last = [api.final(job_id) for job_id in ids]
    assert (too_long["status"], last["status"]) == ("dead_letter", "completed")
    for job in [*jobs, last] if len(last["attempts"]) > 1 else jobs:
        lost, ran = job["attempts"]
        assert (lost["outcome"], ran["outcome"]) == ("lost_lease", "completed")
        assert lost["worker_id"] != ran["worker_id"]
        assert seconds(ran["started_at"]) - killed_at <= lease_ms / 1000 + 2.0 + SLACK_S
        assert job["retry_count"] == 0


def test_a_worker_that_was_frozen_past_its_lease_cannot_settle_any_more(shared: Installation, tmp_path: Path) -> None:
    api, thaw = shared.api, tmp_path / "thaw"
    with shared.worker("--queues", "frozen", **ODD, IRONFORGE_LEASE_MS="3000") as first:
        job_id = api.submit("odd.until", str(thaw), queue="frozen")
        first.told("job.started", job_id=job_id)
        first.send(signal.SIGSTOP)
        try:
            with shared.worker("--queues", "frozen", **ODD) as second:
                job = api.completed(job_id)
                settled = second.told("job.completed", job_id=job_id)
                # It finds its job at its end when it goes on.
                thaw.touch()
                first.send(signal.SIGCONT)
                first.told("lease.lost", job_id=job_id)
                # It works on: what is claimed anew is settled.
                api.completed(api.submit("demo.echo", queue="frozen"))
        finally:
            first.send(signal.SIGCONT)
    assert settled["attempt"] == 2
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["lost_lease", "completed"]
    assert api.job(job_id) == job
    assert not [entry for entry in entries_of(first, "job.completed") if entry["job_id"] == job_id]


def test_a_worker_asked_to_leave_ends_short_jobs_and_gives_back_long_ones_unused(
    shared: Installation, tmp_path: Path
) -> None:
    api, end = shared.api, tmp_path / "end"
    with shared.worker("--queues", "leaving", "--grace", "4", **ODD) as leaving:
        short = api.submit("odd.until", str(end), queue="leaving")
        long = api.submit("demo.sleep", {"ms": 60_000}, queue="leaving")
        leaving.told("job.started", job_id=short)
        leaving.told("job.started", job_id=long)
        leaving.send(signal.SIGTERM)
        leaving.told("worker.stopping")
        end.touch()
        late = api.submit("demo.echo", queue="leaving")
        assert leaving.wait() == 0
    completed = api.job(short)
    assert (completed["status"], len(completed["attempts"])) == ("completed", 1)
    released = api.job(long)
    assert (released["status"], released["attempts"], released["retry_count"]) == ("queued", [], 0)
    assert api.job(late)["status"] == "queued"
    assert api.ask("DELETE", f"/jobs/{long}").status == 200
    assert "worker.stopped" in leaving.events()
    with shared.worker("--queues", "leaving"):
        api.completed(late)
