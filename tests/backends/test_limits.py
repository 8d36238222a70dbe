"""limit.lua and what claim, settle and the reapers make of limits: never more at once, never a place left empty."""

from __future__ import annotations

import msgspec
import pytest

from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.limits import RedisLimits
from jobs.domain.job import JobSpec
from jobs.domain.limit import CODE, MAX_LIMITS, Limit, LimitUse, Rate
from jobs.domain.outcome import OutcomeKind
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from tests.stores import BY, LEASE_MS, Bench

MINUTE_MS = 60_000
TWO = Limit(name="mail", concurrency=2, set_by="user:ada", set_at=1)


def put(bench: Bench, limit: Limit = TWO) -> str:
    return bench.run(RedisLimits([bench.keys]).put(limit))


def use(bench: Bench) -> LimitUse:
    (found,) = bench.run(RedisLimits([bench.keys]).all())
    return found


def submit(bench: Bench, *kinds: str, queue: str = "main") -> list[str]:
    return [made.job_id for made in bench.submit_all([JobSpec(kind=kind, queue=queue) for kind in kinds])]


def claimed(bench: Bench, limit: int = 9, queues: tuple[str, ...] = ("main",)) -> list[str]:
    return [lease.job.id for lease in bench.claim(limit, queues).leases]


def test_so_many_run_at_once_and_others_pass_them(bench: Bench) -> None:
    put(bench)
    mails = submit(bench, *["mail"] * 5)
    (other,) = submit(bench, "other")
    assert claimed(bench) == [*mails[:2], other]
    assert (use(bench).running, use(bench).held) == (2, 3)
    assert claimed(bench) == []
    assert [job.id for job in bench.run(bench.inspector.list_jobs(Status.QUEUED, "main", None, 9)).jobs] == mails[2:]


def test_those_that_hold_its_places_and_what_is_left_of_its_rate_are_told(bench: Bench) -> None:
    bench.hold_clock()
    rate = Rate(3, 60_000)
    put(bench, msgspec.structs.replace(TWO, concurrency=9, rate=rate))
    assert (use(bench).tokens, use(bench).holders) == (3, ())
    mails = submit(bench, *["mail"] * 5)
    first = bench.now()
    assert claimed(bench, 1) == mails[:1]
    bench.advance(10)
    assert claimed(bench) == mails[1:3]
    limits = RedisLimits([bench.keys])
    (told,) = bench.run(limits.of(kind="mail", holders=2))
    assert [holder.job_id for holder in told.holders] == mails[:2]
    assert 0 <= told.holders[0].since - first < 10 <= told.holders[1].since - first
    assert (told.running, told.tokens) == (3, 0)
    (still,) = bench.run(limits.of(kind="mail"))
    assert still.holders == ()
    bench.advance(20_000)
    assert use(bench).tokens == 1
    put(bench)
    assert use(bench).tokens is None


@pytest.mark.parametrize("outcome", OutcomeKind)
def test_a_place_that_comes_free_goes_to_the_first_that_waits(bench: Bench, outcome: OutcomeKind) -> None:
    put(bench)
    mails = submit(bench, *["mail"] * 4)
    first, _ = bench.claim(9).leases
    assert claimed(bench) == []
    bench.settle(first, outcome, delay_ms=60_000)
    # Without a wait: the script that freed the place brought the next back.
    back = mails[0] if outcome in (OutcomeKind.RELEASED, OutcomeKind.CRASHED) else mails[2]
    assert claimed(bench) == [back]


def test_a_lost_lease_frees_its_place(bench: Bench) -> None:
    put(bench, msgspec.structs.replace(TWO, concurrency=1))
    first, second = submit(bench, "mail", "mail")
    assert claimed(bench) == [first]
    assert claimed(bench) == []
    bench.advance(LEASE_MS)
    bench.run(bench.maintainer.reap())
    assert claimed(bench) == [first]
    bench.run(bench.maintainer.lose_worker("w1", "exit code 1", 0))
    bench.advance(1_000)
    assert claimed(bench) == [second]


def test_what_is_cancelled_or_purged_while_held_takes_no_place(bench: Bench) -> None:
    put(bench, msgspec.structs.replace(TWO, concurrency=1))
    mails = submit(bench, *["mail"] * 3)
    lease = bench.lease(limit=9)
    bench.run(bench.operator.cancel([mails[1]], "r", running=False, by=BY))
    bench.settle(lease)
    assert claimed(bench) == [mails[2]]
    submit(bench, "mail")
    assert claimed(bench) == []
    assert bench.run(bench.operator.purge("main", "r", bench.now(), 0, by=BY)).purged == 1
    bench.advance(1_000)
    assert claimed(bench) == []
    assert use(bench).held == 0


def test_a_place_that_nobody_took_is_offered_again_within_a_second(bench: Bench) -> None:
    bench.hold_clock()
    put(bench, msgspec.structs.replace(TWO, concurrency=1))
    mails = submit(bench, *["mail"] * 3)
    lease = bench.lease(limit=9)
    assert claimed(bench) == []
    bench.settle(lease)  # brings the second back, which is then cancelled
    bench.run(bench.operator.cancel([mails[1]], "r", running=False, by=BY))
    claim = bench.claim(9)
    assert claim.leases == ()
    assert claim.next_due_at is not None
    assert claim.next_due_at <= bench.now() + 1_000
    bench.advance(1_000)
    assert claimed(bench) == [mails[2]]


