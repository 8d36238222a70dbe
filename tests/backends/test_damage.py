"""Jobs whose fields were damaged from outside: they harm no other, and stay where somebody can see them and act."""

from __future__ import annotations

import secrets

import msgspec
import pytest

from jobs.backends.base import ActCode
from jobs.backends.retention import Retention
from jobs.domain.identity import created_ms
from jobs.domain.job import Delivery, JobSpec, NewPayload
from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from tests.backends.test_reconcile import reconcile
from tests.stores import BY, LEASE_MS, Bench

NOT_SPECS = [b"\xc1", b"\x07", b"\x90", msgspec.msgpack.encode(["k", 7, 2, 3, 1000]), None]


def damage(bench: Bench, job_id: str, field: str, value: bytes | None) -> None:
    key = bench.keys.named("job_prefix") + job_id
    if value is None:
        bench.client.hdel(key, field)
    else:
        bench.client.hset(key, field, value)


def retry(bench: Bench, job_id: str, payload: bytes | None = None) -> ActCode:
    call = bench.operator.retry([job_id], secrets.token_hex(8), by=BY, payload=payload and NewPayload(payload))
    return bench.run(call)[0].code


@pytest.mark.usefixtures("_store_server")
@pytest.mark.parametrize("value", NOT_SPECS)
@pytest.mark.parametrize("mode", ["offset", "strict"])
@pytest.mark.parametrize("priority", Priority)
def test_a_job_whose_spec_cannot_be_read_is_a_dead_letter_and_counted_as_one(
    mode: str, priority: Priority, value: bytes | None
) -> None:
    with Bench(priority_mode=mode) as bench:
        broken, good = bench.submit(queue="mail", priority=priority), bench.submit(queue="mail", priority=priority)
        damage(bench, broken, "spec", value)
        assert [lease.job.id for lease in bench.claim(2, queues=("mail",)).leases] == [good]
        job = bench.get(broken)
        assert (job.status, job.reason, job.kind) == (Status.DEAD_LETTER, "undecodable", "undecodable")
        assert (job.queue, job.priority, job.payload) == ("mail", priority, b"null")
        assert job.finished_at is not None
        assert bench.raw(broken)["broken_spec"] == (value or b"")
        assert (bench.depth(Status.DEAD_LETTER, "mail"), bench.depth(Status.QUEUED, "mail")) == (1, 0)
        assert bench.totals()["dead:undecodable"] == 1
        assert [change.status for change in bench.last_event().changes] == [Status.DEAD_LETTER, Status.RUNNING]


def test_a_job_without_its_payload_is_a_dead_letter_that_runs_with_another(bench: Bench) -> None:
    job_id = bench.submit("email.send")
    damage(bench, job_id, "payload", None)
    # Nobody can know how long it was.
    bench.client.hincrby(bench.keys.named("counts"), "stored", -len(b"null"))
    assert bench.claim().leases == ()
    assert (bench.get(job_id).reason, bench.get(job_id).kind) == ("undecodable", "email.send")
    assert retry(bench, job_id) is ActCode.DONE
    assert bench.claim().leases == ()
    assert retry(bench, job_id, b"7") is ActCode.DONE
    assert bench.lease().job.payload == b"7"


def test_a_buried_job_can_be_listed_discarded_and_pruned(bench: Bench) -> None:
    job_id = bench.submit()
    damage(bench, job_id, "spec", b"\xc1")
    bench.claim()
    (listed,) = bench.run(bench.inspector.list_jobs(Status.DEAD_LETTER, None, None, 10)).jobs
    assert listed.id == job_id
    assert bench.run(bench.operator.discard([job_id], "r", by=BY))[0].code is ActCode.DONE
    bench.advance(1_000)
    assert bench.run(bench.maintainer.prune(Retention(max_jobs=0))).cancelled == 1


def test_many_damaged_jobs_are_buried_a_few_at_a_time(bench: Bench) -> None:
    for _ in range(3):
        for answer in bench.submit_all([JobSpec(kind="demo.echo")] * 200):
            damage(bench, answer.job_id, "payload", None)
    good = bench.submit()
    assert bench.claim(200).leases == ()
    assert bench.hints() > 0
    assert [lease.job.id for lease in bench.claim(200).leases] == [good]
    assert bench.depth(Status.DEAD_LETTER) == 600


def claimed(bench: Bench, **fields: object) -> tuple[str, Lease]:
    job_id = bench.submit(**fields)  # type: ignore[arg-type]
    return job_id, bench.lease()


@pytest.mark.parametrize("words", ["{token} w1", "{token}", "{token} w1 many"])
@pytest.mark.parametrize("outcome", OutcomeKind)
def test_a_lease_of_fewer_words_still_settles_and_bytes_are_summed(
    bench: Bench, words: str, outcome: OutcomeKind
) -> None:
    job_id, lease = claimed(bench, payload=b"[1,2,3]")
    damage(bench, job_id, "lease", words.format(token=lease.token).encode())
    assert bench.get(job_id).attempts[-1].number == 1
    assert bench.run(bench.consumer.extend([(job_id, lease.token)], LEASE_MS)).extended
    assert bench.settle(lease, outcome, result=b"12345", delay_ms=1_000) is not None
    if outcome is OutcomeKind.COMPLETED:
        assert bench.client.hget(bench.keys.named("counts"), "bytes") == b"12"


