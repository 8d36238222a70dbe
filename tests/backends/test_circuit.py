"""Circuits and retry budgets: a kind that fails is left alone for a while, others go on, and no job is lost by it."""

from __future__ import annotations

import msgspec
import pytest

from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.limits import RedisLimits
from jobs.domain.backoff import Backoff
from jobs.domain.circuit import BudgetUse, Circuit, CircuitState, CircuitUse, RetryBudget
from jobs.domain.job import JobError, JobSpec
from jobs.domain.lease import Lease
from jobs.domain.limit import CODE, Limit, LimitUse
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.status import Status
from tests.stores import BY, LEASE_MS, Bench

RULE = Circuit(percent=50, least=4, window_ms=3_600_000, cool_down_ms=30_000, max_cool_down_ms=120_000, probes=2)
FRAGILE = Limit(name="mail", circuit=RULE, set_by="user:ada", set_at=1)
OPEN, HALF_OPEN, CLOSED = CircuitState.OPEN, CircuitState.HALF_OPEN, CircuitState.CLOSED


def put(bench: Bench, limit: Limit = FRAGILE) -> None:
    assert bench.run(RedisLimits([bench.keys]).put(limit)) == "set"


def use(bench: Bench) -> LimitUse:
    (found,) = bench.run(RedisLimits([bench.keys]).all())
    return found


def circuit(bench: Bench) -> CircuitUse:
    told = use(bench).circuit
    assert told is not None
    return told


def turn(bench: Bench, state: CircuitState, by: str = BY) -> bool:
    return bench.twice(RedisLimits([bench.keys]).turn("mail", state, by, "the relay moves"))


def submit(bench: Bench, *kinds: str, queue: str = "main") -> list[str]:
    specs = [JobSpec(kind=kind, queue=queue, max_retries=0) for kind in kinds]
    return [made.job_id for made in bench.submit_all(specs)]


def claimed(bench: Bench, limit: int = 20) -> list[Lease]:
    return list(bench.claim(limit).leases)


def opened(bench: Bench) -> None:
    """Have four attempts fail, which opens the circuit."""
    submit(bench, *["mail"] * 4)
    for lease in claimed(bench, 4):
        bench.fail(lease)
    assert circuit(bench).state is OPEN


def test_too_many_failures_open_it_and_the_rest_of_the_queue_goes_on(bench: Bench) -> None:
    put(bench)
    submit(bench, *["mail"] * 6)
    leases = claimed(bench, 4)
    for lease in leases[:3]:
        bench.fail(lease)
    assert circuit(bench) == CircuitUse(attempts=3, failures=3)
    bench.fail(leases[3])
    told = circuit(bench)
    assert (told.state, told.opened, told.by) == (OPEN, 1, "")
    assert told.until == told.since + 30_000
    (other,) = submit(bench, "other")
    claim = bench.claim(20)
    assert [lease.job.id for lease in claim.leases] == [other]
    assert claim.next_due_at == told.until
    assert use(bench).held == 2
    assert bench.totals()["circuit_opened:mail"] == 1
    event = next(event for event in bench.run(bench.feed.events_since("0-0", 99))[0] if event.kind)
    assert (event.verb, event.kind, event.changes) == ("circuit_opened", "mail", ())
    assert bench.run(bench.inspector.overview(1)).circuits == {"mail": OPEN}


def test_half_of_enough_is_too_many_and_less_is_not(bench: Bench) -> None:
    put(bench)
    submit(bench, *["mail"] * 5)
    one, two, three, four, five = claimed(bench)
    bench.fail(one)
    bench.settle(two)
    bench.settle(three)
    bench.settle(four)
    assert circuit(bench).state is CLOSED
    bench.fail(five)
    assert circuit(bench) == CircuitUse(attempts=5, failures=2)


def test_some_start_on_trial_and_all_when_these_end_well(bench: Bench) -> None:
    put(bench)
    opened(bench)
    ids = submit(bench, *["mail"] * 6)
    assert claimed(bench) == []
    bench.advance(30_000)
    assert circuit(bench).state is HALF_OPEN
    trial = claimed(bench)
    assert [lease.job.id for lease in trial] == ids[:2]
    assert claimed(bench) == []
    assert (circuit(bench).state, circuit(bench).on_trial) == (HALF_OPEN, 2)
    bench.settle(trial[0])
    assert claimed(bench) == []
    bench.settle(trial[1])
    assert (circuit(bench).state, circuit(bench).opened) == (CLOSED, 0)
    assert [lease.job.id for lease in claimed(bench)] == ids[2:]
    turns = [verb.removeprefix("circuit_") for verb in bench.verbs() if verb.startswith("circuit_")]
    assert turns == ["opened", "half_opened", "closed"]


