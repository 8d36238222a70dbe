"""The slots of a worker, with real handlers on a real event loop; the store is not asked."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Awaitable, Callable

import pytest

from jobs.domain.outcome import OutcomeKind
from tests.workers.leases import lease
from tests.workers.silent import Silent
from workers import Context, handler
from workers.faults import Faults
from workers.lease_table import LeaseTable
from workers.outbox import Outbox, Outcome
from workers.pool import Pool
from workers.registry import HandlerFunction, Registry

LOGGER = logging.getLogger("ironforge.worker")


class Slots:
    """A pool whose outcomes stay in its outbox."""

    def __init__(self, concurrency: int, **handlers: HandlerFunction) -> None:
        registry = Registry()
        for kind, function in handlers.items():
            handler(kind, into=registry)(function)
        self.changed = asyncio.Event()
        self.leases = LeaseTable(10_000)
        self.outbox = Outbox(self.leases, LOGGER, self.changed.set, faults=Faults(LOGGER))
        self.pool = Pool(
            registry, self.leases, self.outbox, concurrency, logger=LOGGER, on_room=self.changed.set, reports=Silent()
        )

    def take(self, *kinds: str, sent: float | None = None) -> None:
        """Claim a job of each kind."""
        self.pool.take([lease(kind) for kind in kinds], time.monotonic() if sent is None else sent)

    async def outcomes(self, count: int) -> list[OutcomeKind]:
        """Return the outcomes when there are so many."""
        async with asyncio.timeout(60):
            while len(self.outbox) < count:
                self.changed.clear()
                await self.changed.wait()
        return [outcome.settlement.outcome for outcome in self.waiting()]

    def waiting(self) -> list[Outcome]:
        """Return what is to be told to the store."""
        batch = self.outbox.begin()
        self.outbox.end(batch)
        return batch


@pytest.fixture(autouse=True)
def _prompt(prompt: None) -> None:
    """Give nothing back because a machine stood still; who is about jobs that are given back says after how long."""


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario on an event loop of its own."""
    asyncio.run(scenario())  # type: ignore[arg-type]


async def endless(context: Context, payload: object) -> None:
    await asyncio.Event().wait()


async def quick(context: Context, payload: object) -> None:
    pass


async def waiting(context: Context, payload: object) -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def test_a_claimed_job_that_finds_no_slot_is_released_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    # Ten times as long as else, for a machine that stands still before the first has begun.
    monkeypatch.setattr("workers.pool.MAX_HOLD_S", 1.0)

    async def scenario() -> None:
        slots = Slots(1, endless=endless, quick=quick)
        started = time.monotonic()
        slots.take("endless", "quick", "quick")
        assert slots.pool.room() == -2
        assert await slots.outcomes(2) == [OutcomeKind.RELEASED] * 2
        assert time.monotonic() - started >= 1.0
        assert slots.pool.room() == 0

    run(scenario)


def test_a_job_held_up_by_a_handler_that_blocks_the_loop_is_released_not_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def slow(context: Context, payload: object) -> None:
        monkeypatch.setattr("workers.pool.MAX_HOLD_S", 0.0)

    async def scenario() -> None:
        slots = Slots(1, slow=slow, quick=quick)
        slots.take("slow", "quick")
        assert await slots.outcomes(2) == [OutcomeKind.COMPLETED, OutcomeKind.RELEASED]

    run(scenario)


def test_nothing_starts_on_a_lease_that_is_past_its_trust_limit() -> None:
    async def scenario() -> None:
        slots = Slots(2, quick=quick)
        slots.take("quick", sent=time.monotonic() - 20)
        assert await slots.outcomes(1) == [OutcomeKind.RELEASED]

    run(scenario)


def test_more_jobs_than_slots_run_through_whether_they_wait_or_not() -> None:
    async def scenario() -> None:
        slots = Slots(2, quick=quick, waiting=waiting)
        slots.take(*["quick", "waiting"] * 20)
        assert await slots.outcomes(40) == [OutcomeKind.COMPLETED] * 40
        assert (slots.pool.ended, slots.pool.occupied()) == (40, 0)

    run(scenario)


def test_a_long_row_of_quick_jobs_lets_others_use_the_loop_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.pool.SLICE_S", 0.0)

    async def scenario() -> None:
        slots = Slots(1, quick=quick)
        slots.take(*["quick"] * 50)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert 0 < slots.pool.ended < 50
        await slots.outcomes(50)

    run(scenario)


def test_each_handler_has_context_variables_of_its_own() -> None:
    variable = contextvars.ContextVar("variable", default="clean")
    seen: list[str] = []

    async def marking(context: Context, payload: object) -> None:
        seen.append(variable.get())
        variable.set(context.job_id)
        if context.kind == "waits":
            await asyncio.sleep(0)
        child = asyncio.create_task(returning())
        assert await child == context.job_id == variable.get()

    async def returning() -> str:
        return variable.get()

    async def scenario() -> None:
        slots = Slots(1, marks=marking, waits=marking)
        slots.take("marks", "waits", "marks")
        assert await slots.outcomes(3) == [OutcomeKind.COMPLETED] * 3

    run(scenario)
    assert seen == ["clean"] * 3


def test_a_handler_can_use_what_needs_a_task_from_its_first_line() -> None:
    async def limiting(context: Context, payload: object) -> None:
        task = asyncio.current_task()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(0))
        assert asyncio.current_task() is task

    async def scenario() -> None:
        slots = Slots(3, limits=limiting, quick=quick)
        slots.take("quick", "limits", "quick", "limits")
        assert await slots.outcomes(4) == [OutcomeKind.COMPLETED] * 4

    run(scenario)


def test_a_cancellation_that_a_handler_left_behind_hits_no_other_job() -> None:
    left: list[asyncio.Task[object]] = []

    async def leaving(context: Context, payload: object) -> None:
        task = asyncio.current_task()
        assert task is not None
        left.append(task)

    async def cancelling_itself(context: Context, payload: object) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()

    async def cancelling_others(context: Context, payload: object) -> None:
        for task in left:
            task.cancel()
        await asyncio.sleep(0)

    async def scenario() -> None:
        slots = Slots(1, leaves=leaving, cancels=cancelling_itself, waits=waiting, kills=cancelling_others)
        slots.take("cancels", "waits", "leaves", "kills", "waits")
        assert await slots.outcomes(5) == [OutcomeKind.COMPLETED] * 5

    run(scenario)


def test_a_handler_may_be_any_function_that_returns_an_awaitable() -> None:
    def wrapped(context: Context, payload: object) -> asyncio.Future[int]:
        made = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(made.set_result, 7)
        return made

    def broken(context: Context, payload: object) -> object:
        return next(iter(()))

    wrapped.__wrapped__ = broken.__wrapped__ = quick  # type: ignore[attr-defined]

    async def scenario() -> None:
        slots = Slots(1, wrapped=wrapped, broken=broken)
        slots.take("wrapped", "broken")
        assert await slots.outcomes(2) == [OutcomeKind.COMPLETED, OutcomeKind.FAILED]
        assert slots.waiting()[0].settlement.result == b"7"

    run(scenario)
