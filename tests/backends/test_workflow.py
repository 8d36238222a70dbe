"""Workflows in the store: a step goes when its parents completed, each edge counts once, and no step waits for ever."""

from __future__ import annotations

import msgspec
import pytest

from jobs.backends.retention import Retention
from jobs.backends.workflows import StartCode
from jobs.domain.job import JobSpec
from jobs.domain.naming import DELIVERY_QUEUE
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.status import Status
from jobs.domain.workflow import OnParentFailure, Step, WorkflowSpec, WorkflowStatus
from tests.backends.test_reconcile import reconcile
from tests.graph import Graph, made, steps_after
from tests.stores import BY, Bench

DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
CONTINUE, WAIT = OnParentFailure.CONTINUE, OnParentFailure.WAIT


def test_a_step_goes_in_the_step_of_the_store_that_settles_its_last_parent(bench: Bench) -> None:
    graph = made(bench, DIAMOND)
    assert graph.run_out() == [{"a"}, {"b", "c"}, {"d"}]
    found = graph.look()
    assert (found.status, found.completed, found.waiting, found.active) == (WorkflowStatus.COMPLETED, 4, 0, 0)
    assert found.finished_at is not None


def test_a_settlement_that_is_repeated_counts_an_edge_once(bench: Bench) -> None:
    graph = made(bench, {"a": [], "b": [], "c": ["a", "b"]})
    leases = graph.leases()
    done = Settlement(job_id=leases["a"].job.id, token=leases["a"].token, outcome=OutcomeKind.COMPLETED)
    bench.twice(bench.consumer.settle([done]))
    assert graph.statuses()["c"] == "waiting"
    bench.settle(leases["b"])
    assert graph.statuses()["c"] == "queued"


def test_a_lost_lease_is_no_end_and_a_stale_worker_lets_nobody_go(bench: Bench) -> None:
    graph = made(bench, {"a": [], "b": ["a"]})
    lost = bench.lease()
    bench.run(bench.maintainer.reap())
    bench.advance(30_000)
    assert bench.run(bench.maintainer.reap()) == 1
    assert bench.settle(lost) is None
    assert graph.statuses() == {"a": "queued", "b": "waiting"}
    assert graph.run_out() == [{"a"}, {"b"}]


def test_a_step_gets_what_its_parents_made(bench: Bench) -> None:
    graph = made(bench, {"a": [], "b": [], "c": ["a", "b"]}, on_parent_failure=CONTINUE)
    leases = graph.leases()
    assert leases["a"].parents == b"{}"
    bench.settle(leases["a"], result=b'{"n":[1,"x"]}')
    bench.fail(leases["b"])
    bench.run(bench.maintainer.prune(Retention(max_jobs=0)))
    (lease,) = graph.leases().values()
    wanted = {"a": {"status": "completed", "result": {"n": [1, "x"]}}, "b": {"status": "dead_letter"}}
    assert msgspec.json.decode(lease.parents or b"") == wanted
    assert (lease.job.workflow_id, lease.job.step) == (graph.id, "c")


def test_a_result_that_is_too_large_is_left_out_and_said_so(bench: Bench) -> None:
    graph = made(bench, {"a": [], "b": ["a"]})
    bench.settle(bench.lease(), result=b'"' + b"x" * 70_000 + b'"')
    assert msgspec.json.decode(bench.lease().parents or b"") == {"a": {"status": "completed", "omitted": True}}
    assert graph.look().completed == 1


@pytest.mark.parametrize(
    ("policy", "after"),
    [(OnParentFailure.CANCEL, "cancelled"), (CONTINUE, "queued"), (WAIT, "waiting")],
)
def test_a_dead_letter_does_to_its_children_what_the_policy_says(
    bench: Bench, policy: OnParentFailure, after: str
) -> None:
    graph = made(bench, {"a": [], "b": ["a"], "c": ["b"]}, on_parent_failure=policy)
    bench.fail(bench.lease())
    assert graph.statuses()["b"] == after
    graph.tend()
    assert graph.look().is_blocked == (policy is WAIT)
    if policy is OnParentFailure.CANCEL:
        assert graph.statuses()["c"] == "cancelled"
        assert graph.look().status is WorkflowStatus.FAILED


