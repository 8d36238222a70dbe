"""Each transition by itself, on the real store."""

from __future__ import annotations

from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.status import Status
from tests.stores import Bench


def test_a_job_is_submitted_claimed_and_completed(bench: Bench) -> None:
    job_id = bench.submit(payload=b'{"a":1}', metadata={"team": "x"})
    assert bench.get(job_id).status is Status.QUEUED
    claim = bench.claim()
    (lease,) = claim.leases
    assert lease.job.payload == b'{"a":1}'
    assert bench.get(job_id).status is Status.RUNNING
    settlement = Settlement(job_id=job_id, token=lease.token, outcome=OutcomeKind.COMPLETED, result=b"1", duration_ms=3)
    (settled,) = bench.run(bench.consumer.settle([settlement]))
    assert settled.status is Status.COMPLETED
    job = bench.get(job_id)
    assert job.result == b"1"
    assert [attempt.outcome for attempt in job.attempts] == ["completed"]
    print(bench.run(bench.inspector.overview(2)))
    print(bench.run(bench.feed.events_since("0-0", 10)))
