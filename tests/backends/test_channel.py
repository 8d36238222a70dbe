"""One connection for a whole event loop: many exchanges at once, each with its own answer."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import pytest

from jobs.backends.redis.channel import Channel
from jobs.backends.redis.connection import CALL_TIMEOUT_S, connect_to
from jobs.domain.errors import BackendUnavailable
from jobs.domain.job import Job
from tests.backends.caller import SOON_S
from tests.backends.relay import Relay
from tests.backends.servers import Server
from tests.stores import Bench

# What a busy machine may add, well below another such time.
LITTLE_S = 0.5
Scenario = Callable[[Channel], Awaitable[None]]


@pytest.fixture
def bench(spare: Server) -> Iterator[Bench]:
    with Bench(url=spare.url) as made:
        yield made


def play(relay: Relay, bench: Bench, scenario: Scenario) -> None:
    """Run a scenario on a channel through the relay."""

    async def whole() -> None:
        channel = Channel(partial(connect_to, relay.url, "channel", bench.keys.named("ids")))
        try:
            await asyncio.wait_for(scenario(channel), SOON_S)
        finally:
            channel.close()

    asyncio.run(whole())


def numbered(bench: Bench, count: int) -> list[str]:
    return [bench.submit(payload=str(number).encode()) for number in range(count)]


def number_of(job: Job | None) -> int:
    assert job is not None
    return int(job.payload or b"-1")


def test_many_calls_at_once_get_each_its_own_answer_over_one_connection(relay: Relay, bench: Bench) -> None:
    ids = numbered(bench, 50)

    async def scenario(channel: Channel) -> None:
        jobs = await asyncio.gather(*(channel.run(bench.inspector.get(job_id)) for job_id in ids))
        assert [number_of(job) for job in jobs] == list(range(50))

    play(relay, bench, scenario)
    assert relay.connections == 1


def test_who_stops_waiting_leaves_the_others_their_answers(relay: Relay, bench: Bench) -> None:
    ids = numbered(bench, 30)

    async def scenario(channel: Channel) -> None:
        await channel.run(bench.inspector.overview(0))
        tasks = [asyncio.create_task(channel.run(bench.inspector.get(job_id))) for job_id in ids]
        await asyncio.sleep(0)
        for task in tasks[::3]:
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        for number, answer in enumerate(answers):
            if number % 3:
                assert isinstance(answer, Job)
                assert number_of(answer) == number
            else:
                assert isinstance(answer, asyncio.CancelledError)
        assert number_of(await channel.run(bench.inspector.get(ids[7]))) == 7

    play(relay, bench, scenario)
    assert relay.connections == 1


def test_answers_larger_than_any_buffer_come_whole(relay: Relay, bench: Bench) -> None:
    sizes = [1, 65_535, 65_536, 65_537, 250_000]
    ids = [bench.submit(payload=b"1" * size) for size in sizes]

    async def scenario(channel: Channel) -> None:
        jobs = await channel.run_many([bench.inspector.get(job_id) for job_id in ids])
        assert [len(job.payload or b"") for job in jobs if job] == sizes

    play(relay, bench, scenario)


def test_requests_larger_than_the_socket_takes_arrive_whole(relay: Relay, bench: Bench) -> None:
    async def scenario(channel: Channel) -> None:
        calls = [bench.operator.pause(f"q{number}", by="t", reason="x" * 2_000_000) for number in range(4)]
        await asyncio.gather(*(channel.run(call) for call in calls))

    play(relay, bench, scenario)
    pauses = [stats.pause for stats in bench.run(bench.inspector.overview(0)).queues]
    assert [len(pause.reason) for pause in pauses if pause] == [2_000_000] * 4


def test_silence_is_given_up_by_all_who_wait_and_the_next_call_connects_anew(relay: Relay, bench: Bench) -> None:
    async def scenario(channel: Channel) -> None:
        await channel.run(bench.inspector.overview(0))
        relay.is_silent = True
        calls = (channel.run(bench.inspector.overview(0)) for _ in range(3))
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(answer) for answer in answers] == [BackendUnavailable] * 3
        relay.is_silent = False
        assert (await channel.run(bench.inspector.overview(0))).queues == ()

    play(relay, bench, scenario)


async def asks_until_told_of_silence(channel: Channel, bench: Bench) -> float:
    """Keep a connection busy, as a worker or a server does; return how long its silence was not noticed (s)."""
    began = time.monotonic()
    tasks: list[asyncio.Task[object]] = []
    while not any(task.done() for task in tasks):
        tasks.append(asyncio.create_task(channel.run(bench.inspector.overview(0))))
        await asyncio.sleep(0.02)
    took_s = time.monotonic() - began
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(answer) for answer in answers} == {BackendUnavailable}
    return took_s


def test_a_silent_store_is_noticed_in_the_time_of_one_call_however_much_is_asked_meanwhile(
    relay: Relay, bench: Bench
) -> None:
    async def scenario(channel: Channel) -> None:
        await channel.run(bench.inspector.overview(0))
        relay.is_silent = True
        assert await asks_until_told_of_silence(channel, bench) < CALL_TIMEOUT_S + LITTLE_S
        relay.is_silent = False

    play(relay, bench, scenario)


def test_a_store_that_is_held_still_is_noticed_as_soon(relay: Relay, bench: Bench, spare: Server) -> None:
    async def scenario(channel: Channel) -> None:
        await channel.run(bench.inspector.overview(0))
        os.kill(spare.process.pid, signal.SIGSTOP)
        try:
            assert await asks_until_told_of_silence(channel, bench) < CALL_TIMEOUT_S + LITTLE_S
        finally:
            os.kill(spare.process.pid, signal.SIGCONT)

    play(relay, bench, scenario)


def test_a_large_request_that_is_taken_in_slowly_is_no_silence(relay: Relay, bench: Bench) -> None:
    async def scenario(channel: Channel) -> None:
        await channel.run(bench.inspector.overview(0))
        # The sender waits with full buffers for longer than a call may take. What lies in them at the end says nothing
        # of whether it is taken, so that goes quickly.
        relay.pause_s = 0.008
        asyncio.get_running_loop().call_later(2.2 * CALL_TIMEOUT_S, setattr, relay, "pause_s", 0.0)
        began = time.monotonic()
        await channel.run(bench.operator.pause("main", by="t", reason="x" * 24_000_000))
        assert time.monotonic() - began > 2 * CALL_TIMEOUT_S

    play(relay, bench, scenario)


def test_closing_tells_who_waits_and_a_closed_channel_connects_again(relay: Relay, bench: Bench) -> None:
    async def scenario(channel: Channel) -> None:
        waiting = asyncio.create_task(
            channel.run_after_pop([bench.keys.wake("main")], 1.0, bench.inspector.overview(0))
        )
        while not relay.connections:
            await asyncio.sleep(0)
        await channel.run_many([])
        channel.close()
        channel.close()
        assert isinstance(await asyncio.gather(waiting, return_exceptions=True), list)
        assert (await channel.run(bench.inspector.overview(0))).queues == ()

    play(relay, bench, scenario)


def test_one_refused_call_of_several_refuses_them_all_and_shifts_nothing(relay: Relay, bench: Bench) -> None:
    ids = numbered(bench, 3)

    async def scenario(channel: Channel) -> None:
        await channel.run(bench.inspector.overview(0))
        bench.client.config_set("maxmemory", 1)
        look = [bench.inspector.get(job_id) for job_id in ids]
        with pytest.raises(BackendUnavailable) as refusal:
            await channel.run_many([look[0], bench.producer.submit([]), look[1]])  # type: ignore[list-item]
        assert refusal.value.code == "queue_full"
        bench.client.config_set("maxmemory", 0)
        assert [number_of(job) for job in await channel.run_many(look)] == [0, 1, 2]

    try:
        play(relay, bench, scenario)
    finally:
        bench.client.config_set("maxmemory", 0)
    assert relay.connections == 1


def test_a_store_that_is_away_is_unavailable_for_all_who_ask(bench: Bench) -> None:
    async def scenario() -> None:
        channel = Channel(partial(connect_to, "unix:///does/not/exist.sock", "channel", "k"))
        calls = (channel.run(bench.inspector.overview(0)) for _ in range(3))
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(answer) for answer in answers] == [BackendUnavailable] * 3

    asyncio.run(scenario())