def test_a_step_s_own_policy_goes_before_the_workflow_s(bench: Bench) -> None:
    steps = steps_after({"a": [], "b": ["a"], "c": ["a"], "d": ["c"]}, {"b": CONTINUE})
    graph = Graph(bench, WorkflowSpec(name="w", steps=steps))
    graph.run_out(failing=["a"])
    assert graph.statuses() == {"a": "dead_letter", "b": "completed", "c": "cancelled", "d": "cancelled"}


def reinject(bench: Bench, job_id: str) -> None:
    bench.twice(bench.operator.retry([job_id], "again", by=BY))


def test_a_workflow_runs_on_when_a_dead_letter_is_re_injected(bench: Bench) -> None:
    graph = made(bench, {"a": [], "b": ["a"]}, on_parent_failure=WAIT)
    dead = bench.lease()
    bench.fail(dead)
    assert graph.look().status is WorkflowStatus.RUNNING
    reinject(bench, dead.job.id)
    assert graph.run_out() == [{"a"}, {"b"}]
    assert graph.look().status is WorkflowStatus.COMPLETED


def test_an_edge_that_was_passed_over_is_not_counted_again(bench: Bench) -> None:
    """b goes on although a failed; a, re-injected, completes later: c still waits for b, and d for both."""
    graph = made(bench, {"a": [], "b": [], "c": ["a", "b"]}, on_parent_failure=CONTINUE)
    leases = graph.leases()
    bench.fail(leases["a"])
    reinject(bench, leases["a"].job.id)
    bench.settle(graph.leases()["a"])
    assert graph.statuses()["c"] == "waiting"
    bench.settle(leases["b"])
    assert graph.statuses()["c"] == "queued"


WAYS_TO_GO = ["discard", "prune", "purge", "cancel", "delete"]


@pytest.mark.parametrize("way", WAYS_TO_GO)
def test_no_step_waits_for_a_parent_that_can_never_complete(bench: Bench, way: str) -> None:
    bench.is_checked = way != "delete"
    graph = made(bench, {"a": [], "b": ["a"], "c": ["b"]}, on_parent_failure=WAIT)
    job_id = graph.steps()["a"].job_id
    if way in ("discard", "prune"):
        bench.fail(bench.lease())
    if way == "discard":
        bench.twice(bench.operator.discard([job_id], "r", by=BY))
    elif way == "prune":
        bench.advance(100)
        bench.run(bench.maintainer.prune(Retention(dead_letter_age_ms=1)))
    elif way == "purge":
        assert bench.run(bench.operator.purge("main", "r", bench.now(), 0, by=BY)).purged == 1
    elif way == "cancel":
        bench.cancel(job_id)
    else:
        bench.client.delete(bench.keys.named("job_prefix") + graph.steps()["b"].job_id)
        bench.settle(bench.lease())
    graph.tend()
    assert graph.statuses()["c"] == "cancelled"
    assert graph.look().status is WorkflowStatus.FAILED


def test_a_damaged_step_is_a_dead_letter_that_its_children_hear_of(bench: Bench) -> None:
    graph = made(bench, {"a": [], "b": ["a"], "c": ["b"]})
    bench.client.hset(bench.keys.named("job_prefix") + graph.steps()["b"].job_id, "spec", b"\xc1")
    bench.is_checked = False
    bench.settle(bench.lease())
    graph.tend()
    assert graph.statuses() == {"a": "completed", "b": "dead_letter", "c": "cancelled"}


