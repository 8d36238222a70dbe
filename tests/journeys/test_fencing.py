"""A worker that stands still between the end of its job and the word of it: what it says later changes nothing."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.journeys.api import Api
from tests.journeys.installation import Installation, entries_of
from tests.waiting import until

pytestmark = pytest.mark.journey

ODD = {"IRONFORGE_HANDLERS": "tests.journeys.oddities"}


def stale_settles(api: Api) -> float:
    found = re.search(r'^ironforge_stale_settles_total\{namespace="default"\} (\S+)', api.text("/metrics"), re.M)
    return float(found[1]) if found else 0.0


def stands_still(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.mark.parametrize("lease_ms", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_an_outcome_that_comes_after_another_worker_finished_is_refused_and_counted(
    shared: Installation, lease_ms: int
) -> None:
    api, queue, settings = shared.api, f"fenced-{lease_ms}", {**ODD, "IRONFORGE_LEASE_MS": str(lease_ms)}
    with shared.worker("--queues", queue, **settings) as first:
        job_id = api.submit("odd.freeze", queue=queue)
        until(lambda: stands_still(first.process.pid))
        try:
            with shared.worker("--queues", queue, **ODD):
                job = api.completed(job_id)
            before = stale_settles(api)
        finally:
            first.send(signal.SIGCONT)
        until(lambda: stale_settles(api) == before + 1)
        # It works on.
        assert api.completed(api.submit("demo.echo", "on", queue=queue))["result"] == "on"
    assert job["result"] == 2
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["lost_lease", "completed"]
    assert api.job(job_id) == job
    assert not [entry for entry in entries_of(first, "job.completed") if entry["job_id"] == job_id]
