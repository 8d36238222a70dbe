"""Fair queues: the keys of jobs take turns, by weight; nobody owes or saves anything; what ends is forgotten."""

from __future__ import annotations

import secrets
from itertools import groupby

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.backends.redis.limits import RedisLimits
from jobs.backends.redis.sharing import RedisSharing
from jobs.domain.job import Job, JobSpec
from jobs.domain.limit import Limit, LimitBy
from jobs.domain.outcome import OutcomeKind
from jobs.domain.priority import Priority
from jobs.domain.sharing import Share
from jobs.domain.status import Status
from tests.stores import BY, LEASE_MS, Bench


def share(bench: Bench, *weights: tuple[str, int], queue: str = "main") -> None:
    assert bench.run(RedisSharing([bench.keys]).put(queue, Share(weights=weights, set_by=BY)))


def submit(bench: Bench, kind: str, number: int, **fields: object) -> list[str]:
    specs = [JobSpec(kind=kind, **fields)] * number  # type: ignore[arg-type]
    return [made.job_id for at in range(0, number, 200) for made in bench.submit_all(specs[at : at + 200])]


def kinds(bench: Bench, number: int, at_once: int = 1) -> str:
    """Claim so many and return their kinds, which are letters."""
    return "".join(lease.job.kind for _ in range(0, number, at_once) for lease in bench.claim(at_once).leases)


def line_keys(bench: Bench) -> set[str]:
    prefix = bench.keys.named("fair_prefix")
    return {key.decode().removeprefix(prefix) for key in bench.client.scan_iter(f"{prefix}*")}


@pytest.mark.parametrize("at_once", [1, 10])
def test_keys_take_turns_however_many_jobs_one_has(bench: Bench, at_once: int) -> None:
    share(bench)
    submit(bench, "a", 400)
    assert kinds(bench, 10, at_once) == "a" * 10
    submit(bench, "b", 10)
    assert sorted(kinds(bench, 20, at_once)) == ["a"] * 10 + ["b"] * 10
    assert kinds(bench, 10, at_once) == "a" * 10


def test_weights_are_turns_for_one_of_others(bench: Bench) -> None:
    share(bench, ("gold", 3), ("g*", 2))
    for kind in ("gold", "green", "x"):
        submit(bench, kind, 60)
    taken = [lease.job.kind for lease in bench.claim(60).leases]
    assert [taken.count(kind) for kind in ("gold", "green", "x")] == pytest.approx([30, 20, 10], abs=1)


def test_the_list_of_queued_jobs_is_the_order_they_run_in(bench: Bench) -> None:
    share(bench)
    submit(bench, "a", 5)
    submit(bench, "b", 3, priority=Priority.LOW)
    submit(bench, "c", 2)
    listed = [job.id for job in bench.run(bench.inspector.list_jobs(Status.QUEUED, "main", None, 20)).jobs]
    assert listed == bench.queue_ids()
    assert [bench.lease().job.id for _ in range(10)] == listed


def test_a_higher_priority_goes_first_and_each_has_turns_of_its_own(bench: Bench) -> None:
    share(bench)
    for kind in "ab":
        submit(bench, kind, 3, priority=Priority.LOW)
        submit(bench, kind, 2, priority=Priority.HIGH)
    assert kinds(bench, 10) == "ababababab"


def test_a_key_that_was_idle_has_saved_nothing(bench: Bench) -> None:
    share(bench)
    submit(bench, "a", 200)
    kinds(bench, 100, 10)
    submit(bench, "b", 50)
    taken = kinds(bench, 40)
    assert max(len(list(run)) for _, run in groupby(taken)) <= 2


def test_one_that_asks_for_one_at_a_time_takes_no_more_than_its_turns(bench: Bench) -> None:
    share(bench)
    submit(bench, "a", 50)
    submit(bench, "b", 1)
    taken = ""
    for _ in range(40):
        taken += kinds(bench, 1)
        if taken[-1] == "b":
            submit(bench, "b", 1)
    assert taken.count("b") == pytest.approx(20, abs=1)


