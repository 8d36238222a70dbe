"""Workers are restarted one after the other under load: nobody notices, and no attempt is used up."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from statistics import median

import pytest

from tests.journeys.installation import START_S, Installation, worker_of
from tests.journeys.moment import seconds
from tests.journeys.test_store_outage import Load
from tests.processes.running import Running

pytestmark = pytest.mark.journey

WORKERS = 3
# A job that a leaving worker kept to itself would wait for the lease, which is ten seconds.
PAUSE_S, STILL_S = 1.0, 6.0


@pytest.mark.parametrize("rounds", [1, pytest.param(15, marks=[pytest.mark.long, pytest.mark.timeout(400)])])
def test_a_rolling_restart_loses_no_job_uses_no_attempt_and_makes_no_pause(shared: Installation, rounds: int) -> None:
    queue = f"rolling-{rounds}"
    with ExitStack() as stack:
        crew = [begin(shared, stack, queue) for _ in range(WORKERS)]
        load = Load(shared.api, queue, pace_s=0.1)
        stack.callback(load.stop)
        for number in range(WORKERS * rounds):
            load.wait_for_accepted(20)
            leaving, crew[number % WORKERS] = crew[number % WORKERS], begin(shared, stack, queue)
            leaving.send(signal.SIGTERM)
            assert leaving.wait() == 0
        load.wait_for_accepted(20)
        load.stop()
        jobs = [shared.api.completed(job_id) for job_id in load.accepted]
    assert {len(job["attempts"]) for job in jobs} == {1}
    # By the store's clock. A machine that stands still holds up those of its moment, and all for no longer than that.
    waits_s = [seconds(job["started_at"]) - seconds(job["created_at"]) for job in jobs]
    assert median(waits_s) < PAUSE_S
    assert max(waits_s) < PAUSE_S + STILL_S


def begin(shared: Installation, stack: ExitStack, queue: str) -> Running:
    """Start one more worker and wait until it works."""
    running = stack.enter_context(worker_of(shared.data_dir, "--queues", queue, "--concurrency", "4"))
    running.told("worker.started", within_s=START_S)
    return running
