"""What workers that speak HTTP do with jobs: claim them, keep them, say how they get on and how they ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.base import Consumer
from jobs.backends.call import AsyncRunner, Call
from jobs.domain.errors import BackendUnavailable
from jobs.domain.lease import Extension
from jobs.domain.lease_body import ClaimOrder, HeldLease
from jobs.domain.outcome import OutcomeKind, Settled, Settlement
from jobs.domain.report import Noted, Report
from jobs.domain.shard import places_by_shard
from jobs.services.claims import Claims, Taken
from jobs.services.hints import Hints
from jobs.services.polls import Poll, Polls
from jobs.services.remote_faults import RemoteFaults
from jobs.services.remote_workers import RemoteWorkers
from jobs.services.waiting_room import WaitingRoom

T = TypeVar("T")
# Results are 256 KiB at most; 200 of them would keep the store and the connection busy for longer than a call may take.
MAX_CALL_BYTES = 2 * 1024 * 1024


class Leases:
    """The services of one event loop."""

    def __init__(self) -> None:
        backend = wiring.backend()
        self.loop = asyncio.get_running_loop()
        self._backend = backend
        # Each has a connection of its own: a large claim or a wait for replicas lets no lease run out.
        self._claims = Claims(backend, partial(wiring.shared_channel, "claim"))
        self._polls = Polls(backend, self._claims, Hints(backend, partial(wiring.shared_channel, "claim"), wiring.wake))
        self._settler = partial(wiring.shared_channel, "settle")
        self._keeper = partial(wiring.shared_channel, "keep")
        self._reporter = partial(wiring.shared_channel, "report")
        self.workers = RemoteWorkers(backend, self._keeper)
        self._faults = RemoteFaults(backend, self._reporter)
        # Of what is on its way to the store; each shard is told of it in time or not at all.
        self.room = WaitingRoom()

    async def claim(self, actor: Actor, order: ClaimOrder, poll: Poll) -> Taken:
        """Return jobs for a worker, perhaps none. Raises NotFound, PollEnded or BackendUnavailable."""
        policy.authorize(actor, Action.LEASE_CLAIM)
        await self.workers.require(actor, order.worker_id)
        return await self._polls.claim(actor.namespace, order, poll)

    def give_back(self, taken: Taken) -> None:
        """Release what was claimed for a client that is gone, soon and without an attempt."""
        self._claims.give_back(taken)

    async def extend(self, actor: Actor, leases: Sequence[HeldLease], lease_ms: int) -> Extension:
        """Renew leases. Those of shards that are away are in no part of the answer; if all are, BackendUnavailable."""
        policy.authorize(actor, Action.LEASE_EXTEND)
        if not leases:
            return Extension()

        def call(consumer: Consumer, places: Sequence[int]) -> Call[Extension]:
            return consumer.extend([leases[place] for place in places], lease_ms)

        answers = await self._ask(actor, self._keeper, [job_id for job_id, _ in leases], call)
        found = [answer for _, answer in answers if isinstance(answer, Extension)]
        return Extension(
            extended=tuple(job_id for answer in found for job_id in answer.extended),
            lost=tuple(job_id for answer in found for job_id in answer.lost),
            cancel_requested=tuple(job_id for answer in found for job_id in answer.cancel_requested),
        )

    async def settle(
        self, actor: Actor, settlements: Sequence[Settlement], app_version: str = ""
    ) -> list[Settled | BackendUnavailable]:
        """Record how attempts of that version ended, in order; those of shards that are away may be settled again.

        Raises BackendUnavailable if all are.
        """
        policy.authorize(actor, Action.LEASE_SETTLE)

        def call(consumer: Consumer, places: Sequence[int]) -> Call[list[Settled]]:
            return consumer.settle([settlements[place] for place in places])

        sizes = [len(settlement.result or b"") for settlement in settlements]
        ids = [settlement.job_id for settlement in settlements]
        with self._room_for(actor, sizes):
            answers = _in_order(len(ids), await self._ask(actor, self._settler, ids, call, sizes))
        self._faults.note(actor.namespace, settlements, answers, app_version)
        return answers

    async def report(self, actor: Actor, reports: Sequence[Report]) -> list[Noted | BackendUnavailable]:
        """Note what running attempts say of themselves. Otherwise as `settle`."""
        policy.authorize(actor, Action.LEASE_REPORT)

        def call(consumer: Consumer, places: Sequence[int]) -> Call[list[Noted]]:
            return consumer.report([reports[place] for place in places])

        sizes = [_size_bytes(report) for report in reports]
        ids = [report.job_id for report in reports]
        with self._room_for(actor, sizes):
            return _in_order(len(ids), await self._ask(actor, self._reporter, ids, call, sizes))

    async def leave(self, actor: Actor, worker_id: str, leases: Sequence[HeldLease]) -> None:
        """End the life of a worker; what it names as its own goes back without an attempt. Raises NotFound."""
        policy.authorize(actor, Action.WORKER_REPORT)
        await self.workers.require(actor, worker_id)
        released = [Settlement(job_id=job_id, token=token, outcome=OutcomeKind.RELEASED) for job_id, token in leases]
        if released:
            for answer in await self.settle(actor, released):
                if isinstance(answer, BackendUnavailable):
                    raise answer
        await self.workers.forget(actor, worker_id)

    @contextmanager
    def _room_for(self, actor: Actor, sizes: Sequence[int]) -> Iterator[None]:
        """Take room for so many words of that size, while they are on their way. Raises BackendUnavailable."""
        number, size_bytes = len(sizes), sum(sizes)
        self.room.enter_bulk(actor.namespace, number, size_bytes)
        try:
            yield
        finally:
            self.room.leave_bulk(actor.namespace, number, size_bytes)

    async def _ask(
        self,
        actor: Actor,
        runner_of: Callable[[str, int], AsyncRunner],
        job_ids: Sequence[str],
        call: Callable[[Consumer, Sequence[int]], Call[T]],
        sizes: Sequence[int] = (),
    ) -> list[tuple[Sequence[int], T | BackendUnavailable]]:
        """Ask the shard of each job; return which places were asked about together, and the answer."""
        groups = [
            (shard, few)
            for shard, places in places_by_shard(job_ids, self._backend.shards).items()
            for few in _small_enough(places, sizes)
        ]
        calls = [call(self._backend.consumer(actor.namespace, shard), places) for shard, places in groups]
        answers = await asyncio.gather(
            *(runner_of(actor.namespace, each.shard).run(each) for each in calls), return_exceptions=True
        )
        found: list[tuple[Sequence[int], T | BackendUnavailable]] = []
        for (_, places), answer in zip(groups, answers, strict=True):
            if isinstance(answer, BaseException) and not isinstance(answer, BackendUnavailable):
                raise answer
            found.append((places, answer))
        failed = [answer for _, answer in found if isinstance(answer, BackendUnavailable)]
        if failed and len(failed) == len(found):
            raise failed[0]
        return found


def _small_enough(places: Sequence[int], sizes: Sequence[int]) -> list[Sequence[int]]:
    """Return the places in groups that one call can carry."""
    if not sizes or sum(sizes[place] for place in places) <= MAX_CALL_BYTES:
        return [places]
    groups: list[list[int]] = [[]]
    room = MAX_CALL_BYTES
    for place in places:
        room -= sizes[place]
        if room < 0 and groups[-1]:
            groups.append([])
            room = MAX_CALL_BYTES - sizes[place]
        groups[-1].append(place)
    return list(groups)


def _in_order(
    number: int, answers: Sequence[tuple[Sequence[int], list[T] | BackendUnavailable]]
) -> list[T | BackendUnavailable]:
    """Return an answer for each place."""
    placed: dict[int, T | BackendUnavailable] = {}
    for places, answer in answers:
        some = [answer] * len(places) if isinstance(answer, BackendUnavailable) else answer
        placed.update(zip(places, some, strict=True))
    return [placed[place] for place in range(number)]


def _size_bytes(report: Report) -> int:
    return len(report.checkpoint or b"") + sum(len(line.text) for line in report.lines)
