"""tenant.lua and tenant_set.lua, and what submit, claim and prune make of a namespace's quota and retention."""

from __future__ import annotations

import re

import msgspec
import pytest

from jobs.backends.base import Submission, SubmitCode
from jobs.backends.reconciliation import Counting
from jobs.backends.redis.keys import ALL_NAMES
from jobs.backends.redis.scripts import LUA_DIR
from jobs.backends.redis.tenants import RedisTenants
from jobs.backends.retention import Retention
from jobs.domain.job import JobSpec
from jobs.domain.quota import CLOSED, OwnRetention, Quota, TenantUse
from jobs.domain.status import Status
from tests.stores import BY, Bench

OK, JOBS, BYTES, RATE = (
    SubmitCode.ACCEPTED,
    SubmitCode.QUOTA_JOBS,
    SubmitCode.QUOTA_BYTES,
    SubmitCode.QUOTA_RATE,
)


def tenants(bench: Bench) -> RedisTenants:
    return RedisTenants([bench.keys])


def allow(bench: Bench, **parts: int) -> None:
    bench.run(tenants(bench).set_quota(Quota(**parts)))


def use(bench: Bench) -> TenantUse:
    return bench.run(tenants(bench).use())


def codes(bench: Bench, *payloads: bytes, **more: bool) -> list[SubmitCode]:
    batch = [Submission(bench.ids.make(), JobSpec(kind="k", payload=payload)) for payload in payloads]
    return [answer.code for answer in bench.run(bench.producer.submit(batch, **more))]


def test_jobs_and_bytes_are_counted_exactly_inside_a_batch_and_over_all(bench: Bench) -> None:
    allow(bench, jobs=3, bytes=10)
    assert codes(bench, b"12345", b"123456", b"1") == [OK, BYTES, OK]
    assert codes(bench, b"1", b"1") == [OK, JOBS]
    assert (use(bench).jobs, use(bench).bytes) == (3, 7)
    bench.settle(bench.lease(), result=b"123")
    assert use(bench).bytes == 10, "results count, though nobody refuses them"
    bench.run(bench.operator.purge("main", "r", bench.now() + 1_000, 0, by=BY))
    assert (use(bench).jobs, use(bench).bytes) == (1, 8)
    assert codes(bench, b"12", b"1") == [OK, BYTES]


def test_what_is_known_already_is_answered_and_not_counted(bench: Bench) -> None:
    allow(bench, jobs=1)
    first = Submission(bench.ids.make(), JobSpec(kind="k"), "once", "f" * 64)
    assert [answer.code for answer in bench.run(bench.producer.submit([first]))] == [OK]
    again = msgspec.structs.replace(first, job_id=bench.ids.make())
    answers = bench.run(bench.producer.submit([first, again, Submission(bench.ids.make(), JobSpec(kind="k"))]))
    assert [answer.code for answer in answers] == [OK, SubmitCode.REPLAYED, JOBS]


def test_submissions_come_by_the_second(bench: Bench) -> None:
    bench.hold_clock()
    allow(bench, submissions_per_s=4)
    assert codes(bench, *[b"1"] * 6) == [OK] * 4 + [RATE] * 2
    bench.advance(500)
    assert codes(bench, b"1", b"1", b"1") == [OK, OK, RATE]
    bench.advance(3_600_000)
    assert codes(bench, *[b"1"] * 6) == [OK] * 4 + [RATE] * 2, "a bucket holds a second's"


@pytest.mark.parametrize(
    ("parts", "refusal"), [({"jobs": 2}, JOBS), ({"bytes": 2}, BYTES), ({"submissions_per_s": 2}, RATE)]
)
def test_a_batch_that_is_stored_whole_fits_whole_or_not_at_all(
    bench: Bench, parts: dict[str, int], refusal: SubmitCode
) -> None:
    allow(bench, **parts)
    aborted = SubmitCode.ABORTED
    assert codes(bench, b"1", b"1", b"1", is_atomic=True) == [aborted, aborted, refusal]
    assert codes(bench, b"1", b"1", is_atomic=True) == [OK, OK], "what was refused has used nothing up"


def test_so_many_run_and_no_more(bench: Bench) -> None:
    allow(bench, running=2)
    codes(bench, *[b"1"] * 4)
    first, _ = bench.claim(9).leases
    hints = bench.hints()
    assert bench.claim(9).leases == ()
    assert bench.hints() <= hints, "whoever waits is not called in vain"
    bench.settle(first)
    assert len(bench.claim(9).leases) == 1
    assert use(bench).running == 2


