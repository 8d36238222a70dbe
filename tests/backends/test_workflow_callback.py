"""The job that is submitted at the end of a workflow has all that it was given."""

from __future__ import annotations

from jobs.domain.job import JobSpec
from jobs.domain.status import Status
from jobs.domain.workflow import WorkflowSpec
from tests.graph import Graph, steps_after
from tests.stores import Bench


def test_a_callback_waits_for_its_time_and_expires_after_it(bench: Bench) -> None:
    bench.hold_clock()
    due, late = bench.now() + 5_000, bench.now() + 9_000
    for callback in (JobSpec(kind="told", scheduled_for=due), JobSpec(kind="told", expires_at=late)):
        Graph(bench, WorkflowSpec(name="w", steps=steps_after({"a": []}), callback=callback))
        bench.settle(bench.lease())
    assert (bench.depth(Status.SCHEDULED), bench.depth(Status.QUEUED)) == (1, 1)
    bench.check()
    bench.advance(9_000)
    bench.run(bench.maintainer.end_expired())
    (lease,) = bench.claim(9).leases
    assert (lease.job.kind, lease.job.scheduled_for) == ("told", due)
    assert bench.depth(Status.CANCELLED) == 1


def test_a_callback_whose_time_is_over_is_ready_at_once(bench: Bench) -> None:
    callback = JobSpec(kind="told", scheduled_for=bench.now() + 1_000)
    Graph(bench, WorkflowSpec(name="w", steps=steps_after({"a": []}), callback=callback))
    bench.advance(2_000)
    bench.settle(bench.lease())
    assert bench.lease().job.kind == "told"
