"""What upkeep does for workflows: it hears that there is something, passes what is in its way, and leaves nothing."""

from __future__ import annotations

from jobs.backends.retention import Retention
from jobs.domain.workflow import WorkflowSpec
from tests.graph import Graph, made, steps_after
from tests.stores import BY, Bench


def test_workflows_that_failed_do_not_hide_those_that_are_to_be_forgotten(bench: Bench) -> None:
    prefix, ended = bench.keys.named("workflow_prefix"), bench.keys.named("workflows_ended")
    with bench.client.pipeline(transaction=False) as pipe:
        for number in range(450):
            pipe.hset(f"{prefix}failed-{number}", "status", "failed")
            pipe.zadd(ended, {f"failed-{number}": bench.now() - 1_000})
        pipe.execute()
    done = made(bench, {"a": []})
    bench.settle(bench.lease())
    bench.advance(10_000)
    for _ in range(3):
        bench.run(bench.maintainer.sweep(Retention(max_age_ms=5_000)))
    assert bench.run(done.calls.get(done.id, 1, 0)) is None
    assert bench.client.zcard(ended) == 450
    for _ in range(3):
        bench.run(bench.maintainer.sweep(Retention(max_age_ms=5_000, dead_letter_age_ms=5_000)))
    assert bench.client.zcard(ended) == 0
    assert not bench.client.exists(f"{prefix}~swept")


def test_a_step_that_expired_runs_when_its_workflow_is_retried(bench: Bench) -> None:
    bench.hold_clock()
    soon, late = bench.now() + 1_000, bench.now() + 9_000
    steps = (*steps_after({"a": []}, expires_at=soon), *steps_after({"b": ["a"]}, expires_at=late))
    graph = Graph(bench, WorkflowSpec(name="w", steps=steps))
    bench.advance(2_000)
    bench.run(bench.maintainer.end_expired())
    graph.tend()
    assert graph.statuses() == {"a": "cancelled", "b": "cancelled"}
    assert graph.walk("retry") == "done"
    bench.run(bench.maintainer.end_expired())
    assert graph.run_out() == [{"a"}, {"b"}]


def test_a_retried_step_whose_time_is_still_to_come_expires_then(bench: Bench) -> None:
    bench.hold_clock()
    steps = (*steps_after({"a": []}), *steps_after({"b": ["a"]}, expires_at=bench.now() + 9_000))
    graph = Graph(bench, WorkflowSpec(name="w", steps=steps))
    bench.fail(bench.lease())
    assert graph.walk("retry") == "done"
    bench.advance(10_000)
    bench.run(bench.maintainer.end_expired())
    assert graph.statuses() == {"a": "queued", "b": "cancelled"}


def test_what_was_never_started_leaves_nothing_that_would_expire(bench: Bench) -> None:
    steps = steps_after({"a": []}, expires_at=bench.now() + 99_000_000)
    Graph(bench, WorkflowSpec(name="w", steps=steps), is_started=False)
    bench.advance(600_001)
    while bench.run(bench.maintainer.sweep(Retention())):
        pass
    assert bench.client.zcard(bench.keys.named("expiring")) == 0


def test_a_walk_that_nobody_can_read_holds_no_other_up(bench: Bench) -> None:
    graph = made(bench, {"a": [], "b": ["a"]})
    bench.client.rpush(bench.keys.named("workflow_walks"), "a walk", "wander w 1", "cancel w x")
    bench.run(graph.calls.walk(graph.id, "cancel", "r", by=BY))
    graph.tend()
    assert graph.statuses() == {"a": "cancelled", "b": "cancelled"}


def test_a_look_at_a_namespace_says_that_steps_are_to_be_told(bench: Bench) -> None:
    graph = made(bench, {f"s{number}": [] for number in range(150)})
    assert bench.run(bench.maintainer.glance(["main"])).needs_upkeep
    graph.tend()
    assert not bench.run(bench.maintainer.glance(["main"])).needs_upkeep
    bench.run(graph.calls.walk(graph.id, "cancel", "r", by=BY))
    assert bench.run(bench.maintainer.glance(["main"])).needs_upkeep
    graph.tend()
