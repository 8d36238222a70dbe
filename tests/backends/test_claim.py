"""claim.lua: ready jobs are taken by queue and score, leased, and counted before they run."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.backends.base import MAX_BATCH
from jobs.backends.call import Call
from jobs.domain.event import Change
from jobs.domain.job import Delivery, JobSpec
from jobs.domain.lease import Claim
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from tests.stores import LEASE_MS, Bench

FIRST, SECOND = "1" * 32, "2" * 32


def claim_call(bench: Bench, seq: int, token: str = FIRST, limit: int = 10, worker: str = "w1") -> Call[Claim]:
    return bench.consumer.claim(("main",), worker, seq=seq, token=token, limit=limit, lease_ms=LEASE_MS)


def test_a_claimed_job_is_leased_and_its_attempt_counted(bench: Bench) -> None:
    job_id = bench.submit(payload=b'{"n":1}', metadata={"team": "x"}, priority=Priority.HIGH)
    claim = bench.claim()
    (lease,) = claim.leases
    assert (lease.job.id, lease.job.payload, lease.job.metadata) == (job_id, b'{"n":1}', {"team": "x"})
    assert (lease.job.status, lease.job.attempt, lease.attempt) == (Status.RUNNING, 1, 1)
    assert lease.expires_at == claim.server_time + LEASE_MS
    assert bench.client.zscore(bench.keys.index(Status.RUNNING), job_id) == lease.expires_at
    job = bench.get(job_id)
    assert (job.status, job.worker_id, job.started_at) == (Status.RUNNING, "w1", claim.server_time)
    (attempt,) = job.attempts
    assert (attempt.number, attempt.worker_id, attempt.outcome) == (1, "w1", None)
    event = bench.last_event()
    assert (event.verb, event.queue, event.changes) == ("claim", "main", (Change(job_id, Status.RUNNING),))
    assert (bench.depth(Status.QUEUED), bench.depth(Status.RUNNING)) == (0, 1)


def test_each_lease_has_a_token_of_its_own(bench: Bench) -> None:
    bench.submit_all([JobSpec(kind="demo.echo")] * 5)
    leases = bench.claim(5).leases
    assert len({lease.token for lease in leases}) == 5


def test_an_empty_queue_gives_nothing_and_changes_nothing(bench: Bench) -> None:
    assert bench.refused(claim_call(bench, 1)).leases == ()


def test_queues_are_served_in_the_order_in_which_they_are_named(bench: Bench) -> None:
    late = bench.submit(queue="b", priority=Priority.CRITICAL)
    first, second = bench.submit(queue="a", priority=Priority.LOW), bench.submit(queue="a")
    bench.submit(queue="other")
    leases = bench.claim(10, queues=("a", "b")).leases
    assert [lease.job.id for lease in leases] == [second, first, late]
    assert bench.queue_ids("other")


@given(
    kept=st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(Priority)), max_size=12),
    served=st.permutations(["a", "b", "c"]),
    limit=st.integers(1, 12),
)
@settings(max_examples=40, deadline=None)
@pytest.mark.usefixtures("_store_server")
def test_a_claim_takes_the_first_of_all_that_is_ready(
    kept: list[tuple[str, Priority]], served: list[str], limit: int
) -> None:
    with Bench() as bench:
        answers = bench.submit_all([JobSpec(kind="demo.echo", queue=queue, priority=rank) for queue, rank in kept])
        places = [
            (served.index(queue), rank.rank, answer.job_id) for (queue, rank), answer in zip(kept, answers, strict=True)
        ]
        leases = bench.claim(limit, queues=tuple(served)).leases
        assert [lease.job.id for lease in leases] == [place[2] for place in sorted(places)][:limit]


def test_a_claim_takes_at_most_its_limit_and_never_more_than_200(bench: Bench) -> None:
    for _ in range(2):
        bench.submit_all([JobSpec(kind="demo.echo")] * 150)
    assert len(bench.claim(3).leases) == 3
    assert len(bench.claim(10_000).leases) == MAX_BATCH
    assert len(bench.claim(10_000).leases) == 300 - 3 - MAX_BATCH


def test_the_same_claim_again_answers_with_the_same_leases(bench: Bench) -> None:
    bench.submit_all([JobSpec(kind="demo.echo")] * 3)
    call = claim_call(bench, 1, limit=2)
    first = bench.run(call)
    bench.submit()
    again = bench.refused(call)
    assert again.leases == first.leases
    assert len(first.leases) == 2


def test_a_repeated_claim_leaves_out_what_was_lost_or_settled_since(bench: Bench) -> None:
    bench.submit_all([JobSpec(kind="demo.echo")] * 3)
    call = claim_call(bench, 1)
    settled, _, extended = bench.run(call).leases
    bench.settle(settled)
    bench.advance(LEASE_MS // 2)
    bench.run(bench.consumer.extend([(extended.job.id, extended.token)], 10 * LEASE_MS))
    bench.advance(LEASE_MS // 2 + 1000)
    assert bench.run(bench.maintainer.reap()) == 1
    (left,) = bench.refused(call).leases
    assert (left.job.id, left.token) == (extended.job.id, extended.token)
    assert left.expires_at > extended.expires_at


def test_an_overtaken_claim_takes_nothing(bench: Bench) -> None:
    bench.submit_all([JobSpec(kind="demo.echo")] * 3)
    bench.run(claim_call(bench, 5, limit=1))
    assert bench.refused(claim_call(bench, 4, token=SECOND)).leases == ()
    assert bench.refused(claim_call(bench, 5, token=SECOND)).leases == ()
    assert len(bench.run(claim_call(bench, 4, token=SECOND, worker="w2")).leases) == 2


def test_a_claim_that_found_nothing_may_be_repeated_and_find_something(bench: Bench) -> None:
    call = claim_call(bench, 1)
    assert bench.run(call).leases == ()
    bench.submit()
    assert len(bench.run(call).leases) == 1


def test_a_paused_queue_is_passed_over(bench: Bench) -> None:
    held, free = bench.submit(queue="held"), bench.submit(queue="free")
    bench.run(bench.operator.pause("held", by="t", reason="incident"))
    assert [lease.job.id for lease in bench.claim(10, queues=("held", "free")).leases] == [free]
    bench.run(bench.operator.resume("held", by="t"))
    assert [lease.job.id for lease in bench.claim(10, queues=("held", "free")).leases] == [held]


def test_due_jobs_are_made_ready_and_taken_in_the_same_call(bench: Bench) -> None:
    due = bench.now() + 600_000
    job_id = bench.submit(scheduled_for=due)
    later = bench.submit(scheduled_for=due + 60_000)
    waiting = bench.claim()
    assert (waiting.leases, waiting.next_due_at) == ((), due)
    bench.advance(600_000)
    claim = bench.claim(10)
    assert [lease.job.id for lease in claim.leases] == [job_id]
    assert claim.next_due_at == due + 60_000
    assert bench.get(job_id).ready_at == due
    assert [change.status for change in bench.last_event().changes] == [Status.QUEUED, Status.RUNNING]
    assert bench.get(later).status is Status.SCHEDULED


def test_the_next_due_time_looks_at_retries_too(bench: Bench) -> None:
    job_id = bench.submit()
    assert bench.claim().next_due_at is None
    assert bench.get(job_id).status is Status.RUNNING
    bench.submit()
    bench.fail(bench.lease(), delay_ms=60_000)
    due = bench.claim().next_due_at
    assert due is not None
    bench.submit(scheduled_for=due - 1)
    assert bench.claim().next_due_at == due - 1


def test_a_queue_that_keeps_jobs_passes_one_hint_on(bench: Bench) -> None:
    bench.submit_all([JobSpec(kind="demo.echo")] * 3)
    bench.client.delete(bench.keys.wake("main"))
    bench.claim(2)
    assert bench.hints() == 1
    bench.client.delete(bench.keys.wake("main"))
    bench.claim(2)
    assert bench.hints() == 0


def test_jobs_made_ready_for_a_queue_that_was_not_asked_for_leave_a_hint(bench: Bench) -> None:
    bench.submit(queue="other", scheduled_for=bench.now() + 60_000)
    bench.advance(60_000)
    assert bench.claim().leases == ()
    assert bench.hints("other") == 1
    assert bench.verbs() == ["submit", "claim"]


def test_an_entry_without_a_ready_job_is_dropped_and_does_not_cost_a_place(bench: Bench) -> None:
    orphan = bench.ids.make()
    bench.client.zadd(bench.keys.queue("main"), {orphan: 1})
    job_id = bench.submit()
    assert [lease.job.id for lease in bench.claim(1).leases] == [job_id]
    assert bench.client.zscore(bench.keys.queue("main"), orphan) is None


def test_the_wait_is_measured_from_when_the_job_became_ready(bench: Bench) -> None:
    bench.submit(scheduled_for=bench.now() + 60_000)
    bench.advance(60_000 + 200_000)
    bench.claim()
    totals = bench.totals()
    assert totals["wait_le:300"] == 1
    assert 200 <= totals["wait_sum"] < 260


def test_two_workers_never_get_the_same_job(bench: Bench) -> None:
    answers = bench.submit_all([JobSpec(kind="demo.echo")] * 50)
    taken: list[str] = []
    for number in range(10):
        leases = bench.claim(5, worker=f"w{number % 2}").leases
        taken += [lease.job.id for lease in leases]
    assert taken == [answer.job_id for answer in answers]


def test_a_claim_is_remembered_for_ten_minutes(bench: Bench) -> None:
    bench.submit()
    bench.run(claim_call(bench, 1, token=secrets.token_hex(16)))
    left_ms = bench.client.pttl(f"{bench.keys.named('claim_prefix')}w1")
    assert 300_000 < left_ms <= 600_000


def void_call(bench: Bench, seq: int, token: str = FIRST) -> Call[Claim]:
    return bench.consumer.claim(("main",), "w1", seq=seq, token=token, limit=0, lease_ms=LEASE_MS, manner="void")


def waited_call(bench: Bench, seq: int, limit: int = 1) -> Call[Claim]:
    return bench.consumer.claim(("main",), "w1", seq=seq, token=FIRST, limit=limit, lease_ms=LEASE_MS, manner="waited")


def test_a_claim_that_was_made_void_takes_nothing_when_it_comes_after_all(bench: Bench) -> None:
    job_id = bench.submit()
    assert bench.run(void_call(bench, 3)).leases == ()
    assert bench.refused(void_call(bench, 3)).leases == ()
    assert bench.refused(waited_call(bench, 3)).leases == ()
    assert [lease.job.id for lease in bench.run(claim_call(bench, 4)).leases] == [job_id]


def test_making_a_claim_void_that_was_carried_out_brings_its_leases(bench: Bench) -> None:
    bench.submit()
    leases = bench.run(waited_call(bench, 3)).leases
    bench.submit()
    assert len(leases) == 1
    assert bench.refused(void_call(bench, 3)).leases == leases


def test_making_a_claim_void_passes_the_hint_on_that_it_took(bench: Bench) -> None:
    bench.submit()
    bench.client.delete(bench.keys.wake("main"))
    bench.run(void_call(bench, 3))
    assert bench.hints() == 1


def test_a_claim_of_nothing_makes_due_jobs_ready_for_one_of_an_earlier_number(bench: Bench) -> None:
    job_id = bench.submit(scheduled_for=bench.run(claim_call(bench, 1)).server_time + 500)
    bench.advance(1000)
    assert bench.run(claim_call(bench, 3, limit=0)).leases == ()
    assert bench.hints() > 0
    assert [lease.job.id for lease in bench.run(waited_call(bench, 2)).leases] == [job_id]


def test_a_claim_that_waited_leaves_jobs_that_may_run_once_and_their_order(bench: Bench) -> None:
    before = bench.submit()
    once = bench.submit(delivery=Delivery.AT_MOST_ONCE)
    behind = bench.submit()
    scores = bench.client.zrange(bench.keys.queue("main"), 0, -1, withscores=True)
    assert [lease.job.id for lease in bench.run(waited_call(bench, 1, limit=3)).leases] == [before, behind]
    assert bench.client.zrange(bench.keys.queue("main"), 0, -1, withscores=True) == scores[1:2]
    assert [lease.job.id for lease in bench.claim(3, worker="w2").leases] == [once]


def test_jobs_that_are_alike_share_nothing_that_a_handler_could_change(bench: Bench) -> None:
    bench.submit_all([JobSpec(kind="demo.echo", metadata={"order": "1"})] * 3)
    one, other = bench.claim(limit=2).leases
    one.job.metadata["order"] = "2"
    assert other.job.metadata == {"order": "1"}
    assert bench.lease().job.metadata == {"order": "1"}
