"""reprioritise.lua and move.lua: jobs that wait take another place, and keep their time and all else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.backends.base import ActCode, Acted
from jobs.backends.call import Call
from jobs.domain.backoff import Backoff
from jobs.domain.job import Delivery, Job, JobSpec
from jobs.domain.limit import Limit
from jobs.domain.naming import DELIVERY_QUEUE
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from jobs.domain.trace import TraceContext
from tests.backends.situations import CANCELLABLE, fill_queues, in_status
from tests.stores import BY, Bench

RICH = JobSpec(
    kind="demo.echo",
    max_retries=7,
    timeout_ms=1_234,
    delivery=Delivery.AT_MOST_ONCE,
    backoff=Backoff(10, 20),
    metadata={"team": "mail"},
    webhook="https://a.example/",
    trace=TraceContext("a" * 32, "b" * 16, 1, "vendor=1"),
)


def reprioritised(bench: Bench, job_id: str, priority: Priority) -> Acted:
    (acted,) = bench.twice(bench.operator.reprioritise([job_id], "r1", priority, by=BY))
    return acted


def moved(bench: Bench, job_id: str, queue: str) -> Acted:
    (acted,) = bench.twice(bench.operator.move([job_id], "r1", queue, by=BY))
    return acted


def rest_of(job: Job) -> tuple[object, ...]:
    """Return what no move and no priority may change."""
    times = (job.created_at, job.ready_at, job.scheduled_for)
    return (
        job.status,
        job.max_retries,
        job.timeout_ms,
        job.delivery,
        job.backoff,
        job.metadata,
        job.webhook,
        job.trace,
        *times,
    )


@pytest.mark.parametrize("status", CANCELLABLE)
@pytest.mark.parametrize("is_move", [True, False])
def test_whatever_waits_takes_its_new_place_and_keeps_the_rest(bench: Bench, status: Status, is_move: bool) -> None:
    job_id = in_status(bench, status)
    before = bench.get(job_id)
    bench.advance(5_000)
    acted = moved(bench, job_id, "other") if is_move else reprioritised(bench, job_id, Priority.CRITICAL)
    assert acted == Acted(job_id, ActCode.DONE, status)
    job = bench.get(job_id)
    assert (job.queue, job.priority) == (("other", Priority.MEDIUM) if is_move else ("main", Priority.CRITICAL))
    assert rest_of(job) == rest_of(before)
    event = bench.last_event()
    assert (event.verb, event.queue) == ("move" if is_move else "reprioritise", job.queue)
    bench.advance(3_600_000)
    bench.run(bench.maintainer.promote_due())
    assert [lease.job.id for lease in bench.claim(1, (job.queue,)).leases] == [job_id]


@pytest.mark.parametrize("mode", ["offset", "strict"])
@pytest.mark.parametrize("spec", [JobSpec(kind="demo.echo"), JobSpec(kind="demo.echo", max_retries=1), RICH])
@pytest.mark.usefixtures("_store_server")
def test_the_order_is_as_if_it_had_been_submitted_so(mode: str, spec: JobSpec) -> None:
    with Bench(priority_mode=mode) as bench:
        backend_operator = bench.backend.operator(bench.namespace)
        first, second, third = (answer.job_id for answer in bench.submit_all([spec] * 3))
        assert bench.queue_ids() == [first, second, third]
        bench.run(backend_operator.reprioritise([second], "r1", Priority.HIGH, by=BY))
        bench.run(backend_operator.reprioritise([first], "r2", Priority.LOW, by=BY))
        assert bench.queue_ids() == [second, third, first]
        bench.run(backend_operator.reprioritise([first, second], "r3", Priority.MEDIUM, by=BY))
        assert bench.queue_ids() == [first, second, third]
        assert rest_of(bench.get(first))[:7] == rest_of(bench.get(third))[:7]


@pytest.mark.parametrize("status", [Status.RUNNING, Status.COMPLETED, Status.DEAD_LETTER, Status.CANCELLED])
def test_what_runs_or_has_ended_stays(bench: Bench, status: Status) -> None:
    job_id = in_status(bench, status)
    calls: list[Call[list[Acted]]] = [
        bench.operator.move([job_id], "r1", "other", by=BY),
        bench.operator.reprioritise([job_id], "r1", Priority.LOW, by=BY),
    ]
    for call in calls:
        assert bench.refused(call) == [Acted(job_id, ActCode.CONFLICT, status)]


def test_a_move_beyond_the_bound_of_queues_does_nothing(bench: Bench) -> None:
    names = fill_queues(bench)
    job_id = bench.submit()
    (acted,) = bench.refused(bench.operator.move([job_id], "r1", "one-more", by=BY))
    assert (acted.code, acted.status) == (ActCode.TOO_MANY_QUEUES, None)
    assert moved(bench, job_id, names[0]).code is ActCode.DONE


def test_a_job_that_a_limit_holds_back_moves_too(bench: Bench) -> None:
    limits = bench.backend.limits(bench.namespace)
    if bench.shards > 1:
        pytest.skip("a limit is split over shards")
    bench.run(limits.put(Limit(name="demo.echo", concurrency=1)))
    ids = [bench.submit() for _ in range(3)]
    lease = bench.lease()
    assert bench.claim(5).leases == ()
    assert moved(bench, ids[1], "other").code is ActCode.DONE
    assert reprioritised(bench, ids[2], Priority.HIGH).code is ActCode.DONE
    assert bench.claim(5, ("other",)).leases == ()
    bench.settle(lease)
    bench.advance(2_000)
    assert [found.job.id for found in bench.claim(5, ("main", "other")).leases] == [ids[2]]


def test_what_tells_of_the_ends_of_jobs_keeps_its_queue(bench: Bench) -> None:
    bench.submit_all([JobSpec(kind="demo.echo", webhook="https://a.example/")])
    bench.settle(bench.lease())
    (delivery,) = bench.queue_ids(DELIVERY_QUEUE)
    (acted,) = bench.refused(bench.operator.move([delivery], "r1", "main", by=BY))
    assert acted.code is ActCode.CONFLICT


@given(acts=st.lists(st.tuples(st.integers(0, 4), st.sampled_from([*Priority, "main", "a", "b"])), max_size=15))
@settings(max_examples=25, deadline=None)
@pytest.mark.usefixtures("_store_server")
def test_any_row_of_acts_ends_where_the_last_ones_put_each(acts: list[tuple[int, str]]) -> None:
    with Bench() as bench:
        ids = [answer.job_id for answer in bench.submit_all([JobSpec(kind="demo.echo")] * 5)]
        places = dict.fromkeys(ids, ("main", Priority.MEDIUM))
        for number, (which, to) in enumerate(acts):
            job_id, (queue, priority) = ids[which], places[ids[which]]
            if isinstance(to, Priority):
                bench.twice(bench.operator.reprioritise([job_id], str(number), to, by=BY))
                places[job_id] = (queue, to)
            else:
                bench.twice(bench.operator.move([job_id], str(number), to, by=BY))
                places[job_id] = (to, priority)
        for queue in ("main", "a", "b"):
            there = sorted((places[job_id][1].rank, job_id) for job_id in ids if places[job_id][0] == queue)
            assert bench.queue_ids(queue) == [job_id for _, job_id in there]


def test_an_operation_is_known_again_after_others_acted_in_between_and_memory_is_bounded(bench: Bench) -> None:
    job_id = bench.submit()
    bench.run(bench.operator.move([job_id], "operation", "b", by=BY))
    for number in range(7):
        bench.run(bench.operator.move([job_id], f"other-{number}", f"c{number}", by=BY))
    assert bench.refused(bench.operator.move([job_id], "operation", "b", by=BY))[0].code is ActCode.DONE
    assert bench.get(job_id).queue == "c6"
    for number in range(50):
        bench.run(bench.operator.reprioritise([job_id], f"more-{number}", Priority.LOW, by=BY))
    key = bench.keys.named("job_prefix") + job_id
    assert len(bench.client.hget(key, "acted").split()) == 3 * 8