def test_a_trial_that_fails_opens_it_for_longer_each_time(bench: Bench) -> None:
    put(bench)
    opened(bench)
    submit(bench, *["mail"] * 9)
    for cool_down_ms in (30_000, 60_000, 120_000, 120_000):
        told = circuit(bench)
        assert told.until - told.since == cool_down_ms
        bench.advance(cool_down_ms)
        first, _ = claimed(bench)
        bench.fail(first)


@pytest.mark.parametrize("outcome", [OutcomeKind.RELEASED, OutcomeKind.SNOOZED, OutcomeKind.UNKNOWN_KIND, None])
def test_who_leaves_a_trial_without_a_verdict_makes_room(bench: Bench, outcome: OutcomeKind | None) -> None:
    put(bench)
    opened(bench)
    submit(bench, *["mail"] * 5)
    bench.advance(30_000)
    trial = claimed(bench)
    if outcome is None:
        bench.run(bench.maintainer.lose_worker("w1", "exit code 1", 0))
    else:
        bench.settle(trial[0], outcome, delay_ms=60_000)
    assert circuit(bench).on_trial == (0 if outcome is None else 1)
    assert (circuit(bench).attempts, circuit(bench).state) == (0, HALF_OPEN)
    assert len(claimed(bench)) == (2 if outcome is None else 1)


def test_a_lost_lease_says_nothing_of_the_kind_and_a_crash_does(bench: Bench) -> None:
    put(bench)
    submit(bench, *["mail"] * 4)
    leases = claimed(bench)
    bench.settle(leases[0], OutcomeKind.CRASHED, error=JobError("worker_crashed", "SIGSEGV"))
    bench.advance(LEASE_MS)
    bench.run(bench.maintainer.reap())
    assert circuit(bench) == CircuitUse(attempts=1, failures=1)


def test_who_was_asked_to_stop_and_fails_is_no_failure_of_the_kind(bench: Bench) -> None:
    put(bench)
    ids = submit(bench, *["mail"] * 4)
    leases = claimed(bench)
    bench.cancel(*ids, running=True)
    for lease in leases:
        bench.fail(lease)
    assert circuit(bench) == CircuitUse()


def test_old_attempts_that_end_meanwhile_neither_close_nor_prolong_it(bench: Bench) -> None:
    put(bench)
    submit(bench, *["mail"] * 9)
    leases = claimed(bench)
    for lease in leases[:4]:
        bench.fail(lease)
    told = circuit(bench)
    bench.fail(leases[4])
    bench.settle(leases[5])
    assert circuit(bench) == told
    bench.advance(30_000)
    submit(bench, "mail")
    assert len(claimed(bench)) == 1
    bench.fail(leases[6])
    bench.settle(leases[7])
    bench.settle(leases[8])
    assert (circuit(bench).attempts, circuit(bench).on_trial) == (0, 1)


def test_it_is_opened_and_closed_by_hand(bench: Bench) -> None:
    assert not turn(bench, OPEN)
    put(bench)
    assert turn(bench, OPEN)
    told = circuit(bench)
    assert (told.state, told.until, told.by, told.reason) == (OPEN, 0, BY, "the relay moves")
    submit(bench, *["mail"] * 3)
    assert claimed(bench) == []
    bench.advance(86_400_000)
    assert claimed(bench) == []
    assert turn(bench, CLOSED)
    assert len(claimed(bench)) == 3
    assert circuit(bench).by == ""


def test_a_clock_that_goes_back_keeps_it_open_no_longer_than_was_said(bench: Bench) -> None:
    put(bench)
    opened(bench)
    submit(bench, *["mail"] * 3)
    bench.advance(-3_600_000)
    assert circuit(bench).state is HALF_OPEN
    assert len(claimed(bench)) == 2


def test_another_limit_ends_it_and_lets_go_what_it_held(bench: Bench) -> None:
    put(bench)
    opened(bench)
    submit(bench, *["mail"] * 3)
    assert claimed(bench) == []
    put(bench, Limit(name="mail", concurrency=2, set_by="user:ada", set_at=2))
    assert use(bench).circuit is None
    assert len(claimed(bench)) == 2
    assert bench.client.hgetall(bench.keys.named("circuits")) == {}


