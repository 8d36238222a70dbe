"""Hears the hints of a store that a queue has work, for all polls that wait, on one connection a shard.

A hint goes to one poll, the one that has waited longest. What it leaves in the queue makes the store hint again.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import secrets
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, Final

from jobs.backends.base import Backend
from jobs.backends.call import AsyncRunner
from jobs.backends.waking import Wake
from jobs.domain.errors import BackendUnavailable
from jobs.domain.lease import MIN_LEASE_MS
from jobs.telemetry.logs import get_logger, log_event

# Hints may be lost, so the store is asked as often as that.
POLL_S: Final = 1.0
# The store is asked about so many queues at a time: one call must not hold up all others.
NAMES_A_LOOK: Final = 64
# Whoever listens for more than that makes room for others in between, by the work that each name is to the store.
_PAUSE_A_NAME_S: Final = 10e-6
# Beyond so many connections polls are told to look themselves as often, if they name no more than that together.
_NAMES_A_TURN: Final = 4_096
MAX_LISTENERS: Final = 64
# A connection that nobody needs any more is kept so long.
_LINGER_S: Final = 30.0
_log = get_logger("server")

# A namespace and a shard of it.
Place = tuple[str, int]


class Waiter:
    """A poll that waits for work in some queues. `told` gets the shard of the hint, or that the store is away."""

    __slots__ = ("queues", "told")

    def __init__(self, queues: Iterable[str], told: asyncio.Future[int]) -> None:
        self.queues = frozenset(queues)
        self.told = told

    def tell(self, shard: int) -> bool:
        """Hand a hint over; False: it has one already, or waits no more."""
        if self.told.done():
            return False
        self.told.set_result(shard)
        return True

    def fail(self, error: BackendUnavailable) -> None:
        """Say that there will be no hint."""
        if not self.told.done():
            self.told.set_exception(error)


class Listener:
    """Listens at one shard while somebody waits there. Without `wake` it only looks, and so do those who wait."""

    def __init__(self, place: Place, backend: Backend, runner: AsyncRunner, wake: Wake | None) -> None:
        self._shard = place[1]
        self._is_only = backend.shards == 1
        self._consumer = backend.consumer(*place)
        self._runner = runner
        self._wake = wake
        # No queue can be called so: its hints are for this listener itself.
        self._name = f"~{secrets.token_hex(8)}"
        self._waiters: dict[Waiter, None] = {}
        # In the order in which they came.
        self._waiting_for: dict[str, dict[Waiter, None]] = {}
        self._listens_for: frozenset[str] = frozenset()
        self._is_listening = False
        self._listen_at = 0.0
        self._look_at = 0.0
        self._due_at = math.inf
        self._loop = asyncio.get_running_loop()
        self._entered = asyncio.Event()
        self._errands: set[asyncio.Task[None]] = set()

    @property
    def has_connection(self) -> bool:
        """Tell whether it holds one."""
        return self._wake is not None

    def enter(self, waiter: Waiter) -> None:
        """Hear hints for a poll too."""
        self._waiters[waiter] = None
        for queue in waiter.queues:
            self._waiting_for.setdefault(queue, {})[waiter] = None
        self._entered.set()
        if self._is_listening and not waiter.queues <= self._listens_for:
            # Once: whoever comes before it is roused is heard for too.
            self._is_listening = False
            self._errand(self._rouse())

    def leave(self, waiter: Waiter) -> None:
        """Hear no more for it."""
        self._waiters.pop(waiter, None)
        for queue in waiter.queues:
            waiting = self._waiting_for.get(queue, {})
            waiting.pop(waiter, None)
            if not waiting:
                self._waiting_for.pop(queue, None)

    def pass_on(self, queues: Iterable[str]) -> None:
        """Let the store hint again for whatever of these has work: who was told of it does not come."""
        self._errand(self._look(list(queues)))

    async def run(self) -> None:
        """Listen until nobody has waited for a while."""
        try:
            while self._waiters or await self._is_wanted():
                try:
                    await self._round()
                except BackendUnavailable:
                    await self._require_store()
                except Exception as error:  # noqa: BLE001 (polls wait for this loop: no answer of a store may end it)
                    log_event(_log, "loop.crashed", level=logging.ERROR, exception=error, loop="hints")
                    await asyncio.sleep(POLL_S)
        finally:
            if self._wake is not None:
                self._wake.close()

    async def _require_store(self) -> None:
        """Look whether only the connection is lost. If the store is away too, say so to those who wait for it alone.

        They need not ask it themselves: nobody would know what became of so many claims.
        """
        try:
            await self._look_at_all()
        except BackendUnavailable as error:
            if self._is_only:
                for waiter in tuple(self._waiters):
                    waiter.fail(error)
            await asyncio.sleep(POLL_S * random.uniform(0.4, 1.0))

    async def _is_wanted(self) -> bool:
        self._listens_for = frozenset()
        self._entered.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                await self._entered.wait()
        return bool(self._waiters)

    async def _round(self) -> None:
        if self._loop.time() >= self._look_at:
            await self._look_at_all()
        elif self._loop.time() >= self._due_at:
            # What falls due is made ready, and hinted at, in queues that nobody names too.
            await self._look([])
        if self._wake is None:
            has_few = len(self._waiting_for) <= NAMES_A_LOOK
            await self._sleep_until(min(self._look_at, self._due_at) if has_few else self._look_at)
            self._tell_some()
            return
        await self._make_room()
        queues = self._wanted()
        # Of several queues that have work the store names the first: none shall always be the last.
        random.shuffle(queues)
        self._listens_for = frozenset(queues)
        self._is_listening = True
        try:
            left_s = min(self._look_at, self._due_at) - self._loop.time()
            heard = await self._wake.hear([self._name, *queues], max(0.001, left_s))
        finally:
            self._is_listening = False
        if heard is not None and heard != self._name and not self._tell_one(heard):
            await self._look([heard])

    def _wanted(self) -> list[str]:
        return list(self._waiting_for)

    async def _make_room(self) -> None:
        """Let others have their turn at the store before it is told of many names again."""
        if len(self._waiting_for) > NAMES_A_LOOK:
            await self._sleep_until(self._listen_at)
        self._listen_at = self._loop.time() + len(self._waiting_for) * _PAUSE_A_NAME_S

    async def _sleep_until(self, moment: float) -> None:
        await asyncio.sleep(max(0.001, moment - self._loop.time()))

    async def _look_at_all(self) -> None:
        """Look for work in all queues that somebody waits for, a few at a time."""
        self._look_at = self._loop.time() + POLL_S * random.uniform(0.85, 1.0)
        queues = self._wanted()
        for first in range(0, max(1, len(queues)), NAMES_A_LOOK):
            await self._look(queues[first : first + NAMES_A_LOOK])

    async def _look(self, queues: list[str]) -> None:
        """Claim nothing: that makes ready what is due, and makes the store hint where there is work."""
        self._due_at = math.inf
        call = self._consumer.claim(
            queues, self._name, seq=0, token=secrets.token_hex(16), limit=0, lease_ms=MIN_LEASE_MS
        )
        claim = await self._runner.run(call)
        if claim.next_due_at is not None:
            left_s = max(0.005, (claim.next_due_at - claim.server_time) / 1000 + 0.001)
            self._due_at = self._loop.time() + left_s

    async def _rouse(self) -> None:
        await self._runner.run(self._consumer.rouse(self._name))

    def _tell_one(self, queue: str) -> bool:
        return any(waiter.tell(self._shard) for waiter in self._waiting_for.get(queue, ()))

    def _tell_some(self) -> None:
        """Let polls look themselves, those that have waited longest; whoever found nothing comes last the next time."""
        names = 0
        for waiter in tuple(self._waiters):
            waiter.tell(self._shard)
            names += len(waiter.queues)
            if names >= _NAMES_A_TURN:
                return

    def _errand(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something soon."""
        task = self._loop.create_task(_quietly(work))
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)


class Hints:
    """The listeners of one event loop, each made when somebody waits there."""

    def __init__(
        self, backend: Backend, runner_of: Callable[[str, int], AsyncRunner], wake_of: Callable[[str, int], Wake]
    ) -> None:
        self._backend = backend
        self._runner_of = runner_of
        self._wake_of = wake_of
        self._listeners: dict[Place, Listener] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def at(self, place: Place) -> Listener:
        """Return who listens there."""
        listener = self._listeners.get(place)
        if listener is None:
            connected = sum(other.has_connection for other in self._listeners.values())
            wake = self._wake_of(*place) if connected < MAX_LISTENERS else None
            listener = self._listeners[place] = Listener(place, self._backend, self._runner_of(*place), wake)
            task = asyncio.get_running_loop().create_task(self._run(place, listener))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return listener

    async def _run(self, place: Place, listener: Listener) -> None:
        try:
            await listener.run()
        finally:
            # Nobody waits: whoever comes next finds a new one.
            if self._listeners.get(place) is listener:
                del self._listeners[place]


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    """Do something that costs a poll's time, at most, when the store is away."""
    with suppress(BackendUnavailable):
        await work
