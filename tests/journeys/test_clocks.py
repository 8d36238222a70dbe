"""Workers whose clocks are wrong: only the store's clock decides anything, so nothing comes early, late or twice."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.journeys.installation import Installation
from tests.journeys.moment import in_seconds, seconds
from tests.torture.duties import clock

pytestmark = pytest.mark.journey

HOUR_S, DAY_S = 3_600.0, 86_400.0
# Between due and start lie a poll and a machine that stands still now and then; the clocks are hours off.
LATE_S = 60.0
LEASE_MS = 4_000


@pytest.mark.parametrize(
    ("first_s", "then_s"),
    [
        (HOUR_S, -DAY_S),
        pytest.param(DAY_S, -HOUR_S, marks=pytest.mark.long),
        pytest.param(-HOUR_S, DAY_S, marks=pytest.mark.long),
        pytest.param(-DAY_S, HOUR_S, marks=pytest.mark.long),
    ],
)
def test_a_worker_whose_clock_is_wrong_and_jumps_does_everything_in_time(
    shared: Installation, tmp_path: Path, first_s: float, then_s: float
) -> None:
    api, queue, path = shared.api, f"clock-{first_s:.0f}".replace("--", "-minus-"), tmp_path / "clock"
    clock.set_offset(path, first_s)
    settings = {
        "IRONFORGE_HANDLERS": "tests.torture.duties",
        "TORTURE_CLOCK": str(path),
        "IRONFORGE_LEASE_MS": str(LEASE_MS),
    }
    began = time.time()
    with shared.worker("--queues", queue, **settings) as worker:
        # Longer than its lease, which has to be renewed while the clock jumps.
        long = api.submit("demo.sleep", {"ms": LEASE_MS + 1_000}, queue=queue)
        worker.told("job.started", job_id=long)
        clock.set_offset(path, then_s)
        due = in_seconds(1.0)
        delayed = api.submit("demo.echo", queue=queue, scheduled_for=due)
        backoff = {"base_ms": 300, "max_ms": 600, "jitter": "none"}
        failing = api.submit("demo.fail", {"times": 1}, queue=queue, backoff=backoff)
        quick = api.submit("demo.echo", queue=queue)
        jobs = {name: api.completed(name) for name in (quick, failing, delayed, long)}
    assert [len(jobs[name]["attempts"]) for name in (quick, failing, delayed, long)] == [1, 2, 1, 1]
    assert 0 <= seconds(jobs[delayed]["started_at"]) - seconds(due) < LATE_S
    lost, ran = jobs[failing]["attempts"]
    assert 0.6 <= seconds(ran["started_at"]) - seconds(lost["finished_at"]) < 0.6 + LATE_S
    for job in jobs.values():
        moments = [job["created_at"], *(attempt["started_at"] for attempt in job["attempts"]), job["finished_at"]]
        assert began - 1 <= min(map(seconds, moments)) <= max(map(seconds, moments)) <= time.time() + 1
