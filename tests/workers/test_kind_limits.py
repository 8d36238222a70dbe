"""Handlers say how many of their kind may run: all workers keep to it, and it ends with the handler's word."""

from __future__ import annotations

import asyncio

import pytest

from jobs.backends.redis.limits import RedisLimits
from jobs.domain.backoff import Backoff
from jobs.domain.circuit import CircuitState
from jobs.domain.job import JobSpec
from jobs.domain.limit import CODE, Limit
from jobs.domain.status import Status
from tests.stores import Bench
from tests.waiting import until
from tests.workers.test_worker import working
from workers import Circuit, Context, Rate, RetryBudget, handler
from workers.registry import HandlerError, Registry


class Narrow:
    """A kind of which two may run at once, and who was seen to."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.registry = Registry()

        @handler("narrow", concurrency=2, rate=Rate(1_000), into=self.registry)
        async def narrow(context: Context, payload: object) -> None:
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.005)
            self.now -= 1

        @handler("wide", into=self.registry)
        async def wide(context: Context, payload: object) -> None:
            return None


def all_completed(bench: Bench, number: int) -> bool:
    return bench.depth(Status.COMPLETED) == number


def test_two_workers_together_keep_to_the_limit_of_a_handler(bench: Bench) -> None:
    bench.submit_all([JobSpec(kind=kind) for kind in ("narrow", "wide") * 40])
    narrow = Narrow()
    with working(bench, narrow.registry, concurrency=8), working(bench, narrow.registry, concurrency=8):
        until(lambda: all_completed(bench, 80))
    assert narrow.most == 2
    (use,) = bench.run(RedisLimits([bench.keys]).all())
    assert (use.limit.concurrency, use.limit.rate, use.limit.set_by) == (2, Rate(1_000), CODE)
    assert (use.running, use.held) == (0, 0)


def test_what_an_operator_set_stands_and_what_no_handler_says_any_more_goes(bench: Bench, registry: Registry) -> None:
    limits = RedisLimits([bench.keys])
    mine = Limit(name="echo", concurrency=7, set_by="user:ada")
    bench.run(limits.put(mine))
    bench.run(limits.put(Limit(name="thread", concurrency=1, set_by=CODE)))
    bench.run(limits.put(Limit(name="elsewhere", concurrency=1, set_by=CODE)))
    with working(bench, registry):
        until(lambda: [use.limit.name for use in bench.run(limits.all())] == ["echo", "elsewhere"])
    assert bench.run(limits.all())[0].limit == mine


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"concurrency": 0}, "concurrency"),
        ({"rate": Rate(0)}, "starts"),
        ({"circuit": Circuit(percent=0)}, "percent"),
        ({"retry_budget": RetryBudget(window_ms=1)}, "window_ms"),
    ],
)
def test_a_limit_that_makes_no_sense_ends_the_start(fields: dict[str, object], told: str) -> None:
    with pytest.raises(HandlerError, match=told):
        handler("k", into=Registry(), **fields)(lambda context, payload: None)  # type: ignore[arg-type]


class Fragile:
    """A kind that fails until what it depends on is mended, and how often it was tried."""

    def __init__(self) -> None:
        self.tries = 0
        self.is_mended = False
        self.registry = Registry()

        @handler("fragile", circuit=Circuit(50, 5, 60_000, 500, 1_000, 1), into=self.registry)
        async def fragile(context: Context, payload: object) -> None:
            self.tries += 1
            if not self.is_mended:
                raise ConnectionError("the relay is away")

        @handler("other", into=self.registry)
        async def other(context: Context, payload: object) -> None:
            return None


def test_a_kind_that_fails_is_left_alone_and_comes_back_by_itself(bench: Bench) -> None:
    quick = Backoff(1, 1)
    bench.submit_all([JobSpec(kind="fragile", max_retries=100, backoff=quick) for _ in range(30)])
    fragile = Fragile()
    limits = RedisLimits([bench.keys])

    def state() -> CircuitState | None:
        (use,) = bench.run(limits.of(kind="fragile"))
        return use.circuit and use.circuit.state

    began_at = bench.now()
    with working(bench, fragile.registry, concurrency=3):
        until(lambda: bench.run(limits.of(kind="fragile")) != [] and state() is CircuitState.OPEN)
        # Without a circuit thirty jobs of a back-off of 1 ms are tried hundreds of times in this while.
        bench.submit_all([JobSpec(kind="other") for _ in range(50)])
        until(lambda: all_completed(bench, 50))
        opened_at = bench.now()
        until(lambda: bench.now() > opened_at + 2_000)
        # Five opened it, those that ran beside them ended, and each cool-down let one more try.
        assert fragile.tries <= 5 + 3 + (bench.now() - began_at) // 500 + 2
        fragile.is_mended = True
        until(lambda: all_completed(bench, 80))
        assert state() is CircuitState.CLOSED