def test_a_closed_namespace_takes_and_gives_nothing(bench: Bench) -> None:
    codes(bench, b"1")
    bench.twice(tenants(bench).set_quota(CLOSED))
    assert codes(bench, b"1") == [JOBS]
    assert bench.claim(9).leases == ()
    bench.run(tenants(bench).set_quota(Quota()))
    assert codes(bench, b"1") == [OK]
    assert len(bench.claim(9).leases) == 2


def test_a_namespace_keeps_what_has_ended_as_it_likes(bench: Bench) -> None:
    bench.hold_clock()
    rules = OwnRetention(ended_age_ms=1_000, ended_jobs=3, dead_letter_age_ms=5_000, dead_letters=2)
    bench.twice(tenants(bench).set_retention(rules))
    assert use(bench).retention == rules
    letters = [bench.dead_letter() for _ in range(3)]
    for _ in range(5):
        bench.submit()
        bench.settle(bench.lease())
    removed = bench.run(bench.maintainer.prune(Retention()))
    assert (removed.completed, removed.dead_letter) == (2, 1)
    assert bench.raw(letters[0]) == {}
    assert (use(bench).ended, use(bench).dead_letters) == (3, 2)
    bench.advance(2_000)
    assert bench.run(bench.maintainer.prune(Retention())).completed == 3
    bench.advance(5_000)
    assert bench.run(bench.maintainer.prune(Retention())).dead_letter == 2


@pytest.mark.parametrize("text", [b"", b"\xc1", b"\x01", b"\x91\xa1x"])
def test_damaged_rules_are_nobodys(bench: Bench, text: bytes) -> None:
    bench.client.hset(bench.keys.named("tenant"), mapping={"quota": text, "retention": text, "bucket": text})
    assert codes(bench, b"1") == [OK]
    assert len(bench.claim(9).leases) == 1
    assert use(bench).quota == Quota()
    bench.run(bench.maintainer.prune(Retention()))


def test_bytes_of_before_there_were_quotas_are_counted_once(bench: Bench) -> None:
    codes(bench, b"12345")
    bench.client.hdel(bench.keys.named("counts"), "stored")
    assert bench.run(bench.maintainer.recount(10)) is Counting.RIGHT
    assert use(bench).bytes == 5


def test_shards_share_a_quota() -> None:
    benches = [Bench(shards=2, shard=0)]
    benches.append(Bench(namespace=benches[0].namespace, shards=2, shard=1))
    try:
        both = RedisTenants([bench.keys for bench in benches])
        benches[0].run(both.set_quota(Quota(jobs=3, submissions_per_s=100)))
        for bench in benches:
            codes(bench, b"1", b"1", b"1")
        found = benches[0].run(both.use())
        assert (found.quota, found.jobs) == (Quota(jobs=3, submissions_per_s=100), 3)
        assert [bench.depth(Status.QUEUED) for bench in benches] == [3, 3], "an overview is of all shards"
    finally:
        for bench in benches:
            bench.close()


def test_a_drain_leaves_what_ends_by_itself(bench: Bench) -> None:
    submission = Submission(bench.ids.make(), JobSpec(kind="k"), "once", "f" * 64)
    bench.run(bench.producer.submit([submission]))
    for _ in range(4):
        bench.submit()
    bench.dead_letter(queue="other")
    bench.lease()
    bench.run(tenants(bench).set_quota(CLOSED))
    steps = [bench.run(tenants(bench).drain(4)) for _ in range(2)]
    assert [(step.jobs, step.more) for step in steps] == [(4, True), (2, False)]
    left = {key.rpartition("}:")[2].partition(":")[0] for key in bench.contents()}
    assert left <= {"tenant", "stats", "claim", "test_clock"}
    assert all(bench.client.ttl(key) > 0 for key in bench.contents() if not key.endswith("test_clock"))
    assert bench.run(tenants(bench).drain(4)).more is False


def test_a_drain_knows_every_key_that_a_namespace_has() -> None:
    """A new key of `Keys` fails here until drain.lua removes it, or it is among those that end by themselves."""
    header = (LUA_DIR / "drain.lua").read_text() + (LUA_DIR / "drain_workers.lua").read_text()
    named = set(re.findall(r"^-- KEYS +(\w+)", header, re.MULTILINE))
    ends_by_itself = {"claim_prefix", "stats_prefix", "purge_prefix", "schedule_prefix", "fires_prefix", "test_clock"}
    assert named == ALL_NAMES - ends_by_itself
