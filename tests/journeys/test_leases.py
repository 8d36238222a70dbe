"""Workers that die, freeze or leave in the middle of a job: nothing is lost, and nothing counts twice."""

from __future__ import annotations

import signal
import time

import pytest

from tests.journeys.installation import Installation
from tests.journeys.moment import seconds

pytestmark = pytest.mark.journey

QUICK = {"IRONFORGE_LEASE_MS": "1000"}


@pytest.mark.parametrize("lease_ms", [2_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_jobs_of_a_killed_worker_run_again_within_the_lease_and_two_seconds(
    shared: Installation, lease_ms: int
) -> None:
    api, queue, lease = shared.api, f"killed-{lease_ms}", {"IRONFORGE_LEASE_MS": str(lease_ms)}
    with shared.worker("--queues", queue, **lease) as victim:
        ids = [api.submit("demo.sleep", {"ms": 1_000}, queue=queue) for _ in range(10)]
        ids.append(api.submit("demo.sleep", {"ms": 60_000}, queue=queue, timeout_ms=1_000, max_retries=0))
        victim.told("job.started", job_id=ids[-1])
        with shared.worker("--queues", queue, **lease):
            ids.append(api.submit("demo.sleep", {"ms": 1_000}, queue=queue))
            victim.send(signal.SIGKILL)
            killed_at = time.time()
            jobs = [api.final(job_id) for job_id in ids]
    *rest, too_long, _ = jobs
    assert {job["status"] for job in rest} == {"completed"}
    assert too_long["status"] == "dead_letter"
    again = [job for job in jobs if len(job["attempts"]) > 1]
    assert again, "the worker was killed after its jobs had ended"
    for job in again:
        lost, ran = job["attempts"]
        assert lost["outcome"] == "lost_lease"
        assert lost["worker_id"] != ran["worker_id"]
        assert seconds(ran["started_at"]) - killed_at <= lease_ms / 1000 + 2.0
        assert job["retry_count"] == 0


def test_a_worker_that_was_frozen_past_its_lease_cannot_settle_any_more(shared: Installation) -> None:
    api = shared.api
    with shared.worker("--queues", "frozen", **QUICK) as first:
        job_id = api.submit("demo.sleep", {"ms": 600}, queue="frozen")
        first.told("job.started", job_id=job_id)
        first.send(signal.SIGSTOP)
        try:
            with shared.worker("--queues", "frozen", **QUICK) as second:
                job = api.completed(job_id)
                settled = second.told("job.completed", job_id=job_id)
                first.send(signal.SIGCONT)
                first.told("lease.lost", job_id=job_id)
                # It works on: what is claimed anew is settled.
                api.completed(api.submit("demo.echo", queue="frozen"))
        finally:
            first.send(signal.SIGCONT)
    assert settled["attempt"] == 2
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["lost_lease", "completed"]
    assert api.job(job_id) == job
    assert not [entry for entry in first.entries if entry.get("event") == "job.completed" and entry["job_id"] == job_id]


def test_a_worker_asked_to_leave_ends_short_jobs_and_gives_back_long_ones_unused(shared: Installation) -> None:
    api = shared.api
    with shared.worker("--queues", "leaving", "--grace", "1.5") as leaving:
        short = api.submit("demo.sleep", {"ms": 700}, queue="leaving")
        long = api.submit("demo.sleep", {"ms": 60_000}, queue="leaving")
        leaving.told("job.started", job_id=short)
        leaving.told("job.started", job_id=long)
        leaving.send(signal.SIGTERM)
        leaving.told("worker.stopping")
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