@pytest.mark.parametrize("lease", [None, b"", b" ", b"another"])
def test_a_running_job_whose_lease_is_gone_is_lost_and_comes_back(bench: Bench, lease: bytes | None) -> None:
    bench.run(bench.maintainer.reap())
    job_id, held = claimed(bench)
    damage(bench, job_id, "lease", lease)
    bench.advance(1)
    assert bench.get(job_id).status is Status.RUNNING
    assert bench.run(bench.consumer.extend([(job_id, held.token)], LEASE_MS)).lost
    assert bench.settle(held) is None
    bench.advance(LEASE_MS)
    assert bench.run(bench.maintainer.reap()) == 1
    assert bench.get(job_id).status is Status.QUEUED


@pytest.mark.parametrize("field", ["attempt", "started_at"])
def test_a_running_job_that_lacks_a_number_is_seen_and_settled(bench: Bench, field: str) -> None:
    job_id, lease = claimed(bench)
    damage(bench, job_id, field, None)
    assert bench.get(job_id).attempts[-1].number == 1
    assert bench.settle(lease) is Status.COMPLETED
    assert len(bench.get(job_id).attempts) == 1


@pytest.mark.parametrize("value", [b"", b"\xc1", b"\x90", msgspec.msgpack.encode([1, 2, False, "failed"])])
def test_an_attempt_that_cannot_be_read_is_passed_over(bench: Bench, value: bytes) -> None:
    job_id, lease = claimed(bench)
    bench.settle(lease, OutcomeKind.SNOOZED, delay_ms=0)
    bench.settle(bench.lease())
    damage(bench, job_id, "attempt:1", value)
    damage(bench, job_id, "attempt:x", value)
    assert [attempt.number for attempt in bench.get(job_id).attempts] == [2]


def test_a_job_that_may_run_once_is_not_snoozed(bench: Bench) -> None:
    job_id, lease = claimed(bench, delivery=Delivery.AT_MOST_ONCE)
    assert bench.settle(lease, OutcomeKind.SNOOZED, delay_ms=1_000) is Status.DEAD_LETTER
    job = bench.get(job_id)
    assert (job.reason, [attempt.outcome for attempt in job.attempts]) == ("at_most_once", ["snoozed"])
    assert bench.totals()["dead:demo.echo"] == 1


@pytest.mark.parametrize("outcome", OutcomeKind)
def test_a_running_job_whose_spec_is_gone_is_a_dead_letter_when_it_ends_and_beside_it_all_goes_on(
    bench: Bench, outcome: OutcomeKind
) -> None:
    bad, good = claimed(bench)[1], claimed(bench)[1]
    damage(bench, bad.job.id, "spec", None)
    settlements = [Settlement(job_id=each.job.id, token=each.token, outcome=outcome) for each in (bad, good)]
    call = bench.consumer.settle(settlements)
    answers = bench.run(call)
    assert answers[0].status is Status.DEAD_LETTER
    assert answers[1].status is bench.get(good.job.id).status
    assert bench.run(call) == answers
    job = bench.get(bad.job.id)
    assert (job.status, job.reason, job.kind) == (Status.DEAD_LETTER, "undecodable", "undecodable")
    uses_no_attempt = outcome in {OutcomeKind.RELEASED, OutcomeKind.UNKNOWN_KIND}
    assert [attempt.outcome for attempt in job.attempts] == ([] if uses_no_attempt else [outcome.value])
    bench.is_checked = False


@pytest.mark.parametrize("field", ["spec", "ready_at"])
def test_damage_does_not_keep_upkeep_from_the_other_jobs(bench: Bench, field: str) -> None:
    bench.run(bench.maintainer.reap())
    ran = [claimed(bench)[0] for _ in range(2)]
    due = [bench.submit(scheduled_for=bench.now() + LEASE_MS) for _ in range(2)]
    damage(bench, ran[0], field, b"nan")
    damage(bench, due[0], field, b"nan")
    bench.advance(LEASE_MS + 1)
    bench.run(bench.maintainer.promote_due())
    bench.run(bench.maintainer.reap())
    statuses = [bench.get(job_id).status for job_id in (*ran, *due)]
    first = Status.DEAD_LETTER if field == "spec" else Status.QUEUED
    assert statuses == [first, Status.QUEUED, first, Status.QUEUED]
    bench.is_checked = field == "ready_at"


def test_a_damaged_dead_letter_can_be_discarded_and_a_walk_puts_the_counts_right(bench: Bench) -> None:
    job_id = bench.dead_letter(queue="mail")
    damage(bench, job_id, "spec", b"\xc1")
    assert bench.run(bench.operator.discard([job_id], "r", by=BY))[0].code is ActCode.DONE
    reconcile(bench)
    assert bench.depth(Status.DEAD_LETTER, "mail") == 0


@pytest.mark.parametrize("value", [None, b"x", b"nan", b"9" * 20])
def test_a_job_without_the_time_of_its_submission_is_listed_with_that_of_its_id(
    bench: Bench, value: bytes | None
) -> None:
    job_id, other = bench.submit(), bench.submit()
    for field in ("created", "ready_at"):
        damage(bench, job_id, field, value)
    listed = bench.run(bench.inspector.list_jobs(Status.QUEUED, None, None, 10)).jobs
    assert {job.id: job.created_at for job in listed}[job_id] == created_ms(job_id)
    assert {job.id for job in listed} == {job_id, other}
    bench.is_checked = False
