"""What a worker tells of attempts that failed: by group, with its version, and again when the store did not hear."""

from __future__ import annotations

import logging

from pytest_django.fixtures import Settings

from jobs.domain.errors import BackendUnavailable
from jobs.domain.job import JobError
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.status import Status
from tests.stores import Bench
from tests.waiting import until
from tests.workers.test_worker import ended, working
from workers import Context, handler
from workers.faults import Faults
from workers.registry import Registry


def test_a_failed_attempt_is_told_with_place_and_version_and_a_good_one_is_not(
    bench: Bench, registry: Registry, settings: Settings
) -> None:
    settings.IRONFORGE_APP_VERSION = "2.0"

    @handler("boom", into=registry)
    async def boom(context: Context, payload: object) -> None:
        raise ValueError(f"order {context.job_id}")

    with working(bench, registry):
        jobs = [ended(bench, bench.submit("boom", max_retries=0), Status.DEAD_LETTER) for _ in range(3)]
        ended(bench, bench.submit("echo"), Status.COMPLETED)
        until(lambda: bool(bench.run(bench.inspector.workers())))
        (seen,) = bench.run(bench.inspector.workers())
        assert seen.app_version == "2.0"
    (group,) = bench.run(bench.backend.error_groups(bench.namespace).newest(10))
    assert (group.kind, group.error_type, group.where) == ("boom", "ValueError", "workers/test_faults.py in boom")
    assert [(each.version, each.count) for each in group.versions] == [("2.0", 3)]
    assert set(group.job_ids) == {job.id for job in jobs}


def test_what_a_store_that_was_away_did_not_hear_is_told_later(bench: Bench) -> None:
    faults = Faults(logging.getLogger("ironforge.test"))
    bench.submit("k")
    lease = bench.lease()
    failed = Settlement(job_id=lease.job.id, token=lease.token, outcome=OutcomeKind.FAILED, error=JobError("E", "no"))
    faults.note(lease.job, failed, Status.FAILED)

    class Away:
        def run(self, _: object) -> object:
            raise BackendUnavailable("away")

    faults.tell(Away())  # type: ignore[arg-type]
    faults.note(lease.job, failed, Status.DEAD_LETTER)
    for _ in range(2):
        faults.tell(bench.runner)  # type: ignore[arg-type]
    (group,) = bench.run(bench.backend.error_groups(bench.namespace).newest(10))
    assert (group.count, group.status) == (2, Status.DEAD_LETTER)
