"""A job that is stored already gets another payload, by debounce or by a retry: what counts for it follows."""

from __future__ import annotations

import secrets

import pytest

from jobs.backends.base import ActCode, Submission, SubmitCode, Submitted
from jobs.backends.redis.limits import RedisLimits
from jobs.backends.redis.sharing import RedisSharing
from jobs.backends.redis.tenants import RedisTenants
from jobs.domain.job import JobSpec, NewPayload
from jobs.domain.limit import Limit, LimitBy
from jobs.domain.priority import Priority
from jobs.domain.quota import CLOSED, Quota
from jobs.domain.sharing import Share
from jobs.domain.unique import Debounce, OnConflict, Unique
from tests.stores import BY, Bench

OK, SAME, JOBS = SubmitCode.ACCEPTED, SubmitCode.EXISTING, SubmitCode.QUOTA_JOBS
LATER, NOW = Debounce("d", 60_000), Debounce("d", 1)


def push(bench: Bench, key: str | None, payload: bytes = b"1", debounce: Debounce = LATER, **more: object) -> Submitted:
    spec = JobSpec(kind="k", payload=payload, debounce=debounce, limit_key=key, **more)  # type: ignore[arg-type]
    return bench.submit_all([spec])[0]


def one_of_each_key(bench: Bench) -> None:
    bench.run(RedisLimits([bench.keys]).put(Limit(by=LimitBy.KEY, name="k", concurrency=1)))


@pytest.mark.parametrize("keys", [("a", "b"), (None, "b"), ("a", None)])
@pytest.mark.parametrize("fields", [{}, {"webhook": "https://example.com", "metadata": {"a": "1"}, "max_retries": 9}])
def test_a_debounced_job_takes_the_key_of_its_newest_payload(
    bench: Bench, keys: tuple[str | None, str | None], fields: dict[str, object]
) -> None:
    first = push(bench, keys[0], **fields).job_id
    before = bench.get(first)
    assert push(bench, keys[1], b"2").code is SAME
    after = bench.get(first)
    assert (after.limit_key, after.payload) == (keys[1], b"2")
    told = ("kind", "queue", "priority", "max_retries", "timeout_ms", "backoff", "metadata", "webhook", "debounce")
    assert [getattr(after, name) for name in told] == [getattr(before, name) for name in told]


@pytest.mark.parametrize("is_fair", [False, True])
def test_one_that_its_key_held_back_goes_over_to_the_lists_of_the_other(bench: Bench, is_fair: bool) -> None:
    one_of_each_key(bench)
    if is_fair:
        bench.run(RedisSharing([bench.keys]).put("main", Share(set_by=BY)))
    bench.submit("k", limit_key="a")
    holder = bench.lease()
    held = push(bench, "a", debounce=NOW).job_id
    bench.advance(10)
    bench.run(bench.maintainer.promote_due())
    assert bench.claim(9).leases == (), "its key is full"
    for key in ("b", "c", "a", "b"):
        assert push(bench, key, debounce=NOW).code is SAME
        bench.check()
    (lease,) = bench.claim(9).leases
    assert lease.job.id == held
    bench.submit("k", limit_key="b")
    assert bench.claim(9).leases == (), "it has the place of its new key"
    bench.settle(holder)
    bench.settle(lease)
    assert len(bench.claim(9).leases) == 1


def test_a_retry_takes_the_key_that_comes_with_its_payload(bench: Bench) -> None:
    one_of_each_key(bench)
    job_id = bench.dead_letter(kind="k", limit_key="a", priority=Priority.LOW)
    bench.submit("k", limit_key="a")
    bench.lease()

    def retry(payload: NewPayload | None) -> ActCode:
        return bench.twice(bench.operator.retry([job_id], secrets.token_hex(8), by=BY, payload=payload))[0].code

    assert retry(NewPayload(b"2")) is ActCode.DONE
    assert bench.get(job_id).limit_key == "a", "it may keep its own"
    assert bench.claim(9).leases == ()
    bench.cancel(job_id)
    job_id = bench.dead_letter(kind="k", limit_key="b", priority=Priority.LOW)
    assert retry(NewPayload(b"2", "c")) is ActCode.DONE
    assert (bench.get(job_id).limit_key, bench.get(job_id).priority) == ("c", Priority.LOW)
    lease = bench.lease()
    assert bench.fail(lease) is not None
    assert retry(NewPayload(b"3", None)) is ActCode.DONE
    assert bench.get(job_id).limit_key is None


def test_the_quota_of_bytes_counts_for_the_payload_of_a_retry(bench: Bench) -> None:
    tenants = RedisTenants([bench.keys])
    job_id = bench.dead_letter(payload=b"1234")
    bench.run(tenants.set_quota(Quota(bytes=10)))
    for size, code in ((11, ActCode.QUOTA_BYTES), (10, ActCode.DONE)):
        call = bench.operator.retry([job_id], secrets.token_hex(8), by=BY, payload=NewPayload(b"1" * size))
        assert bench.run(call)[0].code is code
    assert bench.run(tenants.use()).bytes == 10
    bench.fail(bench.lease())
    bench.run(tenants.set_quota(Quota(bytes=1)))
    for payload in (NewPayload(b"1" * 10), None):
        call = bench.operator.retry([job_id], secrets.token_hex(8), by=BY, payload=payload)
        assert bench.run(call)[0].code is ActCode.DONE, "what adds nothing is not refused"
        bench.fail(bench.lease())


@pytest.mark.parametrize("is_atomic", [False, True])
def test_a_full_namespace_takes_what_adds_no_job(bench: Bench, is_atomic: bool) -> None:
    tenants = RedisTenants([bench.keys])
    push(bench, None, b"12")
    bench.submit(unique=Unique("u"))
    bench.run(tenants.set_quota(Quota(jobs=2, bytes=9)))

    def codes(*fields: dict[str, object]) -> list[SubmitCode]:
        specs = [JobSpec(**({"kind": "k", "payload": b"1"} | each)) for each in fields]  # type: ignore[arg-type]
        batch = [Submission(bench.ids.make(), spec) for spec in specs]
        return [answer.code for answer in bench.run(bench.producer.submit(batch, is_atomic=is_atomic))]

    def unique(on_conflict: OnConflict) -> dict[str, object]:
        return {"unique": Unique("u", on_conflict=on_conflict)}

    newer: dict[str, object] = {"debounce": LATER}
    assert codes(newer, unique(OnConflict.RETURN)) == [SAME, SAME]
    assert codes(newer | {"payload": b"1" * 8}) == [SubmitCode.QUOTA_BYTES]
    # 4 bytes are of the other job.
    assert codes(newer | {"payload": b"12345"}, newer | {"payload": b"12"}) == [SAME, SAME]
    assert codes(unique(OnConflict.REJECT)) == [SubmitCode.UNIQUE_CONFLICT]
    assert codes(unique(OnConflict.REPLACE)) == [JOBS], "the job that is replaced stays stored"
    assert codes({}) == [JOBS]
    bench.run(tenants.set_quota(Quota(jobs=3)))
    two = [SAME, SubmitCode.ABORTED] if is_atomic else [OK, JOBS]
    assert codes({"debounce": Debounce("new", 9)}, {}) == ([SubmitCode.ABORTED, JOBS] if is_atomic else two)
    assert codes({"debounce": Debounce("new", 9)}, {"debounce": Debounce("new", 9)})[1] is SAME
    bench.run(tenants.set_quota(CLOSED))
    assert codes(newer) == [JOBS]
