"""submit.lua: a job is stored once, under its id and under its idempotency key."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from redis import exceptions as faults

from jobs.backends.base import MAX_BATCH, Submission, SubmitCode
from jobs.backends.redis.codec import encode_submission, rows_of
from jobs.backends.retention import Retention
from jobs.domain.backoff import Backoff, Jitter
from jobs.domain.event import Change
from jobs.domain.job import Delivery, JobSpec
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from jobs.domain.trace import TraceContext
from jobs.domain.unique import Unique, Until
from tests.stores import Bench

DAY_MS = 86_400_000
FAR_MS = 4_000_000_000_000
names = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
backoffs = st.builds(Backoff, st.integers(1, 10**6), st.integers(10**6, 10**8), st.sampled_from(Jitter))
specs = st.builds(
    JobSpec,
    kind=names,
    payload=st.binary(max_size=300),
    queue=names,
    priority=st.sampled_from(Priority),
    max_retries=st.integers(0, 255),
    timeout_ms=st.integers(1, DAY_MS),
    scheduled_for=st.none() | st.integers(1, 1000) | st.integers(FAR_MS, FAR_MS * 2),
    metadata=st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=4),
    delivery=st.sampled_from(Delivery),
    backoff=st.just(Backoff()) | backoffs,
    expires_at=st.none() | st.integers(FAR_MS, FAR_MS * 2),
    trace=st.sampled_from(
        [None, TraceContext("a" * 32, "b" * 16), TraceContext("1" * 32, "2" * 16, 0, "vendor=1,b=c")]
    ),
    unique=st.none() | st.builds(Unique, key=st.text(min_size=1), until=st.sampled_from(Until)),
    retention_ms=st.none() | st.integers(1, 10**12),
)


def keyed(bench: Bench, key: str = "k", fingerprint: str = "f", **fields: object) -> Submission:
    spec = JobSpec(kind="demo.echo", **fields)  # type: ignore[arg-type]
    return Submission(bench.ids.make(), spec, key, fingerprint)


def test_a_new_job_is_ready_at_once(bench: Bench) -> None:
    (submitted,) = bench.submit_all([JobSpec(kind="demo.echo", priority=Priority.HIGH)])
    assert (submitted.code, submitted.status) == (SubmitCode.ACCEPTED, Status.QUEUED)
    job = bench.get(submitted.job_id)
    assert (job.status, job.created_at, job.ready_at) == (Status.QUEUED, submitted.created_at, submitted.created_at)
    assert (job.attempt, job.retry_count, job.lost_leases, job.attempts) == (0, 0, 0, ())
    assert bench.queue_ids() == [job.id]
    assert bench.depth(Status.QUEUED) == 1
    assert bench.totals()["submitted:high"] == 1
    event = bench.last_event()
    assert (event.verb, event.queue, event.at) == ("submit", "main", submitted.created_at)
    assert event.changes == (Change(job.id, Status.QUEUED),)


@given(spec=specs)
@settings(max_examples=60, deadline=None)
@pytest.mark.usefixtures("_store_server")
def test_every_field_is_kept_as_it_was_sent(spec: JobSpec) -> None:
    with Bench() as bench:
        (submitted,) = bench.submit_all([spec])
        job = bench.get(submitted.job_id)
    # A job's own webhook may hold a token, so no reader of the job sees it: tests/backends/test_webhook.py has it.
    shown = [name for name in spec.__struct_fields__ if name not in {"webhook", "schedule", "workflow"}]
    assert {name: getattr(job, name) for name in shown} == {name: getattr(spec, name) for name in shown}
    assert submitted.status is (Status.SCHEDULED if (spec.scheduled_for or 0) >= FAR_MS else Status.QUEUED)


def test_a_job_for_later_waits_and_leaves_no_hint(bench: Bench) -> None:
    due = bench.now() + 60_000
    job_id = bench.submit(scheduled_for=due)
    assert bench.get(job_id).status is Status.SCHEDULED
    assert bench.client.zscore(bench.keys.index(Status.SCHEDULED), job_id) == due
    assert bench.queue_ids() == []
    assert bench.hints() == 0


def test_a_job_whose_time_has_passed_is_ready_and_keeps_its_place_by_submission(bench: Bench) -> None:
    first = bench.submit()
    second = bench.submit(scheduled_for=bench.now() - 60_000)
    assert bench.queue_ids() == [first, second]


def test_a_repeated_id_answers_as_the_first_time_whatever_it_brings(bench: Bench) -> None:
    submission = Submission(bench.ids.make(), JobSpec(kind="demo.echo", payload=b"1"))
    bench.twice(bench.producer.submit([submission]))
    bench.refused(bench.producer.submit([replace(submission, spec=JobSpec(kind="demo.fail", payload=b"2"))]))
    assert bench.get(submission.job_id).payload == b"1"


def test_a_repeated_id_tells_the_status_of_now(bench: Bench) -> None:
    submission = Submission(bench.ids.make(), JobSpec(kind="demo.echo"))
    (first,) = bench.run(bench.producer.submit([submission]))
    bench.settle(bench.lease())
    (again,) = bench.refused(bench.producer.submit([submission]))
    assert again == replace(first, status=Status.COMPLETED)


def key_of(bench: Bench) -> str:
    """Return the record of the idempotency key `k`."""
    return bench.keys.named("idem_prefix") + hashlib.sha256(b"k").hexdigest()[:40]


def test_the_same_id_twice_in_a_batch_is_one_job(bench: Bench) -> None:
    submission = Submission(bench.ids.make(), JobSpec(kind="demo.echo"))
    first, second = bench.run(bench.producer.submit([submission, submission]))
    assert first == second
    assert bench.depth(Status.QUEUED) == 1


def test_an_idempotency_key_answers_with_the_first_job_and_its_status_of_now(bench: Bench) -> None:
    (first,) = bench.run(bench.producer.submit([keyed(bench)]))
    (again,) = bench.refused(bench.producer.submit([keyed(bench)]))
    assert again == replace(first, code=SubmitCode.REPLAYED)
    bench.settle(bench.lease())
    (later,) = bench.refused(bench.producer.submit([keyed(bench)]))
    assert later == replace(first, code=SubmitCode.REPLAYED, status=Status.COMPLETED)


def test_an_idempotency_key_with_another_body_is_refused(bench: Bench) -> None:
    (first,) = bench.run(bench.producer.submit([keyed(bench)]))
    (other,) = bench.refused(bench.producer.submit([keyed(bench, fingerprint="other")]))
    assert (other.code, other.job_id) == (SubmitCode.MISMATCH, first.job_id)


def test_an_idempotency_key_twice_in_a_batch_makes_one_job(bench: Bench) -> None:
    answers = bench.run(bench.producer.submit([keyed(bench), keyed(bench), keyed(bench, fingerprint="g")]))
    assert [answer.code for answer in answers] == [SubmitCode.ACCEPTED, SubmitCode.REPLAYED, SubmitCode.MISMATCH]
    assert {answer.job_id for answer in answers} == {answers[0].job_id}
    assert bench.depth(Status.QUEUED) == 1


def test_an_idempotency_key_outlives_its_purged_job(bench: Bench) -> None:
    (first,) = bench.run(bench.producer.submit([keyed(bench, scheduled_for=FAR_MS)]))
    bench.run(bench.operator.promote([first.job_id], "r1", by="t"))
    assert bench.run(bench.operator.purge("main", "r2", bench.now() + 1, 0, by="t")).purged == 1
    (again,) = bench.refused(bench.producer.submit([keyed(bench)]))
    assert again == replace(first, code=SubmitCode.REPLAYED, status=Status.CANCELLED)
    (other,) = bench.refused(bench.producer.submit([keyed(bench, fingerprint="other")]))
    assert other.code is SubmitCode.MISMATCH


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.CANCELLED, Status.DEAD_LETTER])
def test_an_idempotency_key_tells_how_its_job_ended_after_retention_removed_it(bench: Bench, status: Status) -> None:
    (first,) = bench.run(bench.producer.submit([keyed(bench, max_retries=0)]))
    if status is Status.CANCELLED:
        bench.cancel(first.job_id)
    else:
        lease = bench.lease()
        assert (bench.settle if status is Status.COMPLETED else bench.fail)(lease) is status
    bench.advance(1_000)
    bench.client.pexpire(key_of(bench), 1_000_000)
    bench.run(bench.maintainer.prune(Retention(max_jobs=0, dead_letter_age_ms=0)))
    assert bench.raw(first.job_id) == {}
    assert 900_000 < bench.client.pttl(key_of(bench)) <= 1_000_000
    (again,) = bench.refused(bench.producer.submit([keyed(bench)]))
    assert again == replace(first, code=SubmitCode.REPLAYED, status=status)


def test_a_key_that_ran_out_is_not_brought_back_nor_that_of_a_later_job_rewritten(bench: Bench) -> None:
    (first,) = bench.run(bench.producer.submit([keyed(bench)]))
    bench.settle(bench.lease())
    bench.client.delete(key_of(bench))
    bench.run(bench.maintainer.prune(Retention(max_jobs=0)))
    assert not bench.client.exists(key_of(bench))
    (second,) = bench.run(bench.producer.submit([keyed(bench)]))
    bench.cancel(second.job_id)
    bench.client.delete(key_of(bench))
    (third,) = bench.run(bench.producer.submit([keyed(bench)]))
    bench.run(bench.maintainer.prune(Retention(max_jobs=0)))
    (again,) = bench.refused(bench.producer.submit([keyed(bench)]))
    assert (again.job_id, again.status) == (third.job_id, Status.QUEUED)
    assert first.job_id != third.job_id


def test_a_job_without_a_key_keeps_no_field_for_it(bench: Bench) -> None:
    assert "idem" not in bench.raw(bench.submit())


def test_an_idempotency_key_is_kept_for_a_day_under_its_hash(bench: Bench) -> None:
    bench.run(bench.producer.submit([keyed(bench, key="}:/*é" * 50)]))
    prefix = bench.keys.named("idem_prefix")
    (key,) = bench.client.scan_iter(f"{prefix}*", count=1000)
    assert key.decode() == prefix + hashlib.sha256(("}:/*é" * 50).encode()).hexdigest()[:40]
    assert DAY_MS - 600_000 < bench.client.pttl(key) <= DAY_MS


def test_keys_of_another_namespace_are_not_seen(bench: Bench) -> None:
    with Bench() as other:
        other.run(other.producer.submit([keyed(other)]))
        (mine,) = bench.run(bench.producer.submit([keyed(bench)]))
        assert mine.code is SubmitCode.ACCEPTED
        assert other.run(other.inspector.get(mine.job_id)) is None


def test_a_batch_is_one_event_and_one_clock_reading_in_order(bench: Bench) -> None:
    answers = bench.submit_all([JobSpec(kind="demo.echo", queue=name) for name in ("a", "b", "a")])
    assert len({answer.created_at for answer in answers}) == 1
    assert bench.queue_ids("a") == [answers[0].job_id, answers[2].job_id]
    assert bench.verbs() == ["submit"]
    assert bench.last_event().queue == "*"
    assert [change.job_id for change in bench.last_event().changes] == [answer.job_id for answer in answers]


def test_a_batch_takes_200_jobs_and_no_more(bench: Bench) -> None:
    assert len(bench.submit_all([JobSpec(kind="demo.echo")] * MAX_BATCH)) == MAX_BATCH
    with pytest.raises(ValueError, match="at most 200"):
        bench.submit_all([JobSpec(kind="demo.echo")] * (MAX_BATCH + 1))


def test_an_empty_batch_does_nothing(bench: Bench) -> None:
    assert bench.refused(bench.producer.submit([])) == []


def test_hints_are_as_many_as_jobs_but_at_most_eight_and_none_while_paused(bench: Bench) -> None:
    bench.submit_all([JobSpec(kind="demo.echo")] * 3)
    assert bench.hints() == 3
    bench.submit_all([JobSpec(kind="demo.echo")] * 30)
    assert bench.hints() == 8
    bench.run(bench.operator.pause("quiet", by="t", reason=""))
    bench.submit(queue="quiet")
    assert bench.hints("quiet") == 0


@pytest.mark.parametrize("broken", range(9))
def test_a_malformed_entry_refuses_the_whole_batch_before_anything_is_written(bench: Bench, broken: int) -> None:
    good = [encode_submission(Submission(bench.ids.make(), JobSpec(kind="demo.echo")), "", 1000) for _ in range(2)]
    good[1][broken] = False
    empty = bench.producer.submit([])
    call = dataclasses.replace(empty, args=(rows_of(good), *empty.args[1:]))
    before = bench.contents()
    with pytest.raises(faults.ResponseError, match="malformed"):
        bench.run(call)
    assert bench.contents() == before


@given(wanted=st.lists(st.tuples(st.sampled_from(Priority), st.integers(0, 1_200_000)), min_size=1, max_size=12))
@settings(max_examples=25, deadline=None)
@pytest.mark.usefixtures("_store_server")
@pytest.mark.parametrize("mode", ["offset", "strict"])
def test_the_queue_is_ordered_by_offset_plus_time_and_then_by_id(mode: str, wanted: list[tuple[Priority, int]]) -> None:
    step_us = (1_000 if mode == "offset" else 10_000_000) * 1_000_000
    with Bench(priority_mode=mode) as bench:
        places = []
        for priority, pause_ms in wanted:
            bench.advance(pause_ms)
            job_id = bench.submit(priority=priority)
            places.append((priority.rank * step_us + int(bench.raw(job_id)["ready_at"]), job_id))
        assert bench.queue_ids() == [job_id for _, job_id in sorted(places)]


def test_a_low_job_goes_ahead_of_a_critical_one_only_after_3000_seconds(bench: Bench) -> None:
    low = bench.submit(priority=Priority.LOW)
    bench.advance(2_900_000)
    before = bench.submit(priority=Priority.CRITICAL)
    bench.advance(200_000)
    after = bench.submit(priority=Priority.CRITICAL)
    assert bench.queue_ids() == [before, low, after]


@pytest.mark.usefixtures("_store_server")
def test_strict_priority_is_not_bridged_in_a_month() -> None:
    with Bench(priority_mode="strict") as bench:
        low = bench.submit(priority=Priority.LOW)
        bench.advance(30 * DAY_MS)
        critical = bench.submit(priority=Priority.CRITICAL)
        assert bench.queue_ids() == [critical, low]


def test_kinds_beyond_500_share_one_label(bench: Bench) -> None:
    bench.client.hset(bench.keys.named("totals"), "kinds", 500)
    bench.submit(kind="late.kind")
    bench.settle(bench.lease())
    totals = bench.totals()
    assert totals["completed:other"] == 1
    assert "completed:late.kind" not in totals
