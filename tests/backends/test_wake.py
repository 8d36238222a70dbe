"""Hints: a waiter is woken by work, gives up without it, and is told when the store is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from jobs.backends.redis.channel import Channel
from jobs.backends.redis.connection import connect_to
from jobs.backends.redis.wake import MAX_WAIT_S, RedisWake
from jobs.domain.errors import BackendUnavailable
from tests.backends.caller import SOON_S
from tests.backends.relay import Relay
from tests.backends.servers import HOST
from tests.processes.running import free_port
from tests.stores import Bench


def play(url: str, bench: Bench, scenario: Callable[[RedisWake], Awaitable[None]]) -> None:
    """Run a scenario with a waiter at that address."""

    async def whole() -> None:
        dial = partial(connect_to, url, "wake", bench.keys.named("ids"))
        waiter = RedisWake(Channel(dial), bench.keys)
        try:
            await asyncio.wait_for(scenario(waiter), SOON_S)
        finally:
            waiter.close()

    asyncio.run(whole())


@pytest.fixture
def any_place(any_url: str) -> Bench:
    """Return a namespace on each kind of store in turn."""
    return Bench(url=any_url)


def test_a_hint_that_is_there_wakes_at_once_and_is_used_up(any_place: Bench) -> None:
    async def scenario(waiter: RedisWake) -> None:
        assert await waiter.wait(["b", "a"], 1.0)
        assert not await waiter.wait(["b", "a"], 0.01)

    with any_place as bench:
        bench.submit(queue="a")
        play(bench.url, bench, scenario)
        assert bench.hints("a") == 0
        assert bench.queue_ids("a")


def test_a_submission_wakes_who_waits(bench: Bench) -> None:
    async def scenario(waiter: RedisWake) -> None:
        waiting = asyncio.create_task(waiter.wait(["main"], MAX_WAIT_S))
        while not waiting.done():
            # Whether it comes before or during the wait: the hint stays until somebody takes it.
            await asyncio.to_thread(bench.submit)
        assert await waiting

    play(bench.url, bench, scenario)


def test_a_wait_ends_by_itself_within_a_poll_however_long_it_was_to_be(bench: Bench) -> None:
    async def scenario(waiter: RedisWake) -> None:
        assert not await waiter.wait(["main"], 3600)

    play(bench.url, bench, scenario)


@pytest.mark.parametrize("timeout_s", [0, -1, 0.0001])
def test_a_wait_of_no_time_is_no_wait_for_ever(bench: Bench, timeout_s: float) -> None:
    async def scenario(waiter: RedisWake) -> None:
        assert not await waiter.wait(["main"], timeout_s)

    play(bench.url, bench, scenario)


def test_hints_of_another_namespace_wake_nobody(bench: Bench) -> None:
    async def scenario(waiter: RedisWake) -> None:
        assert not await waiter.wait(["main"], 0.01)

    with Bench() as other:
        other.submit()
        play(bench.url, bench, scenario)
        assert other.hints() == 1


def test_a_store_that_is_away_is_told(bench: Bench) -> None:
    async def scenario(waiter: RedisWake) -> None:
        with pytest.raises(BackendUnavailable):
            await waiter.wait(["main"], 0.01)

    play(f"redis://{HOST}:{free_port()}", bench, scenario)


def test_a_store_that_falls_silent_is_told_and_the_next_wait_works(relay: Relay) -> None:
    async def scenario(waiter: RedisWake) -> None:
        assert not await waiter.wait(["main"], 0.01)
        relay.is_silent = True
        with pytest.raises(BackendUnavailable):
            await waiter.wait(["main"], 0.01)
        relay.is_silent = False
        await asyncio.to_thread(bench.submit)
        assert await waiter.wait(["main"], 1.0)

    with Bench(url=relay.url) as bench:
        play(relay.url, bench, scenario)


def test_closing_ends_a_wait(bench: Bench) -> None:
    async def scenario(waiter: RedisWake) -> None:
        await waiter.wait(["main"], 0.001)
        waiting = asyncio.create_task(waiter.wait(["main"], MAX_WAIT_S))
        await asyncio.sleep(0)
        waiter.close()
        with pytest.raises(BackendUnavailable):
            await waiting

    play(bench.url, bench, scenario)
