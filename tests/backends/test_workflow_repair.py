"""Graphs that were damaged from outside: no step waits for ever, and what was mended is told."""

from __future__ import annotations

import pytest

from jobs.domain.status import Status
from jobs.domain.workflow import OnParentFailure, WorkflowSpec, WorkflowStatus
from tests.backends.test_reconcile import reconcile
from tests.graph import Graph, made, steps_after
from tests.stores import Bench

DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}


def key_of(bench: Bench, graph: Graph) -> str:
    return bench.keys.named("workflow_prefix") + graph.id


def test_a_sound_workflow_is_not_touched(bench: Bench) -> None:
    graph = made(bench, DIAMOND, on_parent_failure=OnParentFailure.WAIT)
    made(bench, {"x": []})
    Graph(bench, WorkflowSpec(name="w", steps=steps_after(DIAMOND)), is_started=False)
    bench.fail(bench.lease())
    before = bench.client.hgetall(key_of(bench, graph))
    assert reconcile(bench).is_clean
    assert bench.client.hgetall(key_of(bench, graph)) == before


def test_a_step_whose_workflow_is_lost_is_cancelled_and_says_so(bench: Bench) -> None:
    graph, other = made(bench, DIAMOND), made(bench, DIAMOND)
    steps = graph.steps()
    bench.client.delete(key_of(bench, graph))
    done = reconcile(bench)
    assert (done.steps_lost, done.steps_mended, done.is_clean) == (3, 0, False)
    for name in "bcd":
        job = bench.get(steps[name].job_id)
        assert (job.status, job.reason) == (Status.CANCELLED, "workflow_lost")
    assert bench.settle(bench.lease()) is Status.COMPLETED
    assert other.run_out() == [{"a"}, {"b", "c"}, {"d"}]
    assert reconcile(bench).is_clean


@pytest.mark.parametrize("size", [1, 150])
def test_a_release_that_was_lost_is_made_up_for(bench: Bench, size: int) -> None:
    """The list of who is still to be told is gone; of a wide step only the first hundred were."""
    bench.is_checked = False
    graph = made(bench, {"a": [], **{f"b{number}": ["a"] for number in range(size)}, "c": ["b0"]})
    lease = bench.lease()
    if size == 1:
        bench.settle(lease)
        # As of a copy of the store that was taken between the two.
        step = graph.steps()["b0"]
        bench.client.hset(key_of(bench, graph), f"e1:{step.number}", 1)
        bench.client.hset(key_of(bench, graph), mapping={f"s{step.number}": "w", f"p{step.number}": 1})
        bench.client.hincrby(key_of(bench, graph), "w", 1)
        bench.client.hincrby(key_of(bench, graph), "a", -1)
    else:
        bench.settle(lease)
    left = graph.look().waiting - 1
    bench.client.delete(bench.keys.named("workflow_prefix") + "~work")
    assert reconcile(bench).steps_mended == left
    bench.is_checked = True
    graph.run_out()
    assert graph.look().status is WorkflowStatus.COMPLETED


@pytest.mark.parametrize("field", ["p4", "walks"])
def test_a_number_that_is_wrong_holds_nobody_up(bench: Bench, field: str) -> None:
    graph = made(bench, DIAMOND)
    bench.client.hset(key_of(bench, graph), field, 7)
    graph.run_out()
    assert graph.look().status is WorkflowStatus.RUNNING
    bench.is_checked = False
    reconcile(bench)
    graph.run_out()
    assert graph.look().status is WorkflowStatus.COMPLETED


@pytest.mark.parametrize("name", ["a", "b", "d"])
def test_a_parent_whose_job_was_taken_away_counts_as_cancelled(bench: Bench, name: str) -> None:
    graph = made(bench, DIAMOND)
    bench.is_checked = False
    bench.client.delete(bench.keys.named("job_prefix") + graph.steps()[name].job_id)
    assert reconcile(bench).steps_mended
    graph.run_out()
    graph.tend()
    found = graph.look()
    assert (found.status, found.waiting, found.active) == (WorkflowStatus.FAILED, 0, 0)
    assert found.cancelled == {"a": 4, "b": 2, "d": 1}[name]
