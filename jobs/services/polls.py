"""Long polls of workers: a claim that waits for its first job without holding anything of the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from jobs.backends.base import Backend
from jobs.domain.errors import BackendUnavailable
from jobs.domain.lease_body import ClaimOrder
from jobs.services.claims import Claims, Taken
from jobs.services.hints import Hints, Waiter
from jobs.services.poll_places import PollPlace, PollPlaces


class PollEnded(Exception):
    """Its client is gone: there is nobody to answer, and what was claimed goes back."""


class Poll:
    """One claim that may wait; `on_wait` is called when it begins to. Whoever ends it says why, once."""

    __slots__ = ("ended", "is_gone", "on_wait")

    def __init__(self, on_wait: Callable[[], None] = lambda: None) -> None:
        self.on_wait = on_wait
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_gone = False

    def end(self, *, is_gone: bool = False) -> None:
        """Wait no longer; with `is_gone` for nobody is left to be answered."""
        self.is_gone = self.is_gone or is_gone
        if not self.ended.done():
            self.ended.set_result(None)


class Polls:
    """The polls of one event loop, of a worker one at a time: a second one ends the first."""

    def __init__(self, backend: Backend, claims: Claims, hints: Hints) -> None:
        self._shards = backend.shards
        self._claims = claims
        self._hints = hints
        self._of_worker: dict[tuple[str, str], Poll] = {}
        self._places = PollPlaces()
        self._turn = 0

    async def claim(self, namespace: str, order: ClaimOrder, poll: Poll) -> Taken:
        """Return what was claimed, perhaps nothing after the wait.

        Raises PollEnded, TooManyAttempts or BackendUnavailable.
        """
        key = namespace, order.worker_id
        earlier = self._of_worker.get(key)
        if earlier is not None:
            # Its client most likely gave it up and asks anew.
            earlier.end()
        place = self._places.enter(namespace)
        self._of_worker[key] = poll
        try:
            return await self._until_work(namespace, order, poll, place)
        finally:
            place.leave()
            if self._of_worker.get(key) is poll:
                del self._of_worker[key]

    async def _until_work(self, namespace: str, order: ClaimOrder, poll: Poll, place: PollPlace) -> Taken:
        give_up_at = asyncio.get_running_loop().time() + order.wait_ms / 1000
        taken = await self._take(namespace, order, self._in_turn(), poll)
        while True:
            if taken.leases or poll.ended.done():
                return taken
            hint = await self._wait(namespace, order, poll, place, give_up_at)
            if hint is None:
                if poll.is_gone:
                    raise PollEnded
                return taken
            try:
                taken = await self._take(namespace, order, [hint], poll)
            except BackendUnavailable:
                if self._shards == 1:
                    raise
                # The others may have work.

    async def _take(self, namespace: str, order: ClaimOrder, shards: Sequence[int], poll: Poll) -> Taken:
        """Claim once; what comes too late for a client that is gone goes back."""
        taken = await self._claims.take(namespace, order, shards)
        if poll.is_gone:
            self._claims.give_back(taken)
            raise PollEnded
        return taken

    async def _wait(
        self, namespace: str, order: ClaimOrder, poll: Poll, place: PollPlace, give_up_at: float
    ) -> int | None:
        """Return the shard that hints at work; None when the wait is over.

        Raises TooManyAttempts or BackendUnavailable.
        """
        loop = asyncio.get_running_loop()
        left_s = give_up_at - loop.time()
        if left_s <= 0 or poll.ended.done():
            return None
        place.wait_for(order.queues)
        waiter = Waiter(order.queues, loop.create_future())
        poll.on_wait()
        listeners = [self._hints.at((namespace, shard)) for shard in range(self._shards)]
        for listener in listeners:
            listener.enter(waiter)
        hint: int | None = None
        try:
            either: set[asyncio.Future[Any]] = {waiter.told, poll.ended}
            await asyncio.wait(either, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            if waiter.told.done() and not poll.ended.done():
                hint = waiter.told.result()
        finally:
            for listener in listeners:
                listener.leave(waiter)
            if hint is None and waiter.told.done() and waiter.told.exception() is None:
                listeners[waiter.told.result()].pass_on(order.queues)
        return hint

    def _in_turn(self) -> list[int]:
        """Return all shards, beginning with the next: each gives all that is asked for in its turn."""
        self._turn = (self._turn + 1) % self._shards
        return [(self._turn + step) % self._shards for step in range(self._shards)]