def test_the_rest_is_cancelled_and_what_runs_is_asked_to_stop(bench: Bench) -> None:
    graph = made(bench, {"a": [], "b": [], "c": ["a"], "d": ["c"]})
    lease = bench.lease()
    assert graph.walk("cancel") == "done"
    statuses = graph.statuses()
    assert sorted(statuses.values()) == ["cancelled", "cancelled", "cancelled", "running"]
    assert bench.run(bench.consumer.extend([(lease.job.id, lease.token)], 1_000)).cancel_requested
    bench.settle(lease, OutcomeKind.RELEASED)
    graph.tend()
    assert graph.look().status is WorkflowStatus.CANCELLED
    assert graph.walk("cancel") == "conflict"


@pytest.mark.parametrize("order", ["down", "up"])
def test_a_retry_runs_again_what_failed_and_what_was_cancelled_for_it(bench: Bench, order: str) -> None:
    names = {"a": [], "b": ["a"], "c": ["b"], "x": [], "y": ["x", "c"]}
    graph = made(bench, names if order == "down" else dict(reversed(names.items())))
    graph.run_out(failing=["b"])
    graph.tend()
    before = graph.steps()
    assert graph.look().status is WorkflowStatus.FAILED
    assert graph.walk("retry") == "done"
    after = graph.steps()
    assert {name for name in names if before[name].job_id != after[name].job_id} == {"c", "y"}
    assert graph.run_out() == [{"b"}, {"c"}, {"y"}]
    found = graph.look()
    assert (found.status, found.run, found.completed) == (WorkflowStatus.COMPLETED, 2, 5)
    assert bench.get(before["c"].job_id).status is Status.CANCELLED
    assert graph.walk("retry") == "conflict"


def test_a_retry_gives_up_what_stands_behind_a_job_that_is_gone(bench: Bench) -> None:
    graph = made(bench, {"a": [], "b": ["a"], "c": ["b"]})
    bench.run(bench.operator.purge("main", "r", bench.now(), 0, by=BY))
    graph.tend()
    assert graph.walk("retry") == "done"
    assert set(graph.statuses().values()) == {"cancelled"}
    assert graph.look().status is WorkflowStatus.FAILED


def test_the_callback_and_the_webhook_hear_of_each_end_once(bench: Bench) -> None:
    callback = JobSpec(kind="tell", payload=b'{"x":1}', queue="done")
    graph = made(bench, {"a": [], "b": []}, callback=callback, webhook="https://a.example/hook")
    leases = graph.leases()
    bench.settle(leases["a"])
    bench.fail(leases["b"])
    queues = ("done", DELIVERY_QUEUE)
    told, posted = sorted(bench.claim(9, queues=queues).leases, key=lambda lease: lease.job.kind, reverse=True)
    assert msgspec.json.decode(told.job.payload or b"") == {
        "workflow_id": graph.id, "name": "w", "status": "failed", "steps": 2, "completed": 1, "dead_letter": 1,
        "cancelled": 0, "payload": {"x": 1},
    }  # fmt: skip
    assert (told.job.workflow_id, told.job.step, told.parents) == (graph.id, None, None)
    assert msgspec.json.decode(posted.job.payload or b"")["workflow"]["status"] == "failed"
    for lease in (told, posted):
        bench.settle(lease)
    reinject(bench, leases["b"].job.id)
    bench.settle(bench.lease())
    assert len(bench.claim(9, queues=queues).leases) == 2
    assert graph.look().status is WorkflowStatus.COMPLETED


def test_what_is_not_started_is_seen_by_nobody_and_swept(bench: Bench) -> None:
    graph = Graph(bench, WorkflowSpec(name="w", steps=steps_after(DIAMOND)), is_started=False)
    assert bench.run(graph.calls.get(graph.id, 1, 10)) is None
    assert bench.claim(9).leases == ()
    assert bench.run(bench.maintainer.sweep(Retention())) is False
    bench.advance(600_001)
    while bench.run(bench.maintainer.sweep(Retention())):
        pass
    assert bench.depth(Status.WAITING) == 0
    assert graph.start()[0] is StartCode.GONE
    assert bench.client.exists(bench.keys.named("workflow_prefix") + graph.id) == 0


