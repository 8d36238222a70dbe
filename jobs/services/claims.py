"""Claims for workers that do not talk to the store themselves. What nobody waits for any more goes back unused.

Any server process may carry out any claim of a worker, so claims are not counted: each has a token of its own and a
moment after which the store does not take it any more. Whoever gave one up looks, from that moment on, what it took.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from jobs.backends.base import Backend, ClaimManner
from jobs.backends.call import AsyncRunner
from jobs.domain.errors import BackendUnavailable
from jobs.domain.lease import Claim, Lease
from jobs.domain.lease_body import ClaimOrder
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.services.store_clock import Place, StoreClock
from jobs.telemetry.logs import get_logger, log_event

# A call takes 0.9 s at most, and is sent twice. Those who are told to come again do so later than this.
TOO_LATE_MS: Final = 1_800
# How long a claim waits for an earlier one of its worker to be cleared up.
_OWED_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 1.0
_LEFT_ALONE_S: Final = 1.0
# By so much may the time at the store be misjudged.
_MARGIN_MS: Final = 200
_log = get_logger("server")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to one shard: `token` names it in the store."""

    place: Place
    token: str
    order: ClaimOrder


@dataclass(frozen=True, slots=True)
class Taken:
    """What a claim brought, and from where; `asked` is None where nothing was taken."""

    leases: tuple[Lease, ...]
    server_time: int
    asked: Asked | None = None


