"""One connection for a whole event loop: many exchanges at once, each with its own answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import pytest

from jobs.backends.overview import Overview
from jobs.backends.redis.channel import Channel
from jobs.backends.redis.connection import CALL_TIMEOUT_S, connect_to
from jobs.domain.errors import BackendUnavailable
from jobs.domain.job import Job
from tests.backends.caller import SOON_S
from tests.backends.relay import Relay
from tests.backends.servers import Server
from tests.stores import Bench

# What a busy machine may add, well below another such time; and what one turn of its loop may count for.
LITTLE_S, TURN_S = 0.5, 0.1
TRIES = 4
Scenario = Callable[[Channel], Awaitable[None]]


@pytest.fixture
def bench(spare: Server) -> Iterator[Bench]:
    with Bench(url=spare.url) as made:
        yield made


@pytest.fixture
def patient(spare: Server, patience: None) -> Iterator[Relay]:
    """Return a relay whose channel waits for as long as a busy machine needs."""
    with Relay(spare.port) as made:
        yield made


def play(relay: Relay, bench: Bench, scenario: Scenario) -> None:
    """Run a scenario on a channel through the relay."""

    async def whole() -> None:
        channel = Channel(partial(connect_to, relay.url, "channel", bench.keys.named("pages")))
        try:
            # On a busy machine connecting may take longer than a call may.
            await asyncio.wait_for(answered(channel, bench), SOON_S)
            await asyncio.wait_for(scenario(channel), SOON_S)
        finally:
            channel.close()

    asyncio.run(whole())


async def answered(channel: Channel, bench: Bench) -> Overview:
    """Ask until there is an answer: who asks while a connection is still being made in vain is refused with it."""
    while True:
        with contextlib.suppress(BackendUnavailable):
            return await channel.run(bench.inspector.overview(0))


def numbered(bench: Bench, count: int) -> list[str]:
    return [bench.submit(payload=str(number).encode()) for number in range(count)]


def number_of(job: Job | None) -> int:
    assert job is not None
    return int(job.payload or b"-1")


def test_many_calls_at_once_get_each_its_own_answer_over_one_connection(patient: Relay, bench: Bench) -> None:
    ids = numbered(bench, 50)

    async def scenario(channel: Channel) -> None:
        jobs = await asyncio.gather(*(channel.run(bench.inspector.get(job_id)) for job_id in ids))
        assert [number_of(job) for job in jobs] == list(range(50))

    play(patient, bench, scenario)
    assert patient.connections == 1


def test_who_stops_waiting_leaves_the_others_their_answers(patient: Relay, bench: Bench) -> None:
    ids = numbered(bench, 30)

    async def scenario(channel: Channel) -> None:
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

    play(patient, bench, scenario)
    assert patient.connections == 1


def test_answers_larger_than_any_buffer_come_whole(patient: Relay, bench: Bench) -> None:
    sizes = [1, 65_535, 65_536, 65_537, 250_000]
    ids = [bench.submit(payload=b"1" * size) for size in sizes]

    async def scenario(channel: Channel) -> None:
        jobs = await channel.run_many([bench.inspector.get(job_id) for job_id in ids])
        assert [len(job.payload or b"") for job in jobs if job] == sizes

    play(patient, bench, scenario)


def test_requests_larger_than_the_socket_takes_arrive_whole(patient: Relay, bench: Bench) -> None:
    async def scenario(channel: Channel) -> None:
        calls = [bench.operator.pause(f"q{number}", by="t", reason="x" * 2_000_000) for number in range(4)]
        await asyncio.gather(*(channel.run(call) for call in calls))

    play(patient, bench, scenario)
    pauses = [stats.pause for stats in bench.run(bench.inspector.overview(0)).queues]
    assert [len(pause.reason) for pause in pauses if pause] == [2_000_000] * 4


def test_silence_is_given_up_by_all_who_wait_and_who_comes_later_connects_anew(relay: Relay, bench: Bench) -> None:
    async def scenario(channel: Channel) -> None:
        relay.is_silent = True
        calls = (channel.run(bench.inspector.overview(0)) for _ in range(3))
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(answer) for answer in answers] == [BackendUnavailable] * 3
        relay.is_silent = False
        assert (await answered(channel, bench)).queues == ()

    play(relay, bench, scenario)


async def asks_until_told_of_silence(channel: Channel, bench: Bench) -> float:
    """Keep a connection busy, as a worker or a server does; return how long its silence was not noticed (s).

    A turn in which the machine stood still counts for little: nothing could be noticed in it.
    """
    took_s = 0.0
    tasks: list[asyncio.Task[object]] = []
    while not any(task.done() for task in tasks):
        began = time.monotonic()
        tasks.append(asyncio.create_task(channel.run(bench.inspector.overview(0))))
        await asyncio.sleep(0.02)
        took_s += min(time.monotonic() - began, TURN_S)
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(answer) for answer in answers} == {BackendUnavailable}
    return took_s


def test_a_silent_store_is_noticed_in_the_time_of_one_call_however_much_is_asked_meanwhile(
    relay: Relay, bench: Bench
) -> None:
    async def scenario(channel: Channel) -> None:
        relay.is_silent = True
        assert await asks_until_told_of_silence(channel, bench) < CALL_TIMEOUT_S + LITTLE_S
        relay.is_silent = False

    play(relay, bench, scenario)


def test_a_store_that_is_held_still_is_noticed_as_soon(relay: Relay, bench: Bench, spare: Server) -> None:
    async def scenario(channel: Channel) -> None:
        os.kill(spare.process.pid, signal.SIGSTOP)
        try:
            assert await asks_until_told_of_silence(channel, bench) < CALL_TIMEOUT_S + LITTLE_S
        finally:
            os.kill(spare.process.pid, signal.SIGCONT)

    play(relay, bench, scenario)


async def is_taken_in_slowly(channel: Channel, relay: Relay, bench: Bench) -> bool:
    """Send a large request to one who takes it in slowly; return whether it was answered, not taken for silence."""
    # The sender waits with full buffers for longer than a call may take. What lies in them at the end says nothing of
    # whether it is taken, so that goes quickly.
    relay.pause_s = 0.008
    quickly = asyncio.get_running_loop().call_later(2.2 * CALL_TIMEOUT_S, setattr, relay, "pause_s", 0.0)
    began = time.monotonic()
    try:
        await channel.run(bench.operator.pause("main", by="t", reason="x" * 24_000_000))
    except BackendUnavailable:
        return False
    finally:
        quickly.cancel()
    assert time.monotonic() - began > 2 * CALL_TIMEOUT_S
    return True


def test_a_large_request_that_is_taken_in_slowly_is_no_silence(relay: Relay, bench: Bench) -> None:
    async def scenario(channel: Channel) -> None:
        # A machine that stands still in the midst of it makes a true silence of one or another.
        for _ in range(TRIES):
            if await is_taken_in_slowly(channel, relay, bench):
                return
        raise AssertionError

    play(relay, bench, scenario)


def test_closing_tells_who_waits_and_a_closed_channel_connects_again(patient: Relay, bench: Bench) -> None:
    async def scenario(channel: Channel) -> None:
        waiting = asyncio.create_task(
            channel.run_after_pop([bench.keys.wake("main")], 1.0, bench.inspector.overview(0))
        )
        while not patient.connections:
            await asyncio.sleep(0)
        await channel.run_many([])
        channel.close()
        channel.close()
        assert isinstance(await asyncio.gather(waiting, return_exceptions=True), list)
        assert (await answered(channel, bench)).queues == ()

    play(patient, bench, scenario)


def test_one_refused_call_of_several_refuses_them_all_and_shifts_nothing(patient: Relay, bench: Bench) -> None:
    ids = numbered(bench, 3)

    async def scenario(channel: Channel) -> None:
        bench.client.config_set("maxmemory", 1)
        look = [bench.inspector.get(job_id) for job_id in ids]
        with pytest.raises(BackendUnavailable) as refusal:
            await channel.run_many([look[0], bench.producer.submit([]), look[1]])  # type: ignore[list-item]
        assert refusal.value.code == "queue_full"
        bench.client.config_set("maxmemory", 0)
        assert [number_of(job) for job in await channel.run_many(look)] == [0, 1, 2]

    try:
        play(patient, bench, scenario)
    finally:
        bench.client.config_set("maxmemory", 0)
    assert patient.connections == 1


def test_a_store_that_is_away_is_unavailable_for_all_who_ask(bench: Bench) -> None:
    async def scenario() -> None:
        channel = Channel(partial(connect_to, "unix:///does/not/exist.sock", "channel", "k"))
        calls = (channel.run(bench.inspector.overview(0)) for _ in range(3))
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(answer) for answer in answers] == [BackendUnavailable] * 3

    asyncio.run(scenario())
