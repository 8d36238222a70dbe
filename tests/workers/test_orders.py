"""A worker is quieted, resumed and stopped through the store, and by signals beside that."""

from __future__ import annotations

from jobs.domain.status import Status
from jobs.domain.worker import WorkerOrder
from tests.stores import Bench
from tests.waiting import until
from tests.workers.test_worker import BEAT_S, ended, working
from workers.process import WorkerProcess
from workers.registry import Registry


def status_of(bench: Bench, worker: WorkerProcess) -> str:
    return next((seen.status for seen in bench.run(bench.inspector.workers()) if seen.id == worker.id), "")


def give(bench: Bench, worker: WorkerProcess, order: WorkerOrder) -> None:
    until(lambda: bool(status_of(bench, worker)))
    assert bench.run(bench.operator.order(worker.id, order))


def test_a_change_of_standing_is_told_at_once(bench: Bench, registry: Registry, settings: object) -> None:
    settings.IRONFORGE_LEASE_MS = 600_000  # type: ignore[attr-defined]
    with working(bench, registry) as worker:
        until(lambda: status_of(bench, worker) == "running")
        worker._loop.call_soon_threadsafe(worker._standing.quiet)
        until(lambda: status_of(bench, worker) == "quiet")
        worker._loop.call_soon_threadsafe(worker._standing.resume)
        until(lambda: status_of(bench, worker) == "running")


def test_a_quiet_worker_ends_what_runs_and_takes_nothing_until_it_is_resumed(bench: Bench, registry: Registry) -> None:
    with working(bench, registry, beat_s=BEAT_S) as worker:
        running = bench.submit("endless")
        until(lambda: bench.get(running).status is Status.RUNNING)
        give(bench, worker, WorkerOrder.QUIET)
        until(lambda: status_of(bench, worker) == "quiet")
        waiting = bench.submit("echo")
        bench.cancel(running, running=True)
        ended(bench, running, Status.CANCELLED)
        assert bench.get(waiting).status is Status.QUEUED
        give(bench, worker, WorkerOrder.RUN)
        ended(bench, waiting, Status.COMPLETED)
        until(lambda: status_of(bench, worker) == "running")


def test_who_is_quiet_for_two_reasons_waits_for_the_end_of_both(bench: Bench, registry: Registry) -> None:
    with working(bench, registry, beat_s=BEAT_S) as worker:
        give(bench, worker, WorkerOrder.QUIET)
        until(lambda: status_of(bench, worker) == "quiet")
        worker._loop.call_soon_threadsafe(worker._standing.quiet)
        worker._loop.call_soon_threadsafe(worker._standing.resume)
        job_id = bench.submit("echo")
        give(bench, worker, WorkerOrder.RUN)
        ended(bench, job_id, Status.COMPLETED)


def test_a_worker_that_is_told_to_terminate_drains_and_ends(bench: Bench, registry: Registry) -> None:
    with working(bench, registry, grace_s=0.2, beat_s=BEAT_S) as worker:
        running = bench.submit("endless")
        until(lambda: bench.get(running).status is Status.RUNNING)
        give(bench, worker, WorkerOrder.TERMINATE)
        until(lambda: bench.get(running).status is Status.QUEUED)
        until(lambda: bench.run(bench.inspector.workers()) == [])
    assert bench.get(running).retry_count == 0