def test_what_was_damaged_is_a_closed_one(bench: Bench) -> None:
    put(bench)
    opened(bench)
    key = bench.keys.named("circuits")
    for text in (b"\xff", b"", msgspec.msgpack.encode([1, "x", None, {}, 3, 4, 5, 6, 7, 8]), b"\x90"):
        bench.client.hset(key, "mail", text)
        (job_id,) = submit(bench, "mail")
        for lease in claimed(bench):
            bench.fail(lease)
        assert bench.get(job_id).status in (Status.DEAD_LETTER, Status.QUEUED)
        assert circuit(bench).state in CircuitState
        assert bench.run(bench.inspector.overview(1)).circuits.keys() <= {"mail"}


def test_several_shards_have_one_each_and_the_worst_is_told(bench: Bench) -> None:
    backend = RedisBackend(shards=3)
    limits = backend.limits(bench.namespace)
    whole = msgspec.structs.replace(FRAGILE, retry_budget=RetryBudget(20, 10))
    assert bench.run(limits.put(whole)) == "set"
    (found,) = bench.run(limits.all())
    assert found.limit == whole
    assert bench.run(limits.turn("mail", OPEN, BY, ""))
    (found,) = bench.run(limits.all())
    assert found.circuit is not None
    assert (found.circuit.state, found.circuit.by) == (OPEN, BY)


BUDGET = RetryBudget(percent=50, per_minute=0, window_ms=3_600_000)


def retrying(bench: Bench, number: int, **fields: object) -> list[Lease]:
    bench.submit_all([JobSpec(kind="mail", **fields)] * number)  # type: ignore[arg-type]
    return claimed(bench)


def test_retries_beyond_the_budget_wait_longest_and_count_as_ever(bench: Bench) -> None:
    put(bench, Limit(name="mail", retry_budget=BUDGET, set_by=CODE))
    leases = retrying(bench, 6, max_retries=1, backoff=Backoff(1_000, 3_000_000))
    for lease in leases:
        assert bench.fail(lease) is Status.FAILED
    assert use(bench).budget == BudgetUse(first_attempts=6, retries=3)
    jobs = [bench.get(lease.job.id) for lease in leases]
    put_off = [job for job in jobs if job.reason == "retry_budget"]
    assert len(put_off) == 3
    assert [job.retry_count for job in jobs] == [1] * 6
    now = bench.now()
    for job in jobs:
        assert job.scheduled_for is not None
        wait_ms = job.scheduled_for - now
        assert 1_400_000 < wait_ms <= 3_000_000 if job in put_off else wait_ms <= 2_000
    assert bench.totals()["put_off:mail"] == 3
    standing = bench.run(bench.inspector.explain(put_off[0].id))
    assert standing is not None
    assert standing.is_put_off
    # None is lost: each comes back, once, and then it has used its attempts.
    bench.advance(3_000_000)
    bench.run(bench.maintainer.promote_due())
    assert "reason" not in bench.raw(put_off[0].id)
    again = claimed(bench)
    assert {lease.job.id for lease in again} == {job.id for job in jobs}
    assert {bench.fail(lease) for lease in again} == {Status.DEAD_LETTER}


def test_a_budget_has_some_a_minute_beside_its_share(bench: Bench) -> None:
    put(bench, Limit(name="mail", retry_budget=RetryBudget(0, 2, 60_000), set_by=CODE))
    leases = retrying(bench, 4)
    for lease in leases:
        bench.fail(lease)
    assert use(bench).budget == BudgetUse(4, 2)
    bench.advance(60_000)
    assert use(bench).budget == BudgetUse(0, 0)


def test_one_call_that_settles_many_counts_each(bench: Bench) -> None:
    put(bench, msgspec.structs.replace(FRAGILE, retry_budget=BUDGET))
    leases = retrying(bench, 9)
    settlements = [
        Settlement(job_id=lease.job.id, token=lease.token, outcome=OutcomeKind.FAILED, error=JobError("E", "no"))
        for lease in leases
    ]
    bench.twice(bench.consumer.settle(settlements))
    assert use(bench).budget == BudgetUse(9, 4)
    assert (circuit(bench).state, circuit(bench).opened) == (OPEN, 1)
