"""One attempt, with real handlers on a real event loop and in real threads."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind, Settlement
from tests.workers.leases import handler_of, lease
from tests.workers.silent import Silent
from workers import Context
from workers.context import StopMark
from workers.ending import Ending, StopReason
from workers.execution import Execution, prepared
from workers.registry import HandlerFunction, Registry

# Far more than anything here takes, on a machine that stands still now and then too.
SOON_S = 30.0


class Attempt:
    """Runs one handler and keeps what it told."""

    def __init__(self, function: HandlerFunction, made: Lease, **limits: object) -> None:
        self.told: list[Settlement | None] = []
        self.is_told = asyncio.Event()
        self.is_free = asyncio.Event()
        self.stop = StopMark(time.monotonic() + 60)
        self.threads = ThreadPoolExecutor(2)
        self.execution = Execution(
            made, handler_of(function, **limits), self.stop, self._told, self._freed, reports=Silent()
        )
        if self.execution.handler.isolation == "thread":
            self.execution.start_in_thread(None, self.threads)
        else:
            self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        if self.execution.begin(None):
            await self.execution.go_on()

    def _told(self, execution: Execution, ending: Ending, settlement: Settlement | None) -> None:
        self.told.append(settlement)
        self.is_told.set()

    def _freed(self, execution: Execution) -> None:
        self.is_free.set()

    async def outcome(self) -> Settlement | None:
        await asyncio.wait_for(self.is_told.wait(), SOON_S)
        return self.told[0]


async def endless(context: Context, payload: object) -> None:
    await asyncio.Event().wait()


def test_an_async_handler_is_cancelled_at_its_time_limit() -> None:
    async def scenario() -> None:
        attempt = Attempt(endless, lease(timeout_ms=20))
        made = await attempt.outcome()
        assert made is not None
        assert made.error is not None
        assert (made.outcome, made.error.type) == (OutcomeKind.FAILED, "timeout")
        await asyncio.wait_for(attempt.is_free.wait(), SOON_S)
        assert attempt.stop.is_stopped()

    asyncio.run(scenario())


def test_a_thread_past_its_limit_is_settled_at_once_but_keeps_its_slot() -> None:
    release = threading.Event()
    seen: list[bool] = []

    def stubborn(context: Context, payload: object) -> int:
        release.wait(SOON_S)
        seen.append(context.is_cancelled)
        return 1

    async def scenario() -> None:
        attempt = Attempt(stubborn, lease(), timeout_ms=20)
        made = await attempt.outcome()
        assert made is not None
        assert made.error is not None
        assert made.error.type == "timeout"
        assert not attempt.is_free.is_set()
        release.set()
        await asyncio.wait_for(attempt.is_free.wait(), SOON_S)
        assert len(attempt.told) == 1

    asyncio.run(scenario())
    assert seen == [True]


def test_a_lost_lease_stops_the_handler_and_is_not_settled() -> None:
    async def scenario() -> None:
        attempt = Attempt(endless, lease())
        await asyncio.sleep(0)
        attempt.execution.stop(StopReason.LEASE_LOST)
        assert await attempt.outcome() is None

    asyncio.run(scenario())


def test_a_handler_that_ignores_its_cancellation_is_settled_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.execution.CLEAN_UP_S", 0.02)

    async def scenario() -> None:
        leave = asyncio.Event()

        async def stubborn(context: Context, payload: object) -> None:
            while not leave.is_set():
                try:
                    await leave.wait()
                except asyncio.CancelledError:
                    continue

        attempt = Attempt(stubborn, lease(timeout_ms=20))
        made = await attempt.outcome()
        assert made is not None
        assert not attempt.is_free.is_set()
        leave.set()
        await asyncio.wait_for(attempt.is_free.wait(), SOON_S)

    asyncio.run(scenario())


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), StopIteration(), ValueError("x")])
def test_whatever_a_handler_raises_ends_its_attempt_and_no_more(error: BaseException) -> None:
    async def on_the_loop(context: Context, payload: object) -> None:
        raise error

    def in_a_thread(context: Context, payload: object) -> None:
        raise error

    async def scenario(function: HandlerFunction) -> None:
        made = await Attempt(function, lease()).outcome()
        assert made is not None
        assert made.outcome is OutcomeKind.FAILED
        assert made.error is not None
        assert made.error.type in (type(error).__name__, "RuntimeError")

    asyncio.run(scenario(on_the_loop))
    asyncio.run(scenario(in_a_thread))


def test_a_plain_function_that_returns_a_coroutine_fails_instead_of_completing_undone() -> None:
    def forgetful(context: Context, payload: object) -> object:
        return endless(context, payload)

    async def scenario() -> None:
        made = await Attempt(forgetful, lease()).outcome()
        assert made is not None
        assert made.error is not None
        assert "async def" in made.error.message

    asyncio.run(scenario())


def test_a_thread_learns_of_the_trust_limit_without_the_loop() -> None:
    stop = StopMark(time.monotonic() - 1)
    assert stop.is_stopped()


def test_unknown_kinds_and_unreadable_payloads_do_not_start() -> None:
    unknown = prepared(lease("nobody.knows"), Registry())
    assert isinstance(unknown, Settlement)
    assert unknown.outcome is OutcomeKind.UNKNOWN_KIND
    registry = Registry()
    registry.add(handler_of(endless))
    broken = prepared(lease(payload=b'{"a":'), registry)
    assert isinstance(broken, Settlement)
    assert broken.outcome is OutcomeKind.DISCARDED
    assert prepared(lease(payload=b"[1]"), registry) == (registry.find("test.job"), [1])