class Claims:
    """Claims of one event loop."""

    def __init__(self, backend: Backend, runner_of: Callable[[str, int], AsyncRunner]) -> None:
        self._backend = backend
        self._runner_of = runner_of
        self._clock = StoreClock()
        # By worker and shard: what was given up and is not cleared up yet.
        self._owed: dict[tuple[Place, str], tuple[str, asyncio.Task[None]]] = {}
        # Until when a shard that did not answer is left alone where others may have work (monotonic s).
        self._away_until: dict[Place, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, namespace: str, order: ClaimOrder, shards: Sequence[int]) -> Taken:
        """Claim at the first of these shards that has work; one that is away counts as one without.

        Raises BackendUnavailable when all are away.
        """
        if order.claim_id and len(shards) > 1:
            again = await self._recall(namespace, order, shards)
            if again is not None:
                return again
        failure: BackendUnavailable | None = None
        found: Taken | None = None
        for place in self._in_reach([(namespace, shard) for shard in shards]):
            try:
                found = await self._take_at(place, order)
            except BackendUnavailable as error:
                failure = error
                self._away_until[place] = time.monotonic() + _LEFT_ALONE_S
            else:
                if found.leases:
                    return found
        if found is None:
            raise failure or BackendUnavailable("The store does not answer.")
        return found

    def give_back(self, taken: Taken) -> None:
        """Release what was taken, soon and without an attempt: nobody is there to run it."""
        if taken.asked is not None:
            self._clear_up(taken.asked, taken.leases if not taken.asked.order.claim_id else None, after_ms=0)

    def _in_reach(self, places: list[Place]) -> list[Place]:
        """Return those that may answer; all of them where none may."""
        now = time.monotonic()
        return [place for place in places if self._away_until.get(place, 0.0) < now] or places

    async def _take_at(self, place: Place, order: ClaimOrder) -> Taken:
        await self._require_nothing_owed(place, order)
        asked, began = Asked(place, secrets.token_hex(16), order), time.monotonic()
        try:
            claim, was_late = await self._claim(asked)
            if was_late:
                # The store's clock was set anew since its last answer, which told us.
                claim, _ = await self._claim(asked)
        except (BackendUnavailable, asyncio.CancelledError):
            # Nobody knows whether it was carried out, or will be until it is too late.
            passed_ms = int((time.monotonic() - began) * 1000)
            self._clear_up(asked, None, after_ms=max(0, TOO_LATE_MS + _MARGIN_MS - passed_ms))
            raise
        return Taken(claim.leases, claim.server_time, asked if claim.leases else None)

    async def _claim(self, asked: Asked) -> tuple[Claim, bool]:
        """Return what a claim brought, and whether it was refused as one that came too late."""
        now = self._clock.now_ms(asked.place)
        if now is None:
            again = await self._ask(asked, "recall", asked.order.claim_id)
            if again.leases:
                return again, False
            now = again.server_time
        latest = now + TOO_LATE_MS
        claim = await self._ask(asked, "now", asked.order.claim_id, latest)
        return claim, not claim.leases and claim.server_time > latest

    async def _recall(self, namespace: str, order: ClaimOrder, shards: Sequence[int]) -> Taken | None:
        """Return what the claim of this name took, in whichever shard that was."""
        asked = [Asked((namespace, shard), secrets.token_hex(16), order) for shard in shards]
        answers = await asyncio.gather(
            *(self._ask(each, "recall", order.claim_id) for each in asked), return_exceptions=True
        )
        for each, claim in zip(asked, answers, strict=True):
            if isinstance(claim, Claim):
                if claim.leases:
                    return Taken(claim.leases, claim.server_time, each)
            elif not isinstance(claim, BackendUnavailable):
                raise claim
        return None

    async def _ask(self, asked: Asked, manner: ClaimManner, claim_id: str, latest: int = 0) -> Claim:
        order, sent = asked.order, time.monotonic()
        call = self._backend.consumer(*asked.place).claim(
            order.queues,
            order.worker_id,
            seq=0,
            token=asked.token,
            limit=order.max_jobs,
            lease_ms=order.lease_ms,
            manner=manner,
            claim_id=claim_id,
            latest=latest,
        )
        claim = await self._runner_of(*asked.place).run(call)
        self._clock.learn(asked.place, claim.server_time, sent)
        return claim

    async def _require_nothing_owed(self, place: Place, order: ClaimOrder) -> None:
        """The store knows a worker's last claim only: another one would hide what is to be cleared up."""
        claim_id, owed = self._owed.get((place, order.worker_id), ("", None))
        if owed is None:
            return
        if claim_id and claim_id == order.claim_id:
            # Its client is here again, and has what the claim took.
            owed.cancel()
            return
        await asyncio.wait({owed}, timeout=_OWED_S)
        if not owed.done():
            raise BackendUnavailable("What became of the worker's last claim is not known yet.")

    def _clear_up(self, asked: Asked, leases: tuple[Lease, ...] | None, *, after_ms: int) -> None:
        """Begin to give back what a request took; `leases` None: the store must be asked what that is."""
        task = asyncio.get_running_loop().create_task(self._give_back(asked, leases, after_ms))
        key = asked.place, asked.order.worker_id
        self._tasks.add(task)
        owed = self._owed[key] = asked.order.claim_id, task

        def forget(done: asyncio.Task[None]) -> None:
            self._tasks.discard(done)
            if not done.cancelled() and (error := done.exception()) is not None:
                log_event(_log, "loop.crashed", level=logging.ERROR, exception=error, loop="claims")
            if self._owed.get(key) is owed:
                del self._owed[key]

        task.add_done_callback(forget)

    async def _give_back(self, asked: Asked, leases: tuple[Lease, ...] | None, after_ms: int) -> None:
        """Ask and release until the store answers, or until the leases have run out in any case."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + (after_ms + asked.order.lease_ms) / 1000
        await asyncio.sleep(after_ms / 1000)
        runner, consumer = self._runner_of(*asked.place), self._backend.consumer(*asked.place)
        pause_s = 0.05
        while loop.time() < give_up_at:
            try:
                if leases is None:
                    # Nameless from now on: a repeat of the claim does not find what is given back here.
                    leases = (await self._ask(asked, "recall", "")).leases
                if leases:
                    await runner.run(consumer.settle([_release(lease) for lease in leases]))
            except BackendUnavailable:
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            else:
                return


def _release(lease: Lease) -> Settlement:
    return Settlement(job_id=lease.job.id, token=lease.token, outcome=OutcomeKind.RELEASED)