@pytest.mark.parametrize("way", ["cancel", "purge"])
def test_what_is_taken_out_of_the_queue_is_no_debt(bench: Bench, way: str) -> None:
    share(bench)
    gone = submit(bench, "b", 400)
    if way == "cancel":
        for at in range(0, 400, 200):
            bench.cancel(*gone[at : at + 200])
    else:
        after: int | None = 0
        while after is not None:
            after = bench.run(bench.operator.purge("main", secrets.token_hex(4), bench.now(), after, by=BY)).after
    submit(bench, "a", 20)
    submit(bench, "b", 5)
    # A key owes the step of its last job at most.
    assert kinds(bench, 11).count("b") == 5


def test_what_comes_back_from_a_worker_goes_first_and_is_not_charged_twice(bench: Bench) -> None:
    share(bench)
    submit(bench, "a", 10)
    submit(bench, "b", 10)
    leases = bench.claim(6).leases
    for lease in leases[3:]:
        bench.settle(lease, OutcomeKind.RELEASED)
    assert {bench.lease().job.id for _ in range(3)} == {lease.job.id for lease in leases[3:]}
    assert kinds(bench, 6).count("a") == 3
    bench.advance(LEASE_MS)
    bench.run(bench.maintainer.reap())
    assert {lease.job.id for lease in bench.claim(3).leases} <= {lease.job.id for lease in leases}


def test_retries_and_due_jobs_stand_in_line(bench: Bench) -> None:
    share(bench)
    submit(bench, "a", 60)
    for lease in bench.claim(20).leases:
        bench.fail(lease, delay_ms=1_000)
    submit(bench, "b", 20, scheduled_for=bench.now() + 1_000)
    bench.advance(2_000)
    taken = kinds(bench, 40)
    assert taken.count("b") == pytest.approx(20, abs=1)


def test_jobs_that_move_stand_in_line_where_they_come(bench: Bench) -> None:
    share(bench)
    share(bench, queue="other")
    moved = submit(bench, "a", 20)
    submit(bench, "b", 5, queue="other")
    bench.run(bench.operator.move(moved, "r", queue="other", by=BY))
    taken = [lease.job.kind for lease in bench.claim(10, ("other",)).leases]
    assert taken.count("b") == 5
    assert not any(key.startswith("main 2 a") for key in line_keys(bench))


def test_a_queue_with_jobs_becomes_fair_and_ends_to_be(bench: Bench) -> None:
    before = submit(bench, "a", 450) + submit(bench, "b", 5)
    share(bench)
    new = submit(bench, "c", 5)
    done = []
    while (number := bench.run(bench.maintainer.reshare())) > 0:
        done.append(number)
    assert max(done) <= 200
    assert kinds(bench, 15).count("b") == 5
    assert all(bench.get(job_id).status is Status.RUNNING for job_id in new)
    assert bench.run(RedisSharing([bench.keys]).drop("main"))
    later = submit(bench, "a", 1)
    while bench.run(bench.maintainer.reshare()):
        pass
    left = [job_id for job_id in before if bench.get(job_id).status is Status.QUEUED]
    assert bench.queue_ids() == left + later
    assert line_keys(bench) == set()
    assert bench.client.exists(bench.keys.named("fair")) == 0


def test_held_jobs_come_back_to_where_their_queue_has_them_now(bench: Bench) -> None:
    bench.run(RedisLimits([bench.keys]).put(Limit(name="a", concurrency=1)))
    submit(bench, "a", 4)
    first = bench.lease(limit=9)
    assert bench.claim(9).leases == ()
    share(bench)
    submit(bench, "b", 2)
    bench.settle(first)
    assert sorted(kinds(bench, 3)) == ["a", "b", "b"]


@pytest.mark.parametrize("by", [LimitBy.KIND, LimitBy.KEY])
def test_what_a_limit_holds_back_waits_all_the_same_and_puts_nobody_behind_it(bench: Bench, by: LimitBy) -> None:
    bench.run(RedisLimits([bench.keys]).put(Limit(by=by, name="a", concurrency=2)))
    share(bench)
    submit(bench, "a", 60, limit_key="large")
    # Nobody is left who could start, but they wait: the turns have not come to their end.
    running = list(bench.claim(10).leases)
    assert len(running) == 2
    submit(bench, "a", 4, limit_key="small")
    started = []
    while len(started) < 10:
        bench.settle(running.pop(0))
        running += bench.claim(1 if by is LimitBy.KEY else 10).leases
        started.append(running[-1].job.limit_key)
    assert started.count("small") == 4


