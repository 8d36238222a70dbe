"""Very many jobs that fail at the same moment: full jitter spreads their retries, and the store is not busy with it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from jobs.backends.base import MAX_BATCH
from jobs.domain.backoff import Backoff, Jitter
from jobs.domain.job import JobError, JobSpec
from jobs.domain.outcome import OutcomeKind, Settlement
from tests.backends.servers import Server
from tests.conftest import FIGURE
from tests.stores import Bench

WINDOW_MS, SLICES = 60_000, 20
BACKOFF = Backoff(base_ms=WINDOW_MS // 2, max_ms=WINDOW_MS, jitter=Jitter.FULL)
# Of the store's processor for a job from its submission to its way back to the queue; what it took is told.
CPU_MS = 1.0


def _cpu_ms(bench: Bench) -> float:
    found = bench.client.info("cpu")
    return float(found["used_cpu_user"] + found["used_cpu_sys"]) * 1000


def _fail_all(bench: Bench, number: int) -> None:
    """Let so many jobs run, and all of them fail in one burst."""
    for _ in range(number // MAX_BATCH):
        bench.submit_all([JobSpec(kind="storm", backoff=BACKOFF)] * MAX_BATCH)
    leases = [lease for _ in range(number // MAX_BATCH) for lease in bench.claim(MAX_BATCH).leases]
    error = JobError("ConnectionError", "the service is down")
    failed = [
        Settlement(job_id=lease.job.id, token=lease.token, outcome=OutcomeKind.FAILED, error=error) for lease in leases
    ]
    batches = [failed[first : first + MAX_BATCH] for first in range(0, number, MAX_BATCH)]
    bench.run_many([bench.consumer.settle(batch) for batch in batches])


@pytest.mark.parametrize("jobs", [1_000, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(300)])])
def test_jobs_that_fail_at_once_come_back_spread_over_the_window(
    jobs: int, tmp_path: Path, record_property: pytest.RecordProperty
) -> None:
    with Server(tmp_path) as server, Bench(url=server.url) as bench:
        bench.hold_clock()
        before_ms = _cpu_ms(bench)
        _fail_all(bench, jobs)
        due = sorted(score for _, score in bench.client.zrange(bench.keys.named("failed"), 0, -1, withscores=True))
        assert len(due) == jobs
        # The middle half of them alone takes nearly half of the window.
        assert due[-1] - due[0] > 0.9 * WINDOW_MS
        assert due[3 * jobs // 4] - due[jobs // 4] > 0.4 * WINDOW_MS
        back = Counter[int]()
        for number in range(SLICES + 2):
            while ready := bench.run(bench.maintainer.promote_due()):
                back[number] += ready
            bench.advance(WINDOW_MS // SLICES)
        cpu_ms = (_cpu_ms(bench) - before_ms) / jobs
        assert back.total() == jobs
        assert max(back.values()) < 2 * jobs / SLICES
        assert cpu_ms < CPU_MS
    share = max(back.values()) / jobs
    record_property(
        FIGURE, f"{jobs} retries: at most {share:.1%} in a {SLICES}th of the window, {cpu_ms:.3f} ms CPU each"
    )
