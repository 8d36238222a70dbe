"""Any field of a workflow may be damaged from outside: no call fails for it, it stops no job, and counts are mended."""

from __future__ import annotations

import secrets

import pytest

from jobs.backends.retention import Retention
from jobs.domain.job import JobSpec
from jobs.domain.status import Status
from jobs.domain.workflow import WorkflowSpec, WorkflowStatus
from tests.backends.test_reconcile import reconcile
from tests.graph import Graph, steps_after
from tests.stores import BY, Bench

DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
DAMAGE: list[tuple[str, bytes | None]] = [
    *((count, value) for count in "wacdx" for value in (b"x", None)),
    *(("steps", value) for value in (b"x", b"-1", None)),
    *(("walks", value) for value in (b"nan", None)),
    *((field, b"x") for field in ("kept", "run", "callback", "policy", "p2", "a4", "c1", "s2", "status")),
    *((field, None) for field in ("name", "run", "j2", "s4", "p4")),
]


def damaged(bench: Bench, field: str, value: bytes | None) -> Graph:
    """Return a workflow that has just begun, with the field damaged."""
    spec = WorkflowSpec(
        name="w", steps=steps_after(DIAMOND), callback=JobSpec(kind="told", queue="told"), webhook="https://a.example/"
    )
    graph = Graph(bench, spec)
    key = bench.keys.named("workflow_prefix") + graph.id
    if value is None:
        bench.client.hdel(key, field)
    else:
        bench.client.hset(key, field, value)
    return graph


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.long), 4])
def test_no_call_fails_for_a_damaged_workflow_and_no_other_job_is_stopped(bench: Bench, step: int) -> None:
    bench.is_checked = False
    for field, value in DAMAGE[::step]:
        graph, other = damaged(bench, field, value), bench.submit()
        for lease in bench.claim(9).leases:
            bench.settle(lease, result=b'"x"')
        assert bench.get(other).status is Status.COMPLETED
        bench.run(graph.calls.get(graph.id, 1, 9))
        bench.run(graph.calls.newest(None, 9))
        other = bench.submit()
        for lease in bench.claim(9).leases[:-1]:
            bench.fail(lease)
        for verb in ("cancel", "retry"):
            bench.run(graph.calls.walk(graph.id, verb, secrets.token_hex(4), by=BY))  # type: ignore[arg-type]
            graph.tend()
        bench.advance(30_000)
        bench.run(bench.maintainer.reap())
        bench.advance(30_000)
        bench.run(bench.maintainer.reap())
        assert bench.client.zcard(bench.keys.named("leases")) == 0
        reconcile(bench)
        graph.tend()
        bench.run(bench.maintainer.sweep(Retention()))


@pytest.mark.parametrize("field", ["w", "a", "c", "steps"])
def test_a_count_that_is_wrong_is_made_anew(bench: Bench, field: str) -> None:
    graph = damaged(bench, field, b"7")
    reconcile(bench)
    assert graph.run_out() == [{"a"}, {"b", "c"}, {"d"}]
    found = graph.look()
    assert (found.status, found.completed, found.steps) == (WorkflowStatus.COMPLETED, 4, 4)


@pytest.mark.parametrize("field", ["w", "a", "c", "steps"])
def test_a_count_that_is_no_number_is_made_anew_by_the_next_step_that_ends(bench: Bench, field: str) -> None:
    graph = damaged(bench, field, b"?")
    assert graph.run_out() == [{"a"}, {"b", "c"}, {"d"}]
    found = graph.look()
    assert (found.completed, found.waiting, found.active) == (4, 0, 0)
    assert found.status is (WorkflowStatus.FAILED if field == "steps" else WorkflowStatus.COMPLETED)
