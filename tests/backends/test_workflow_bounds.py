"""Workflows that are large, and a store that is full."""

from __future__ import annotations

import pytest

from jobs.domain.errors import BackendUnavailable
from jobs.domain.status import Status
from jobs.domain.workflow import WorkflowSpec, WorkflowStatus
from tests.backends.servers import Server
from tests.backends.test_memory import full
from tests.graph import Graph, made, steps_after
from tests.stores import BY, Bench


def test_a_large_batch_begins_bit_by_bit_and_misses_none(bench: Bench) -> None:
    graph = made(bench, {f"s{number}": [] for number in range(450)})
    assert bench.depth(Status.QUEUED) == 99
    graph.tend()
    assert bench.depth(Status.QUEUED) == 450
    assert sum(map(len, graph.run_out())) == 450
    assert graph.look().status is WorkflowStatus.COMPLETED


def test_a_wide_step_and_its_join(bench: Bench) -> None:
    wide = [f"s{number}" for number in range(300)]
    graph = made(bench, {"a": [], **{name: ["a"] for name in wide}, "z": wide})
    bench.settle(bench.lease())
    assert bench.depth(Status.WAITING) == 202
    graph.tend()
    rounds = graph.run_out()
    assert [len(names) for names in rounds] == [200, 100, 1]
    assert graph.look().status is WorkflowStatus.COMPLETED


def test_a_workflow_is_refused_and_one_that_runs_goes_on(spare: Server) -> None:
    with Bench(url=spare.url) as bench:
        refuse_and_go_on(bench)


def refuse_and_go_on(bench: Bench) -> None:
    """Fill the store between."""
    graph = Graph(bench, WorkflowSpec(name="w", steps=steps_after({"a": [], "b": ["a"]})))
    late = Graph(bench, graph.spec, is_started=False)
    lease = bench.lease()
    with full(bench):
        for call in (
            late.calls.stage(late.id, late.spec, (), by=BY),
            late.calls.start(late.id, (1,), "", ""),
            graph.calls.grow(graph.id, lease.job.id, lease.token, 2, ()),
        ):
            with pytest.raises(BackendUnavailable) as refusal:
                bench.run(call)  # type: ignore[arg-type]
            assert refusal.value.code == "queue_full"
        bench.settle(lease)
        assert graph.statuses()["b"] == "queued"
        assert len(bench.run(graph.calls.newest(None, 9))) == 1
        assert graph.walk("cancel") == "done"
        while bench.run(late.calls.unstage(late.id)):
            pass
    assert bench.depth(Status.WAITING) == 0