def test_a_queue_nobody_serves_keeps_no_place_from_another(bench: Bench) -> None:
    put(bench, msgspec.structs.replace(TWO, concurrency=1))
    lease_of = submit(bench, "mail")
    submit(bench, *["mail"] * 3, queue="unserved")
    (mine,) = submit(bench, "mail")
    lease = bench.lease(limit=1)
    assert lease.job.id == lease_of[0]
    assert claimed(bench, queues=("unserved", "main")) == []
    bench.settle(lease)
    assert claimed(bench) == [mine]


def test_critical_jobs_keep_their_place_before_others_that_are_held(bench: Bench) -> None:
    put(bench, msgspec.structs.replace(TWO, concurrency=1))
    submit(bench, *["mail"] * 3)
    lease = bench.lease(limit=9)
    urgent = bench.submit("mail", priority=Priority.CRITICAL)
    assert claimed(bench) == []
    bench.settle(lease)
    assert claimed(bench) == [urgent]


def test_a_limit_counts_what_runs_already_and_lets_all_go_when_it_ends(bench: Bench) -> None:
    mails = submit(bench, *["mail"] * 4)
    assert claimed(bench, 2) == mails[:2]
    assert put(bench) == "set"
    assert claimed(bench) == []
    assert put(bench, msgspec.structs.replace(TWO, concurrency=3)) == "set"
    assert claimed(bench) == [mails[2]]
    limits = RedisLimits([bench.keys])
    assert bench.twice(limits.drop("mail")) == "set"
    assert claimed(bench) == [mails[3]]
    assert bench.run(limits.all()) == []


def test_starts_are_spread_over_time(bench: Bench) -> None:
    # Longer than any test: the bucket ends by the server's own clock when it must be full.
    bench.hold_clock()
    put(bench, Limit(name="mail", rate=Rate(10, 10 * MINUTE_MS, burst=3)))
    mails = submit(bench, *["mail"] * 9)
    assert claimed(bench) == mails[:3]
    claim = bench.claim(9)
    assert claim.leases == ()
    assert claim.next_due_at is not None
    assert claim.next_due_at - bench.now() <= MINUTE_MS
    started = 3
    for _ in range(3):
        bench.advance(MINUTE_MS)
        started += len(claimed(bench))
    assert started == 6
    bench.advance(60 * MINUTE_MS)
    assert len(claimed(bench)) == 3


def test_two_thousand_held_jobs_let_others_through(bench: Bench) -> None:
    put(bench, msgspec.structs.replace(TWO, concurrency=1))
    for _ in range(10):
        submit(bench, *["mail"] * 200)
    (other,) = submit(bench, "other")
    seen: list[str] = []
    for _ in range(8):
        seen += claimed(bench, 200)
    assert other in seen
    assert use(bench).held >= 1_999


def test_what_an_operator_set_stands_against_what_handlers_say(bench: Bench) -> None:
    limits = RedisLimits([bench.keys])
    of_code = Limit(name="mail", concurrency=9, set_by=CODE, set_at=5)
    assert bench.twice(limits.put(of_code)) == "set"
    assert bench.twice(limits.put(TWO)) == "set"
    assert bench.refused(limits.put(of_code)) == "kept"
    assert bench.refused(limits.drop("mail", set_by=CODE)) == "kept"
    assert use(bench).limit == TWO
    assert bench.run(limits.drop("mail")) == "set"
    assert bench.run(limits.put(of_code)) == "set"
    assert bench.run(limits.drop("mail", set_by=CODE)) == "set"


def test_a_namespace_has_so_many_and_no_more(bench: Bench) -> None:
    for number in range(MAX_LIMITS):
        put(bench, msgspec.structs.replace(TWO, name=f"k{number}"))
    assert put(bench) == "too_many"
    assert put(bench, msgspec.structs.replace(TWO, name="k7", concurrency=3)) == "set"


def test_a_damaged_limit_limits_nothing_and_hides_no_other(bench: Bench) -> None:
    put(bench)
    submit(bench, "x", "mail")
    bench.client.hset(bench.keys.named("limits"), "x", b"\xff{")
    assert len(claimed(bench)) == 2
    assert use(bench).limit == TWO
    mended = Limit(name="x", concurrency=1, set_by=CODE)
    assert put(bench, mended) == "set"
    assert [found.limit for found in bench.run(RedisLimits([bench.keys]).all())] == [TWO, mended]


def test_several_shards_share_a_limit(bench: Bench) -> None:
    limits = RedisBackend(shards=3).limits(bench.namespace)
    assert bench.run(limits.put(msgspec.structs.replace(TWO, concurrency=7, rate=Rate(10, 500)))) == "set"
    (found,) = bench.run(limits.all())
    assert (found.limit.concurrency, found.limit.rate) == (7, Rate(10, 500))
    packed = [
        bench.client.hget(key, "mail") for key in bench.client.scan_iter(f"ironforge:{{{bench.namespace}/*limits")
    ]
    shares = [msgspec.msgpack.decode(text) for text in packed]
    assert sorted(share[0] for share in shares) == [2, 2, 3]
    assert {(share[1], share[2], share[3]) for share in shares} == {(10, 1_500, 3)}
