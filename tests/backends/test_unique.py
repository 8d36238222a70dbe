"""Unique keys, expiry and debounce, in the scripts that start, end and delete jobs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jobs.backends.base import ActCode, Submission, SubmitCode, Submitted
from jobs.backends.redis.uniques import RedisUniques
from jobs.domain.job import JobSpec
from jobs.domain.outcome import OutcomeKind
from jobs.domain.status import FINAL, Status
from jobs.domain.unique import Debounce, LockPlace, OnConflict, Unique, Until
from tests.backends.servers import Server
from tests.backends.test_memory import full
from tests.backends.test_reconcile import reconcile
from tests.stores import BY, LEASE_MS, Bench

HOUR_MS = 3_600_000


def put(
    bench: Bench, unique: Unique | None, *, is_atomic: bool = False, number: int = 1, **fields: object
) -> Submitted:
    spec = JobSpec(kind="demo.echo", unique=unique, **fields)  # type: ignore[arg-type]
    batch = [Submission(bench.ids.make(), spec) for _ in range(number)]
    return bench.run(bench.producer.submit(batch, is_atomic=is_atomic))[-1]


def holder(bench: Bench) -> str | None:
    found = bench.run(RedisUniques([bench.keys]).list_locks(None, 9))
    return found[0].job_id if found else None


@pytest.mark.parametrize("on_conflict", OnConflict)
@pytest.mark.parametrize("status", [Status.QUEUED, Status.SCHEDULED, Status.FAILED, Status.RUNNING])
def test_a_key_that_is_held(bench: Bench, on_conflict: OnConflict, status: Status) -> None:
    unique = Unique("k", on_conflict=on_conflict)
    later = bench.now() + HOUR_MS if status is Status.SCHEDULED else None
    first = put(bench, unique, scheduled_for=later).job_id
    if status in (Status.RUNNING, Status.FAILED):
        lease = bench.lease()
        if status is Status.FAILED:
            bench.settle(lease, OutcomeKind.FAILED, delay_ms=HOUR_MS)
    second = put(bench, unique)
    if on_conflict is OnConflict.REPLACE and status is not Status.RUNNING:
        assert second.code is SubmitCode.ACCEPTED
        assert (bench.get(first).status, bench.get(first).reason) == (Status.CANCELLED, "replaced")
        assert holder(bench) == second.job_id
    else:
        wanted = SubmitCode.EXISTING if on_conflict is OnConflict.RETURN else SubmitCode.UNIQUE_CONFLICT
        assert (second.code, second.job_id, second.status) == (wanted, first, status)
        assert holder(bench) == first


def _settle(outcome: OutcomeKind) -> Callable[[Bench, str], object]:
    return lambda bench, _: bench.settle(bench.lease(), outcome)


@pytest.mark.parametrize(
    "end",
    [
        *map(_settle, OutcomeKind),
        lambda bench, job_id: bench.run(bench.operator.cancel([job_id], "r", running=False, by=BY)),
        lambda bench, job_id: bench.run(bench.operator.purge("main", "r", bench.now(), 0, by=BY)),
        lambda bench, job_id: (bench.lease(), bench.advance(LEASE_MS), bench.run(bench.maintainer.reap())),
    ],
)
@pytest.mark.parametrize("until", Until)
def test_a_key_is_held_until_the_job_starts_or_ends(
    bench: Bench, end: Callable[[Bench, str], object], until: Until
) -> None:
    job_id = put(bench, Unique("k", until), max_retries=0).job_id
    end(bench, job_id)
    job = bench.run(bench.inspector.get(job_id))
    is_free = job is None or job.status in FINAL or until is Until.STARTED
    assert (holder(bench) is None) == is_free
    again = put(bench, Unique("k", until))
    assert (again.code is SubmitCode.ACCEPTED) == is_free


def test_a_dead_letter_takes_its_key_again_or_stays(bench: Bench) -> None:
    dead = put(bench, Unique("k"), max_retries=0).job_id
    bench.settle(bench.lease(), OutcomeKind.FAILED)
    other = put(bench, Unique("k")).job_id
    (acted,) = bench.run(bench.operator.retry([dead], "a", by=BY))
    assert (acted.code, acted.status) == (ActCode.UNIQUE_CONFLICT, Status.DEAD_LETTER)
    bench.run(bench.operator.cancel([other], "b", running=False, by=BY))
    (acted,) = bench.run(bench.operator.retry([dead], "a", by=BY))
    assert (acted.code, holder(bench)) == (ActCode.DONE, dead)


def test_time_and_people_take_a_key_away_and_its_old_holder_lets_go_of_nothing(bench: Bench) -> None:
    uniques = RedisUniques([bench.keys])
    put(bench, Unique("k", ttl_ms=1_000))
    old = bench.lease()
    bench.advance(1_000)
    second = put(bench, Unique("k")).job_id
    bench.settle(old)
    assert holder(bench) == second
    assert bench.refused(uniques.release("k", old.job.id)) is False
    assert bench.twice(uniques.release("k", second)) is True
    assert bench.run(uniques.find("k")) is None
    third = put(bench, Unique("k")).job_id
    bench.settle(bench.lease())
    found = bench.run(uniques.find("k"))
    assert found is not None
    assert (found.job_id, found.until, found.ends_at) == (third, Until.FINISHED, None)


@pytest.mark.parametrize("on_conflict", OnConflict)
def test_a_batch_that_is_stored_whole_meets_itself(bench: Bench, on_conflict: OnConflict) -> None:
    before = bench.contents()
    answer = put(bench, Unique("k", on_conflict=on_conflict), is_atomic=True, number=3)
    if on_conflict is OnConflict.REJECT:
        assert bench.contents() == before
    else:
        assert holder(bench) == answer.job_id
        assert bench.depth(Status.QUEUED) == 1


def test_an_idempotency_key_tells_of_the_holder_and_the_same_id_of_itself(bench: Bench) -> None:
    spec = JobSpec(kind="demo.echo", unique=Unique("k", on_conflict=OnConflict.RETURN))
    first = Submission(bench.ids.make(), spec)
    assert bench.twice(bench.producer.submit([first]))[0].code is SubmitCode.ACCEPTED
    keyed = Submission(bench.ids.make(), spec, "idem", "0" * 64)
    assert bench.run(bench.producer.submit([keyed]))[0].code is SubmitCode.EXISTING
    bench.settle(bench.lease())
    (replay,) = bench.run(bench.producer.submit([keyed]))
    assert (replay.code, replay.job_id, replay.status) == (SubmitCode.REPLAYED, first.job_id, Status.COMPLETED)


@pytest.mark.parametrize("who", ["claim", "promote", "upkeep"])
def test_a_job_that_did_not_start_in_time_is_cancelled(bench: Bench, who: str) -> None:
    later = bench.now() + HOUR_MS if who == "promote" else None
    job_id = put(bench, Unique("k"), expires_at=bench.now() + HOUR_MS + 1, scheduled_for=later).job_id
    other = put(bench, None).job_id
    assert bench.run(bench.maintainer.end_expired()) == 0
    bench.advance(HOUR_MS + 1)
    if who == "claim":
        assert [lease.job.id for lease in bench.claim(9).leases] == [other]
    else:
        bench.run(bench.maintainer.promote_due() if who == "promote" else bench.maintainer.end_expired())
    job = bench.get(job_id)
    assert (job.status, job.reason, holder(bench)) == (Status.CANCELLED, "expired", None)
    assert bench.run(bench.maintainer.end_expired()) == 0


@pytest.mark.parametrize("outcome", [OutcomeKind.FAILED, OutcomeKind.RELEASED, OutcomeKind.SNOOZED])
def test_a_job_that_was_handed_out_once_does_not_expire(bench: Bench, outcome: OutcomeKind) -> None:
    job_id = put(bench, None, expires_at=bench.now() + HOUR_MS).job_id
    bench.settle(bench.lease(), outcome, delay_ms=HOUR_MS)
    bench.advance(2 * HOUR_MS)
    assert bench.run(bench.maintainer.end_expired()) == 0
    assert bench.lease().job.id == job_id


def test_a_limit_keeps_nothing_from_expiring(bench: Bench) -> None:
    job_id = put(bench, None, expires_at=bench.now() - 1).job_id
    assert bench.run(bench.maintainer.end_expired()) == 1
    assert bench.get(job_id).status is Status.CANCELLED


def test_a_newer_submission_replaces_the_payload_and_pushes_the_job_on(bench: Bench) -> None:
    bench.hold_clock()
    wait = Debounce("k", 1_000, 2_500)
    first = put(bench, None, debounce=wait, payload=b"1")
    assert first.status is Status.SCHEDULED
    for text in (b"2", b"3", b"4"):
        bench.advance(800)
        again = put(bench, None, debounce=wait, payload=text)
        assert (again.code, again.job_id) == (SubmitCode.EXISTING, first.job_id)
    due = bench.get(first.job_id).scheduled_for
    assert due == first.created_at + 2_500  # not 3 400: that is beyond the longest wait
    bench.advance(101)
    bench.run(bench.maintainer.promote_due())
    assert put(bench, None, debounce=wait, payload=b"55").code is SubmitCode.EXISTING
    lease = bench.lease()
    assert (lease.job.id, lease.job.payload) == (first.job_id, b"55")
    assert put(bench, None, debounce=wait).code is SubmitCode.ACCEPTED


def test_a_debounced_job_takes_no_payload_of_another_kind_and_no_unique_job_takes_any(bench: Bench) -> None:
    put(bench, None, debounce=Debounce("k", 1_000))
    other = JobSpec(kind="other", debounce=Debounce("k", 1_000))
    (answer,) = bench.run(bench.producer.submit([Submission(bench.ids.make(), other)]))
    assert answer.code is SubmitCode.UNIQUE_CONFLICT
    put(bench, Unique("u"))
    assert put(bench, None, debounce=Debounce("u", 1_000)).code is SubmitCode.UNIQUE_CONFLICT


def test_locks_are_listed_newest_first_and_the_rest_follows(bench: Bench) -> None:
    made = [put(bench, Unique(f"k{number}")).job_id for number in range(5)]
    uniques = RedisUniques([bench.keys])
    first = bench.run(uniques.list_locks(None, 3))
    rest = bench.run(uniques.list_locks(LockPlace(first[-1].taken_at, first[-1].key), 3))
    assert {lock.job_id for lock in (*first, *rest)} == set(made)
    assert [len(first), len(rest)] == [3, 2]


def test_the_reconciler_frees_what_nobody_holds_and_finds_what_expires(bench: Bench) -> None:
    gone, kept = put(bench, Unique("a")).job_id, put(bench, Unique("b"), expires_at=bench.now() + HOUR_MS).job_id
    bench.client.delete(bench.keys.named("job_prefix") + gone, bench.keys.named("expiring"))
    assert not reconcile(bench).is_clean
    assert holder(bench) == kept
    assert reconcile(bench).is_clean


def test_a_key_is_let_go_and_what_is_late_ends_while_the_store_is_full(spare: Server) -> None:
    bench = Bench(url=spare.url)
    uniques = RedisUniques([bench.keys])
    late = bench.submit(unique=Unique("k"), expires_at=bench.now())
    kept = bench.submit(unique=Unique("m"))
    with full(bench):
        assert bench.run(bench.maintainer.end_expired()) == 1
        assert [lock.job_id for lock in bench.run(uniques.list_locks(None, 9))] == [kept]
        assert bench.run(uniques.find("m")) is not None
        assert bench.run(uniques.release("m", kept)) is True
        assert bench.run(bench.maintainer.reconcile_locks(0)) == (-1, ())
    assert bench.get(late).status is Status.CANCELLED
    bench.close()
