"""Keys that were deleted or written from outside: a walk puts every job into one index again, and says so."""

from __future__ import annotations

import pytest

from jobs.backends.reconciliation import Counting, Reconciled, walk
from jobs.domain.job import JobSpec
from jobs.domain.outcome import OutcomeKind
from jobs.domain.status import Status
from tests.backends.situations import RETRIED_AFTER_MS
from tests.stores import BY, LEASE_MS, Bench


def reconcile(bench: Bench) -> Reconciled:
    queues = bench.run(bench.maintainer.reconcile_due(0, "a"))
    assert queues is not None
    steps = walk(bench.maintainer, queues, LEASE_MS)
    answer = None
    try:
        while True:
            answer = bench.run(steps.send(answer))
    except StopIteration as end:
        done: Reconciled = end.value
        return done


def mixed(bench: Bench) -> dict[Status, str]:
    """Store a job in each status, and return them."""
    jobs = {Status.COMPLETED: bench.submit(), Status.DEAD_LETTER: bench.submit(max_retries=0)}
    bench.settle(bench.lease())
    bench.settle(bench.lease(), OutcomeKind.FAILED)
    jobs[Status.FAILED] = bench.submit()
    bench.settle(bench.lease(), OutcomeKind.FAILED, delay_ms=RETRIED_AFTER_MS)
    jobs[Status.RUNNING] = bench.submit()
    bench.lease()
    jobs[Status.CANCELLED] = bench.submit()
    bench.run(bench.operator.cancel([jobs[Status.CANCELLED]], "r", running=False, by=BY))
    jobs[Status.SCHEDULED] = bench.submit(scheduled_for=bench.now() + 60_000)
    jobs[Status.QUEUED] = bench.submit(queue="mail")
    return jobs


def test_nothing_is_changed_where_all_is_well(bench: Bench) -> None:
    mixed(bench)
    reconcile(bench)
    before = bench.contents()
    assert reconcile(bench).is_clean
    life = bench.keys.named("store_life")
    assert {key: held for key, held in bench.contents().items() if key != life} == {
        key: held for key, held in before.items() if key != life
    }


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.WAITING])
def test_a_job_whose_index_is_gone_is_put_back_where_it_was(bench: Bench, status: Status) -> None:
    job_id = mixed(bench)[status]
    index = bench.keys.queue("mail") if status is Status.QUEUED else bench.keys.index(status)
    places = bench.client.zrange(index, 0, -1, withscores=True)
    bench.client.delete(index)
    done = reconcile(bench)
    assert (done.jobs_put_back, done.entries_taken_out, done.examples) == (1, 0, (job_id,))
    assert bench.get(job_id).status is status
    found = bench.client.zrange(index, 0, -1, withscores=True)
    assert [place[0] for place in found] == [place[0] for place in places]
    if status is not Status.RUNNING:
        assert found[0][1] == pytest.approx(places[0][1], abs=1e-6)
    assert [change.status for change in bench.last_event().changes] == [status]
    assert bench.totals()["repaired"] == 1


def test_a_running_job_that_lost_its_place_may_still_be_settled_by_its_worker(bench: Bench) -> None:
    bench.submit()
    lease = bench.lease()
    bench.client.delete(bench.keys.index(Status.RUNNING))
    reconcile(bench)
    assert bench.settle(lease) is Status.COMPLETED


def test_a_running_job_that_nobody_renews_runs_again(bench: Bench) -> None:
    job_id = bench.submit()
    bench.lease()
    bench.client.delete(bench.keys.index(Status.RUNNING))
    reconcile(bench)
    bench.run(bench.maintainer.reap())
    bench.advance(LEASE_MS + 1)
    assert bench.run(bench.maintainer.reap()) == 1
    assert bench.get(job_id).status is Status.QUEUED


def test_ids_without_a_job_are_taken_out_everywhere_and_the_counts_follow(bench: Bench) -> None:
    jobs = mixed(bench)
    for job_id in jobs.values():
        bench.client.delete(bench.keys.named("job_prefix") + job_id)
    done = reconcile(bench)
    # From the list of all jobs, and from the index of its status.
    assert done.entries_taken_out == len(jobs) * 2
    assert done.counting is Counting.COUNTED
    overview = bench.run(bench.inspector.overview(0))
    assert all(sum(depth.values()) == 0 for queue in overview.queues for depth in queue.counts.values())


def test_a_job_in_two_indexes_stays_in_the_one_of_its_status(bench: Bench) -> None:
    job_id = bench.submit()
    bench.client.zadd(bench.keys.index(Status.DEAD_LETTER), {job_id: 1})
    bench.client.zadd(bench.keys.queue("mail"), {job_id: 1})
    bench.client.zadd(bench.keys.named("queues"), {"mail": 1})
    assert reconcile(bench).entries_taken_out == 2
    assert bench.lease().job.id == job_id


