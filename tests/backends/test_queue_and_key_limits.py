"""Limits of queues and of keys, alone and together: places of all or of none, and none left empty behind a held job."""

from __future__ import annotations

import msgspec
import pytest

from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.limits import RedisLimits
from jobs.domain.job import JobSpec
from jobs.domain.limit import Limit, LimitBy, LimitUse, Rate
from jobs.domain.outcome import OutcomeKind
from tests.backends.test_reconcile import reconcile
from tests.stores import Bench

QUEUE = Limit(by=LimitBy.QUEUE, name="main", concurrency=2, set_by="user:ada")
MINUTE_MS = 60_000
KEY = Limit(by=LimitBy.KEY, name="mail", concurrency=1, set_by="user:ada")
KIND = Limit(name="mail", concurrency=2, set_by="user:ada")


def put(bench: Bench, *limits: Limit) -> None:
    for limit in limits:
        assert bench.twice(RedisLimits([bench.keys]).put(limit)) == "set"


def submit(bench: Bench, *keys: str | None, kind: str = "mail", queue: str = "main") -> list[str]:
    specs = [JobSpec(kind=kind, queue=queue, limit_key=key) for key in keys]
    return [made.job_id for made in bench.submit_all(specs)]


def claimed(bench: Bench, limit: int = 9, queues: tuple[str, ...] = ("main",)) -> list[str]:
    return [lease.job.id for lease in bench.claim(limit, queues).leases]


def uses(bench: Bench, key: str | None = None) -> list[LimitUse]:
    return bench.run(RedisLimits([bench.keys]).of(kind="mail", queue="main", key=key))


def test_a_full_queue_is_passed_and_goes_on_when_a_place_comes_free(bench: Bench) -> None:
    put(bench, QUEUE)
    ids = submit(bench, *[None] * 4)
    (other,) = submit(bench, None, queue="other")
    first, second, third = bench.claim(9, ("main", "other")).leases
    assert [first.job.id, second.job.id, third.job.id] == [*ids[:2], other]
    assert claimed(bench, queues=("main", "other")) == []
    (use,) = uses(bench)
    assert (use.running, use.held, use.is_full) == (2, 2, True)
    bench.client.delete(bench.keys.wake("main"))
    bench.settle(first)
    assert bench.client.llen(bench.keys.wake("main")) == 1, "a worker that sleeps is told"
    assert claimed(bench) == [ids[2]]
    bench.run(RedisLimits([bench.keys]).drop("main", LimitBy.QUEUE))
    assert claimed(bench) == [ids[3]]


def test_a_queue_s_rate_says_when_to_come_again(bench: Bench) -> None:
    bench.hold_clock()
    put(bench, msgspec.structs.replace(QUEUE, concurrency=None, rate=Rate(10, 10 * MINUTE_MS, burst=2)))
    ids = submit(bench, *[None] * 5)
    assert claimed(bench) == ids[:2]
    claim = bench.claim(9)
    assert claim.leases == ()
    assert claim.next_due_at is not None
    assert 0 <= claim.next_due_at - bench.now() <= MINUTE_MS
    bench.advance(MINUTE_MS)
    assert claimed(bench) == [ids[2]]


