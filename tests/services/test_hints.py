"""Hints for polls: heard for all on one connection, handed on when they find nobody, made anew when they are lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import pytest

from jobs import wiring
from jobs.backends.call import AsyncRunner, Call
from jobs.backends.redis import wake as wake_module
from jobs.backends.redis.backend import RedisBackend
from jobs.services import hints as hints_module
from jobs.services.hints import Hints, Listener, Waiter
from tests.stores import Bench

pytestmark = pytest.mark.usefixtures("patient_calls")

T = TypeVar("T")
Story = Callable[[Hints], Awaitable[None]]


def tell(story: Story) -> None:
    """Run a story on an event loop of its own."""

    async def whole() -> None:
        channel = wiring.channel("test", "default")

        def runner_of(namespace: str, shard: int) -> AsyncRunner:
            return channel

        hints = Hints(RedisBackend(), runner_of, wiring.wake)
        try:
            async with asyncio.timeout(90):
                await story(hints)
        finally:
            for task in hints._tasks:
                task.cancel()
            await asyncio.gather(*hints._tasks, return_exceptions=True)
            channel.close()

    asyncio.run(whole())


def waiter(listener: Listener, *queues: str) -> Waiter:
    """Return a poll that waits for these queues."""
    made = Waiter(queues or ("main",), asyncio.get_running_loop().create_future())
    listener.enter(made)
    return made


async def listening(listener: Listener, *queues: str) -> None:
    """Return when hints of these queues are heard."""
    while not set(queues) <= listener._listens_for:
        await asyncio.sleep(0.001)


async def told(found: Waiter) -> None:
    assert await found.told == 0


def looks_again_within_a_poll(listener: Listener) -> bool:
    return listener._look_at - asyncio.get_running_loop().time() <= hints_module.POLL_S


def test_who_waits_longest_is_told_and_the_next_of_what_is_left(bench: Bench) -> None:
    async def story(hints: Hints) -> None:
        listener = hints.at((bench.namespace, 0))
        first, other, second = waiter(listener), waiter(listener, "other"), waiter(listener)
        await listening(listener, "main", "other")
        bench.submit()
        await told(first)
        assert not second.told.done()
        listener.leave(first)
        listener.pass_on(["main"])
        await told(second)
        assert not other.told.done()

    tell(story)


def test_a_queue_that_is_new_is_heard_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    # By then whoever only waited for its next poll would not have heard of it.
    monkeypatch.setattr(hints_module, "POLL_S", 3600.0)
    monkeypatch.setattr(wake_module, "MAX_WAIT_S", 3600.0)

    async def story(hints: Hints) -> None:
        listener = hints.at((bench.namespace, 0))
        waiter(listener)
        await listening(listener, "main")
        new = waiter(listener, "new")
        await listening(listener, "new")
        bench.submit(queue="new")
        await told(new)

    tell(story)


def test_a_hint_that_finds_nobody_is_made_anew(bench: Bench) -> None:
    async def story(hints: Hints) -> None:
        listener = hints.at((bench.namespace, 0))
        gone = waiter(listener)
        await listening(listener, "main")
        listener.leave(gone)
        bench.submit()
        while bench.hints() != 1:
            await asyncio.sleep(0.01)
        await told(waiter(listener))

    tell(story)


def test_a_hint_that_is_lost_costs_a_poll_at_most(bench: Bench) -> None:
    async def story(hints: Hints) -> None:
        listener = hints.at((bench.namespace, 0))
        bench.submit()
        bench.client.delete(bench.keys.wake("main"))
        listener._look_at = asyncio.get_running_loop().time() + hints_module.POLL_S
        await told(waiter(listener))
        assert looks_again_within_a_poll(listener)

    tell(story)


def test_beyond_the_bound_of_connections_polls_look_themselves(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(hints: Hints) -> None:
        listener = hints.at((bench.namespace, 0))
        assert not listener.has_connection
        await told(waiter(listener))
        assert looks_again_within_a_poll(listener)

    monkeypatch.setattr(hints_module, "MAX_LISTENERS", 0)
    tell(story)


def test_a_listener_that_nobody_needs_gives_its_connection_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(hints: Hints) -> None:
        listener = hints.at((bench.namespace, 0))
        found = waiter(listener)
        bench.submit()
        await told(found)
        listener.leave(found)
        while hints._listeners:
            await asyncio.sleep(0.01)
        assert hints.at((bench.namespace, 0)) is not listener

    monkeypatch.setattr(hints_module, "_LINGER_S", 0.05)
    tell(story)


def test_a_lost_connection_costs_nobody_the_wait(bench: Bench) -> None:
    async def story(hints: Hints) -> None:
        listener = hints.at((bench.namespace, 0))
        found = waiter(listener)
        await listening(listener, "main")
        assert listener._wake is not None
        listener._wake.close()
        bench.submit()
        await told(found)

    tell(story)


def test_many_names_are_asked_about_a_few_at_a_time_and_none_is_forgotten(bench: Bench) -> None:
    """One call that named all of them held the store up for seconds."""
    asked: list[tuple[str, int]] = []

    class Noting:
        def __init__(self, runner: AsyncRunner) -> None:
            self._runner = runner

        async def run(self, call: Call[T]) -> T:
            names = len(msgspec.msgpack.decode(call.args[5])) if call.script == "claim" else 0  # type: ignore[arg-type]
            asked.append((call.script, names))
            return await self._runner.run(call)

    async def story(hints: Hints) -> None:
        make = hints._runner_of
        hints._runner_of = lambda *place: Noting(make(*place))  # type: ignore[assignment,return-value]
        listener = hints.at((bench.namespace, 0))
        waiters = [waiter(listener, *(f"q{number}-{name}" for name in range(64))) for number in range(16)]
        await listening(listener, "q15-63")
        assert sum(script == "rouse" for script, _ in asked) <= 2
        for number in (3, 15):
            bench.submit(queue=f"q{number}-{number}")
            await told(waiters[number])
            listener.leave(waiters[number])
        looks = [names for script, names in asked if script == "claim"]
        assert max(looks) == hints_module.NAMES_A_LOOK
        assert len([names for names in looks if names]) >= 16

    tell(story)


def test_where_polls_look_themselves_not_all_of_many_do_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(hints: Hints) -> None:
        listener = hints.at((bench.namespace, 0))
        first, second = waiter(listener, "a", "b"), waiter(listener, "c")
        await told(first)
        assert not second.told.done()
        listener.leave(first)
        waiter(listener, "a", "b")
        await told(second)

    monkeypatch.setattr(hints_module, "MAX_LISTENERS", 0)
    monkeypatch.setattr(hints_module, "_NAMES_A_TURN", 2)
    tell(story)
