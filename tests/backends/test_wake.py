"""Hints: a call that waits for one is carried out when there is work, after its time without, and once."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from jobs.backends.call import Call
from jobs.backends.redis.channel import Channel
from jobs.backends.redis.connection import connect_to
from jobs.backends.redis.wake import MAX_WAIT_S, RedisWake
from jobs.domain.errors import BackendUnavailable
from jobs.domain.lease import Claim
from tests.backends.caller import SOON_S
from tests.backends.relay import Relay
from tests.backends.servers import HOST, UNHEARD_PORT
from tests.patience import as_a_server
from tests.stores import LEASE_MS, Bench


@pytest.fixture(autouse=True)
def _patience(patience: None) -> None:
    """Wait for a store that is slow."""


def play(url: str, bench: Bench, scenario: Callable[[RedisWake], Awaitable[None]]) -> None:
    """Run a scenario with a waiter at that address."""

    async def whole() -> None:
        dial = partial(connect_to, url, "wake", bench.keys.named("pages"))
        waiter = RedisWake(Channel(dial, has_test_clock=True), bench.keys)
        try:
            await asyncio.wait_for(scenario(waiter), SOON_S)
        finally:
            waiter.close()

    asyncio.run(whole())


def claim(bench: Bench, *queues: str) -> Call[Claim]:
    """Return a claim of one job, later than all before."""
    bench.seq += 1
    return bench.consumer.claim(
        queues or ("main",), "w1", seq=bench.seq, token=secrets.token_hex(16), limit=1, lease_ms=LEASE_MS,
        manner="waited",
    )  # fmt: skip


@pytest.fixture
def any_place(any_url: str) -> Bench:
    """Return a namespace on each kind of store in turn."""
    return Bench(url=any_url)


def test_a_hint_that_is_there_is_used_up_and_the_claim_behind_it_brings_the_job(any_place: Bench) -> None:
    async def scenario(waiter: RedisWake) -> None:
        is_woken, claimed = await waiter.wait(["b", "a"], 1.0, claim(bench, "b", "a"))
        assert (is_woken, [lease.job.id for lease in claimed.leases]) == (True, [job_id])
        is_woken, claimed = await waiter.wait(["b", "a"], 0.01, claim(bench, "b", "a"))
        assert (is_woken, claimed.leases) == (False, ())

    with any_place as bench:
        job_id = bench.submit(queue="a")
        play(bench.url, bench, scenario)
        assert bench.hints("a") == 0


def test_a_submission_wakes_who_waits_and_is_claimed_without_another_request(any_place: Bench) -> None:
    async def scenario(waiter: RedisWake) -> None:
        is_woken = False
        while not is_woken:
            waiting = asyncio.create_task(waiter.wait(["main"], MAX_WAIT_S, claim(bench)))
            # Whether it comes before or during the wait: the hint stays until somebody takes it. On a busy machine the
            # wait may be over before there is any.
            await asyncio.to_thread(bench.submit)
            is_woken, claimed = await waiting
        assert len(claimed.leases) == 1

    with any_place as bench:
        play(bench.url, bench, scenario)


def test_of_several_who_wait_one_submission_wakes_one(bench: Bench) -> None:
    async def scenario(waiter: RedisWake) -> None:
        dial = partial(connect_to, bench.url, "wake", bench.keys.named("pages"))
        other = RedisWake(Channel(dial, has_test_clock=True), bench.keys)
        waits = [asyncio.create_task(each.wait(["main"], MAX_WAIT_S, claim(bench))) for each in (waiter, other)]
        await asyncio.to_thread(bench.submit)
        answers = await asyncio.gather(*waits)
        other.close()
        # None, when both waits were over first, on a busy machine: then the hint is still there.
        found = sorted(len(claimed.leases) for _, claimed in answers)
        assert found == [0, 1] or (found == [0, 0] and bench.hints() == 1)

    play(bench.url, bench, scenario)


def test_a_job_that_is_ready_without_a_hint_is_found_when_the_wait_is_over(bench: Bench) -> None:
    async def scenario(waiter: RedisWake) -> None:
        is_woken, claimed = await waiter.wait(["main"], 0.01, claim(bench))
        assert (is_woken, len(claimed.leases)) == (False, 1)

    bench.submit()
    bench.client.delete(bench.keys.wake("main"))
    play(bench.url, bench, scenario)


def test_a_wait_ends_by_itself_within_a_poll_however_long_it_was_to_be(bench: Bench) -> None:
    async def scenario(waiter: RedisWake) -> None:
        is_woken, _ = await waiter.wait(["main"], 3600, claim(bench))
        assert not is_woken

    play(bench.url, bench, scenario)


@pytest.mark.parametrize("timeout_s", [0, -1, 0.0001])
def test_a_wait_of_no_time_is_no_wait_for_ever(bench: Bench, timeout_s: float) -> None:
    async def scenario(waiter: RedisWake) -> None:
        is_woken, _ = await waiter.wait(["main"], timeout_s, claim(bench))
        assert not is_woken

    play(bench.url, bench, scenario)


def test_hints_of_another_namespace_wake_nobody(bench: Bench) -> None:
    async def scenario(waiter: RedisWake) -> None:
        is_woken, _ = await waiter.wait(["main"], 0.01, claim(bench))
        assert not is_woken

    with Bench() as other:
        other.submit()
        play(bench.url, bench, scenario)
        assert other.hints() == 1


def test_a_store_that_has_forgotten_its_scripts_is_told_them(bench: Bench) -> None:
    async def scenario(waiter: RedisWake) -> None:
        bench.client.script_flush()
        is_woken, claimed = await waiter.wait(["main"], 1.0, claim(bench))
        assert (is_woken, len(claimed.leases)) == (True, 1)

    bench.submit()
    play(bench.url, bench, scenario)


def test_a_store_that_is_away_is_told(bench: Bench) -> None:
    async def scenario(waiter: RedisWake) -> None:
        with pytest.raises(BackendUnavailable):
            await waiter.wait(["main"], 0.01, claim(bench))

    play(f"redis://{HOST}:{UNHEARD_PORT}", bench, scenario)


def test_a_store_that_falls_silent_is_told_and_the_next_wait_works(relay: Relay) -> None:
    async def scenario(waiter: RedisWake) -> None:
        await waiter.wait(["main"], 0.01, claim(bench))
        relay.is_silent = True
        with as_a_server(), pytest.raises(BackendUnavailable):
            await waiter.wait(["main"], 0.01, claim(bench))
        relay.is_silent = False
        await asyncio.to_thread(bench.submit)
        is_woken, claimed = await waiter.wait(["main"], 1.0, claim(bench))
        assert (is_woken, len(claimed.leases)) == (True, 1)

    with Bench(url=relay.url) as bench:
        play(relay.url, bench, scenario)


def test_a_lost_answer_is_not_asked_for_a_second_time(relay: Relay) -> None:
    async def scenario(waiter: RedisWake) -> None:
        await waiter.wait(["main"], 0.01, claim(bench))
        relay.lose_replies(1)
        scripts = relay.scripts
        with pytest.raises(BackendUnavailable):
            await waiter.wait(["main"], 0.01, claim(bench))
        assert relay.scripts == scripts + 1

    with Bench(url=relay.url) as bench:
        play(relay.url, bench, scenario)


def test_closing_ends_a_wait_and_its_call_is_never_carried_out(bench: Bench) -> None:
    async def scenario(waiter: RedisWake) -> None:
        await waiter.wait(["main"], 0.001, claim(bench))
        waiting = asyncio.create_task(waiter.wait(["main"], MAX_WAIT_S, claim(bench)))
        await asyncio.sleep(0)
        waiter.close()
        with pytest.raises(BackendUnavailable):
            await waiting
        await asyncio.to_thread(bench.submit)

    play(bench.url, bench, scenario)
    assert (bench.hints(), len(bench.queue_ids())) == (1, 1)


def test_who_hears_hints_learns_of_which_queue_and_can_be_roused(any_place: Bench) -> None:
    async def scenario(waiter: RedisWake) -> None:
        assert await waiter.hear(["~me", "a", "b"], 0.01) is None
        bench.submit(queue="b")
        assert await waiter.hear(["~me", "a", "b"], MAX_WAIT_S) == "b"
        assert bench.hints("b") == 0
        hearing = asyncio.create_task(waiter.hear(["~me", "a"], MAX_WAIT_S))
        for _ in range(2):
            bench.run(bench.consumer.rouse("~me"))
        assert await hearing == "~me"

    with any_place as bench:
        play(bench.url, bench, scenario)