def test_a_clock_that_goes_back_an_hour_keeps_no_token_and_no_held_job_for_so_long(bench: Bench) -> None:
    bench.hold_clock()
    put(bench, msgspec.structs.replace(KIND, concurrency=None, rate=Rate(1, MINUTE_MS)))
    bench.run(bench.maintainer.reconcile_due(300_000, "a"))
    ids = submit(bench, *[None] * 3)
    assert claimed(bench) == ids[:1]
    bench.advance(-MINUTE_MS // 2)
    assert claimed(bench) == [], "a bucket that is just a little ahead is no reason for another burst"
    bench.advance(-3_600_000)
    assert bench.run(bench.maintainer.reconcile_due(300_000, "b")) is not None
    assert bench.run(bench.maintainer.reconcile_due(300_000, "c")) is None
    assert claimed(bench) == ids[1:2]
    bench.advance(MINUTE_MS)
    assert claimed(bench) == ids[2:]


@pytest.mark.parametrize("lost", ["held", "list"])
def test_a_held_job_whose_list_is_lost_comes_back_by_the_repair(bench: Bench, lost: str) -> None:
    put(bench, KEY)
    ids = submit(bench, "a", "a", "b", "b")
    leases = bench.claim(9).leases
    assert reconcile(bench).is_clean
    if lost == "held":
        bench.client.delete(bench.keys.named("held"), bench.keys.named("held_names"))
    else:
        bench.client.delete(f"{bench.keys.named('held_prefix')}b:mail:a main")
    assert reconcile(bench).jobs_put_back == (2 if lost == "held" else 1)
    assert reconcile(bench).is_clean
    for lease in leases:
        bench.settle(lease)
    assert sorted(claimed(bench)) == sorted(ids[1::2])


def test_each_key_has_places_of_its_own_and_who_has_none_is_not_limited(bench: Bench) -> None:
    put(bench, KEY)
    a, b, a2, none, none2, b2 = submit(bench, "a", "b b", "a", None, None, "b b")
    others = submit(bench, "a", "a", kind="other")
    leases = bench.claim(9).leases
    assert [lease.job.id for lease in leases] == [a, b, none, none2, *others]
    assert leases[1].job.limit_key == "b b"
    (use,) = uses(bench, "b b")
    assert (use.key, use.running, use.held) == ("b b", 1, 1)
    bench.settle(leases[1])
    assert claimed(bench) == [b2]
    bench.settle(leases[0], OutcomeKind.DISCARDED)
    assert claimed(bench) == [a2]


def test_keys_of_which_one_begins_as_another_does_are_two(bench: Bench) -> None:
    put(bench, KEY)
    submit(bench, "a", "a main", "a: x")
    leases = bench.claim(9).leases
    later = submit(bench, "a", "a main", "a: x")
    assert claimed(bench) == []
    bench.settle(leases[0])
    assert claimed(bench) == later[:1]
    bench.settle(leases[2])
    assert claimed(bench) == later[2:]


def test_a_place_of_the_kind_goes_past_those_whose_key_is_full(bench: Bench) -> None:
    put(bench, KIND, KEY)
    ids = submit(bench, "a", "b", "a", "a", "a", "c")
    first, second = bench.claim(9).leases
    assert claimed(bench) == []
    bench.settle(second)
    assert claimed(bench) == [ids[5]]
    bench.settle(first)
    assert claimed(bench) == [ids[2]]
    assert claimed(bench) == []


def test_a_place_that_the_first_one_s_key_does_not_let_it_take_goes_to_the_next_at_once(bench: Bench) -> None:
    put(bench, KIND, KEY)
    submit(bench, None, None)
    first, second = bench.claim(9).leases
    a, _held_by_its_key, c = submit(bench, "a", "a", "c")
    assert claimed(bench) == []
    bench.settle(first)
    assert claimed(bench) == [a]
    bench.settle(second)
    assert claimed(bench) == [c]
    bench.check()


def test_all_three_at_once_take_all_places_or_none(bench: Bench) -> None:
    put(bench, KIND, KEY, msgspec.structs.replace(QUEUE, concurrency=3))
    submit(bench, "a", "a", "b", None, None)
    submit(bench, None, None, kind="other")
    assert len(bench.claim(9).leases) == 3
    assert [use.running for use in uses(bench, "a")] == [2, 3, 1]
    bench.check()


def test_a_key_s_rate_is_its_own_and_a_full_bucket_leaves_nothing_behind(bench: Bench) -> None:
    bench.hold_clock()
    put(bench, msgspec.structs.replace(KEY, concurrency=None, rate=Rate(10, 10 * MINUTE_MS, burst=1)))
    a, b, a2, _b2 = submit(bench, "a", "b", "a", "b")
    assert claimed(bench) == [a, b]
    claim = bench.claim(9)
    assert claim.leases == ()
    assert claim.next_due_at is not None
    assert claim.next_due_at - bench.now() <= MINUTE_MS
    bench.advance(MINUTE_MS)
    assert a2 in claimed(bench)
    tokens = list(bench.client.scan_iter(bench.keys.named("tokens_prefix") + "*"))
    assert len(tokens) == 2
    assert all(0 < bench.client.pttl(key) <= MINUTE_MS + 1_000 for key in tokens)


def test_a_limit_of_keys_counts_what_runs_already_and_forgets_it_at_its_end(bench: Bench) -> None:
    submit(bench, "a", "b")
    leases = bench.claim(9).leases
    put(bench, KEY)
    later = submit(bench, "a", "b")
    assert claimed(bench) == []
    assert bench.run(RedisLimits([bench.keys]).drop("mail", LimitBy.KEY)) == "set"
    assert claimed(bench) == later
    bench.check()
    for lease in leases:
        bench.settle(lease)
    assert list(bench.client.scan_iter(bench.keys.named("holders_prefix") + "*")) == []


def test_a_thousand_keys_that_hold_jobs_back_cost_a_claim_some_looks_only(bench: Bench) -> None:
    put(bench, KEY)
    for first in range(0, 1_000, 100):
        submit(bench, *[f"k{number}" for number in range(first, first + 100)] * 2)
    for _ in range(10):
        assert len(bench.claim(100).leases) == 100
    assert claimed(bench) == []
    bench.advance(60_000)
    before = bench.client.info("commandstats")["cmdstat_zpopmin"]["calls"]
    assert claimed(bench, 1) == []
    assert bench.client.info("commandstats")["cmdstat_zpopmin"]["calls"] - before <= 20
    bench.check()


@pytest.mark.parametrize("text", [b"", b"x", b" ", b"b:mail", b"\xff \xff"])
def test_a_damaged_look_is_passed_over(bench: Bench, text: bytes) -> None:
    put(bench, KEY)
    (job_id,) = submit(bench, "a")
    bench.client.zadd(bench.keys.named("held"), {text: 0})
    assert claimed(bench) == [job_id]
    assert bench.client.zscore(bench.keys.named("held"), text) is None


def test_each_shard_has_the_whole_limit_of_its_keys(bench: Bench) -> None:
    limits = RedisBackend(shards=3).limits(bench.namespace)
    assert bench.run(limits.put(msgspec.structs.replace(KEY, concurrency=2, path="payload.id"))) == "set"
    assert bench.run(limits.paths()) == {"mail": "payload.id"}
    (found,) = bench.run(limits.all())
    assert (found.limit.concurrency, found.limit.path) == (2, "payload.id")
    packed = [
        bench.client.hget(key, "b:mail") for key in bench.client.scan_iter(f"ironforge:{{{bench.namespace}/*:limits")
    ]
    assert [msgspec.msgpack.decode(text)[0] for text in packed] == [2, 2, 2]