def test_one_idempotency_key_starts_one_workflow(bench: Bench) -> None:
    spec = WorkflowSpec(name="w", steps=steps_after(DIAMOND))
    first = Graph(bench, spec, is_started=False)
    second = Graph(bench, spec, is_started=False)
    assert first.start("k", "f") == (StartCode.STARTED, first.id)
    assert second.start("k", "f") == (StartCode.REPLAYED, first.id)
    assert second.start("k", "g")[0] is StartCode.MISMATCH
    while bench.run(second.calls.unstage(second.id)):
        pass
    assert bench.depth(Status.WAITING) == 3


def test_a_workflow_that_ended_is_forgotten_after_its_time_and_its_dead_letters_live_on(bench: Bench) -> None:
    done, failed = made(bench, {"a": []}), made(bench, {"b": []})
    leases = done.leases()
    bench.settle(leases["a"])
    bench.fail(leases["b"])
    bench.advance(1_001)
    bench.run(bench.maintainer.sweep(Retention(max_age_ms=1_000)))
    assert bench.run(done.calls.get(done.id, 1, 1)) is None
    assert [entry.id for _, entry in bench.run(done.calls.newest(None, 10))] == [failed.id]
    bench.run(bench.maintainer.sweep(Retention(max_age_ms=1_000, dead_letter_age_ms=1_000)))
    assert bench.run(failed.calls.newest(None, 10)) == []
    reinject(bench, leases["b"].job.id)
    assert bench.settle(bench.lease()) is Status.COMPLETED


def test_a_step_for_later_is_delayed_when_its_parents_are_done(bench: Bench) -> None:
    later = bench.now() + 60_000
    steps = (
        Step(name="a", spec=JobSpec(kind="k")),
        Step(name="b", spec=JobSpec(kind="k", scheduled_for=later), after=("a",)),
    )
    graph = Graph(bench, WorkflowSpec(name="w", steps=steps))
    bench.settle(bench.lease())
    assert graph.statuses()["b"] == "scheduled"
    bench.advance(60_000)
    assert graph.run_out() == [{"b"}]


def test_a_step_that_waits_beyond_its_time_is_cancelled_and_its_children_hear_of_it(bench: Bench) -> None:
    bench.hold_clock()
    spec = JobSpec(kind="k", expires_at=bench.now() + 1_000)
    steps = (*steps_after({"a": [], "c": ["b"]}), Step(name="b", spec=spec, after=("a",)))
    graph = Graph(bench, WorkflowSpec(name="w", steps=steps))
    bench.advance(1_001)
    bench.run(bench.maintainer.end_expired())
    assert bench.get(graph.steps()["b"].job_id).reason == "expired"
    graph.tend()
    assert graph.statuses()["c"] == "cancelled"


def test_what_does_not_fit_together_is_put_right_and_nothing_else_is_touched(bench: Bench) -> None:
    graph = made(bench, DIAMOND)
    assert reconcile(bench).is_clean
    bench.client.delete(bench.keys.named("waiting"), bench.keys.named("counts"))
    assert reconcile(bench).jobs_put_back == 3
    assert graph.run_out() == [{"a"}, {"b", "c"}, {"d"}]


def test_a_job_of_no_workflow_costs_settle_no_further_command(bench: Bench) -> None:
    bench.submit()
    lease = bench.lease()
    before = bench.client.info("commandstats")
    bench.settle(lease)
    after = bench.client.info("commandstats")
    grown = {name for name in after if after[name]["calls"] > before.get(name, {}).get("calls", 0)}
    assert not grown & {"cmdstat_lpop", "cmdstat_lpush"}