def test_keys_of_a_kind_that_is_held_take_turns_while_those_of_the_queue_go_on_with_others(bench: Bench) -> None:
    limits = RedisLimits([bench.keys])
    bench.run(limits.put(Limit(name="a", concurrency=1)))
    share(bench, ("gold", 2))
    submit(bench, "a", 30, limit_key="large")
    running = bench.lease(limit=9)
    submit(bench, "free", 60)
    assert len(bench.claim(60).leases) == 60
    submit(bench, "a", 4, limit_key="small")
    submit(bench, "a", 8, limit_key="gold")
    started = ""
    while len(started) < 16:
        bench.settle(running)
        running = bench.lease(limit=9)
        started += (running.job.limit_key or "")[0]
    assert sorted(started) == sorted("l" * 4 + "s" * 4 + "g" * 8)
    bench.run(limits.drop("a"))
    assert len(bench.claim(99).leases) == 25
    assert line_keys(bench) <= {"main 2"}


def test_a_queue_that_becomes_fair_is_so_for_those_that_a_limit_holds_back_and_back_again(bench: Bench) -> None:
    bench.run(RedisLimits([bench.keys]).put(Limit(name="a", concurrency=1)))
    early = submit(bench, "a", 40, limit_key="large")
    running = bench.lease(limit=9)
    share(bench)
    submit(bench, "a", 3, limit_key="small")

    def started(number: int) -> list[Job]:
        nonlocal running
        found = []
        while bench.run(bench.maintainer.reshare()):
            pass
        for _ in range(number):
            bench.settle(running)
            running = bench.lease(limit=9)
            found.append(running.job)
        return found

    assert [job.limit_key for job in started(7)].count("small") == 3
    bench.run(RedisSharing([bench.keys]).drop("main"))
    late = submit(bench, "a", 3)
    assert [job.id for job in started(39 - 4 + 3)] == [*early[5:], *late]


def test_keys_are_forgotten_when_their_turns_are_over(bench: Bench) -> None:
    share(bench)
    for round_ in range(3):
        for number in range(100):
            submit(bench, f"k{round_}.{number}", 1)
        assert len(bench.claim(100).leases) == 100
    assert line_keys(bench) <= {"main 2"}
    while bench.run(bench.maintainer.reshare()):
        pass
    assert line_keys(bench) == set()


def test_what_is_damaged_shares_nothing_and_stops_nobody(bench: Bench) -> None:
    share(bench)
    bench.client.hset(bench.keys.named("fair"), mapping={"main": b"\xff{", "main 2": "nan", "x": b"\x93\x01\xa1a\xc0"})
    submit(bench, "a", 2)
    assert kinds(bench, 2) == "aa"
    assert bench.run(RedisSharing([bench.keys]).all()) == {}
    share(bench)
    submit(bench, "a", 2)
    assert kinds(bench, 2) == "aa"


@given(
    kinds=st.lists(st.sampled_from("abc"), min_size=2, max_size=25),
    weights=st.dictionaries(st.sampled_from("abc"), st.integers(1, 9), max_size=2),
    claimed=st.integers(0, 5),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_place_that_is_told_is_the_order_of_claims(
    bench: Bench, kinds: list[str], weights: dict[str, int], claimed: int
) -> None:
    queue = f"q{secrets.token_hex(4)}"
    share(bench, *weights.items(), queue=queue)
    waiting = {bench.submit(kind, queue=queue): kind for kind in kinds}
    claimed = min(claimed, len(kinds) - 1)
    for _ in range(claimed):
        (lease,) = bench.claim(queues=(queue,)).leases
        waiting.pop(lease.job.id)
    told = {job_id: bench.run(bench.inspector.explain(job_id)) for job_id in waiting}
    order = [bench.claim(queues=(queue,)).leases[0].job.id for _ in waiting]
    for place, job_id in enumerate(order):
        at = told[job_id]
        assert at is not None
        assert at.turn is not None
        same = [earlier for earlier in order[:place] if waiting[earlier] == waiting[job_id]]
        assert (at.ahead, at.turn.key, at.turn.own) == (place, waiting[job_id], len(same))
        assert at.turn.keys >= len(set(waiting.values()))
    assert set(order) == set(waiting)