def test_a_list_of_all_jobs_that_is_gone_is_made_anew(bench: Bench) -> None:
    jobs = mixed(bench)
    bench.client.delete(bench.keys.named("pages"), bench.keys.named("queues"))
    reconcile(bench)
    listed = bench.run(bench.inspector.list_jobs(None, None, None, 100)).jobs
    assert {job.id for job in listed} == set(jobs.values())


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.WAITING])
@pytest.mark.parametrize("field", ["spec", "status"])
def test_a_job_that_cannot_be_read_becomes_a_dead_letter_with_what_was_there(
    bench: Bench, status: Status, field: str
) -> None:
    job_id = mixed(bench)[status]
    bench.client.hset(bench.keys.named("job_prefix") + job_id, field, b"\xc1")
    reconcile(bench)
    job = bench.get(job_id)
    assert (job.status, job.reason) == (Status.DEAD_LETTER, "undecodable")
    assert bench.claim(10, ("main", "mail")).leases == () or status is not Status.QUEUED


@pytest.mark.parametrize("status", [Status.QUEUED, Status.SCHEDULED, Status.FAILED])
def test_a_job_that_lacks_only_its_payload_keeps_its_spec_and_its_queue(bench: Bench, status: Status) -> None:
    job_id = mixed(bench)[status]
    before = bench.raw(job_id)
    bench.client.hdel(bench.keys.named("job_prefix") + job_id, "payload")
    done = reconcile(bench)
    job = bench.get(job_id)
    assert (job.status, job.reason, job.kind) == (Status.DEAD_LETTER, "undecodable", "demo.echo")
    assert bench.raw(job_id)["spec"] == before["spec"]
    assert "broken_spec" not in bench.raw(job_id)
    assert bench.depth(Status.DEAD_LETTER, job.queue) == (2 if job.queue == "main" else 1)
    # The counts were kept, so that nothing had to be counted.
    assert (done.examples, done.counting) == ((job_id,), Counting.RIGHT)
    assert reconcile(bench).is_clean


@pytest.mark.parametrize("status", [Status.RUNNING, Status.COMPLETED, Status.CANCELLED])
def test_a_job_that_needs_its_payload_no_more_is_left_as_it_is(bench: Bench, status: Status) -> None:
    job_id = mixed(bench)[status]
    bench.client.hdel(bench.keys.named("job_prefix") + job_id, "payload")
    assert reconcile(bench).is_clean
    assert bench.get(job_id).status is status
    bench.is_checked = False


def test_a_dead_letter_that_was_buried_without_its_payload_is_not_touched(bench: Bench) -> None:
    job_id = bench.submit("email.send", queue="mail")
    bench.client.hdel(bench.keys.named("job_prefix") + job_id, "payload")
    bench.claim(queues=("mail",))
    before = bench.raw(job_id)
    assert reconcile(bench).is_clean
    assert bench.raw(job_id) == before


def test_counts_that_are_wrong_are_counted_anew_unless_there_are_too_many_jobs(bench: Bench) -> None:
    mixed(bench)
    right = bench.client.hgetall(bench.keys.named("counts"))
    bench.client.delete(bench.keys.named("counts"))
    assert bench.run(bench.maintainer.recount(3)) is Counting.TOO_MANY
    assert bench.run(bench.maintainer.recount(7)) is Counting.COUNTED
    assert bench.client.hgetall(bench.keys.named("counts")) == right
    assert bench.run(bench.maintainer.recount(7)) is Counting.RIGHT


def test_many_jobs_are_walked_through_in_stretches(bench: Bench) -> None:
    for _ in range(3):
        bench.submit_all([JobSpec(kind="demo.echo")] * 200)
    bench.client.delete(bench.keys.queue("main"))
    assert reconcile(bench).jobs_put_back == 600
    assert reconcile(bench).is_clean


def test_one_asker_at_a_time_is_told_to_look(bench: Bench) -> None:
    bench.hold_clock()
    bench.submit()
    assert bench.run(bench.maintainer.reconcile_due(1_000, "a")) == ("main",)
    assert bench.run(bench.maintainer.reconcile_due(1_000, "b")) is None
    # Whose answer was lost asks again.
    assert bench.run(bench.maintainer.reconcile_due(1_000, "a")) == ("main",)
    bench.advance(1_001)
    assert bench.run(bench.maintainer.reconcile_due(1_000, "c")) == ("main",)
    # As after a restart or a failover.
    bench.client.hset(bench.keys.named("store_life"), "reconciled_in", "another")
    assert bench.run(bench.maintainer.reconcile_due(1_000, "d")) == ("main",)
