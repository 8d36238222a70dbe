"""The traffic of one worker process with one shard of the store: outcomes out, jobs in, both in one round trip.

The next round is sent before the jobs of the last one are run, so that worker and store work at the same time; what
ends meanwhile is settled beside it. An idle worker leaves a claim in the store that waits for a hint.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from jobs.backends.base import MAX_BATCH, ClaimManner
from jobs.backends.call import Call
from jobs.domain.errors import BackendUnavailable
from jobs.domain.lease import Claim
from jobs.domain.outcome import Settled
from jobs.telemetry.logs import log_event
from workers.aside import Aside
from workers.claim_request import ClaimRequest, ClaimTerms
from workers.foresight import FAST_ROUND_S, Foresight
from workers.outbox import Outbox, Outcome
from workers.parking import Parking
from workers.pool import Pool
from workers.room import POLL_S, Room
from workers.store_link import ChannelLink

Answer = list[Settled] | Claim


class Exchange:
    """Settles what ended and claims what there is room for, for as long as the process works."""

    def __init__(
        self,
        terms: ClaimTerms,
        link: ChannelLink,
        parking: Parking,
        *,
        on_ready: Callable[[], None],
        logger: logging.Logger,
        room: Room,
        is_apart: bool = False,
    ) -> None:
        """With `is_apart` settling may fail where claiming did not: then the two are not sent together."""
        self.last_ok = time.monotonic()
        self._terms = terms
        self._link = link
        self._parking = parking
        self._on_ready = on_ready
        self._logger = logger
        self._room = room
        self._is_apart = is_apart
        self._work = asyncio.Event()
        self._aside = Aside(terms.consumer, link, on_end=self._work.set, logger=logger)
        self._outbox: Outbox | None = None  # where outcomes may be settled beside a round, from the first one on
        self._seq = 0
        # At most one claim is under way, in a round or parked: the store remembers no more than a worker's last.
        self._unanswered: ClaimRequest | None = None
        self._parked: ClaimRequest | None = None
        self.is_hungry = True
        self._is_closed = self._is_stopping = self._is_ready = False
        self._under_way_since = 0.0  # monotonic s; 0 while no round is
        self._due_at: float | None = None  # when the next delayed job is due (monotonic s), None: after the next poll
        self._poll_at = 0.0  # when to ask without a reason (monotonic s), unless a claim is parked
        self._foresight = Foresight()
        room.join(self)

    @property
    def is_waiting(self) -> bool:
        """Tell whether it would claim now, as far as it knows there is work and its shard answers."""
        is_free = not (self._under_way_since or self._unanswered or self._parked or self._is_closed)
        return self.is_hungry and is_free and not self._link.is_away

    @property
    def is_engaged(self) -> bool:
        """Tell whether a round is under way that should be over soon, and then it may claim."""
        return time.monotonic() - self._under_way_since < FAST_ROUND_S and not self._is_closed

    @property
    def is_parked(self) -> bool:
        """Tell whether a claim stands in the store."""
        return self._parked is not None

    @property
    def asked(self) -> int:
        """Return how many jobs the claim under way may bring any moment: no slot is kept for one that takes long."""
        claim = self._unanswered
        return claim.limit if claim and time.monotonic() - claim.sent < FAST_ROUND_S else 0

    @property
    def found_nothing(self) -> bool:
        """Tell whether its shard answered the last claim with less than it asked for, and is not away."""
        return self._is_ready and not (self.is_hungry or self._unanswered or self._link.is_away)

    def notify(self) -> None:
        """Look again for something to send; for the event loop's own callers."""
        self._work.set()
        if self._under_way_since and self._outbox is not None:
            self._aside.offer(self._outbox)

    def stop(self) -> None:
        """Claim nothing more; `run` ends when all outcomes are accepted."""
        self._is_stopping = True
        self.close()

    def close(self) -> None:
        """Claim nothing until `reopen`; what runs goes on and is settled."""
        self._is_closed = True
        self._parking.leave()
        # A task that was cancelled before its first step tells nobody.
        self._lost()

    def reopen(self) -> None:
        """Claim again, unless it stops."""
        self._is_closed = self._is_stopping
        self._look()

    async def run(self, pool: Pool, outbox: Outbox) -> None:
        """Exchange until stopped and empty. No failure ends it."""
        self._outbox = None if self._is_apart else outbox
        try:
            while not (self._is_stopping and self.owes_nothing(pool, outbox)):
                await self._wait(pool, outbox)
                batch = outbox.begin()
                claim = self._next_claim(pool, is_due=bool(batch) or self._aside.has_settled)
                self._aside.round_begins()
                if batch or claim is not None:
                    self._under_way_since = time.monotonic()
                    await self._round(pool, outbox, batch, claim)
                    self._under_way_since = 0.0
        finally:
            self._outbox = None
            self._aside.cancel()

    def owes_nothing(self, pool: Pool, outbox: Outbox) -> bool:
        """Tell whether no job waits for an answer of the store.

        A claim that a store which is away did not answer does not count: if it was heard, its leases run out.
        """
        owes = outbox or pool.unsettled() or self._parked
        return not owes and (self._unanswered is None or self._link.is_away)

    async def _wait(self, pool: Pool, outbox: Outbox) -> None:
        """Return when there is something to send; an idle worker parks a claim meanwhile."""
        may_claim = not self._is_closed and (self._parked is not None or self._limit(pool) > 0)
        if outbox.due or self._unanswered is not None or ((self.is_hungry or self._aside.has_settled) and may_claim):
            return
        if may_claim and self._parked is None and not self._parking.closed_s() and self._room.may_park(pool.room()):
            self._park(pool)
        self._work.clear()
        timer = self._timer()
        await self._work.wait()
        if timer is not None:
            timer.cancel()

    def _timer(self) -> asyncio.TimerHandle | None:
        """Return what ends the wait; no other end of one puts the poll off."""
        loop = asyncio.get_running_loop()
        if self._due_at is not None:
            return loop.call_at(self._due_at, self._look)
        if self._parked is not None:
            return None
        closed_s = self._parking.closed_s()
        return loop.call_at(min(self._poll_at, time.monotonic() + closed_s) if closed_s else self._poll_at, self._look)

    def want(self) -> None:
        """Take it that there is work; whoever has the first turn is still to be notified."""
        self.is_hungry = True
        self._due_at = None
        self._room.wants(self)

    def _look(self) -> None:
        self.want()
        self._poll_at = time.monotonic() + self._room.poll_s * random.uniform(0.85, 1.0)
        self._work.set()

    def _park(self, pool: Pool) -> None:
        """Leave a claim in the store until a hint comes.

        Should this machine stand still, nobody hears the answer: so it is for one job. Its lease is trusted from now
        on, so it must not wait for long.
        """
        request = self._parked = self._request(1, "waited")
        wait_s = min(POLL_S * random.uniform(0.85, 1.0), self._terms.lease_ms / 10_000)
        self._parking.park(self._terms.call(request), wait_s, partial(self._unparked, pool), self._lost)

    async def _unparked(self, pool: Pool, is_woken: bool, claim: Claim) -> None:
        """Run what the parked claim brought, in this task; then see whether there is more."""
        request, self._parked = self._parked, None
        self.last_ok = time.monotonic()
        self._work.set()
        if request is not None:
            self._hear_of_due(claim)
            # Also when it came too late for the job of its hint, or left it because of its manner.
            self.is_hungry = is_woken or bool(claim.leases)
            await pool.take_here(claim.leases, request.sent)

    def _lost(self) -> None:
        """Ask what became of the parked claim, and see to it that it takes nothing from now on."""
        request, self._parked = self._parked, None
        if request is not None:
            self._unanswered = replace(request, limit=0, manner="void")
        self._work.set()

    def _room_for_others(self) -> None:
        """Ask for no more than an unanswered claim took already: its slots are other shards' meanwhile."""
        if self._unanswered is not None and self._room.is_shared:
            self._unanswered = replace(self._unanswered, limit=0, manner="void")

    async def _round(self, pool: Pool, outbox: Outbox, batch: list[Outcome], claim: ClaimRequest | None) -> None:
        calls: list[Call[Answer]] = []
        try:
            if batch:
                calls.append(self._terms.consumer.settle([outcome.settlement for outcome in batch]))
            if claim is not None:
                calls.append(self._terms.call(claim))
            for together in [[call] for call in calls] if self._is_apart else [calls]:
                sent = time.monotonic()
                answers = await self._link.run_many(together)
                self._foresight.round_s = time.monotonic() - sent
                self._answered(pool, outbox, batch, claim, answers)
        except BackendUnavailable:
            outbox.send_less()
            self._room_for_others()
            await asyncio.sleep(self._link.pause_s())
        except Exception as error:  # noqa: BLE001 (the supervisor of this loop)
            log_event(self._logger, "loop.crashed", level=logging.ERROR, exception=error, loop="exchange")
            self._unanswered = None
            outbox.get_past(batch)
            await asyncio.sleep(random.uniform(0.1, 0.3))
        finally:
            outbox.end(batch)

    def _answered(
        self, pool: Pool, outbox: Outbox, batch: list[Outcome], request: ClaimRequest | None, answers: Sequence[Answer]
    ) -> None:
        self.last_ok = time.monotonic()
        outbox.send_all()
        for answer in answers:
            if isinstance(answer, Claim):
                self._claimed(pool, request, answer)
            else:
                outbox.accept(batch, answer)
        if not self._is_ready:
            self._is_ready = True
            self._on_ready()

    def _claimed(self, pool: Pool, request: ClaimRequest | None, claim: Claim) -> None:
        self._hear_of_due(claim)
        if request is None or request is not self._unanswered:
            return
        self._unanswered = None
        self.is_hungry = len(claim.leases) >= request.limit
        self._room.took(self, len(claim.leases))
        pool.take(claim.leases, request.sent)
        self._room.offer()

    def _hear_of_due(self, claim: Claim) -> None:
        self._poll_at = time.monotonic() + self._room.poll_s * random.uniform(0.85, 1.0)
        self._due_at = None
        if claim.next_due_at is not None:
            left_s = max(0.005, (claim.next_due_at - claim.server_time) / 1000 + 0.001)
            if left_s < POLL_S:
                self._due_at = time.monotonic() + left_s

    def _next_claim(self, pool: Pool, *, is_due: bool) -> ClaimRequest | None:
        """Return the claim to send: the unanswered one again, or a new one if there is room and reason."""
        if self._unanswered is not None:
            return self._unanswered
        if self._parked is not None:
            return self._nudge()
        limit = self._limit(pool)
        if self._is_closed or limit <= 0 or not (self.is_hungry or is_due):
            return None
        self._unanswered = self._request(limit)
        self._room.served(self)
        self._foresight.claimed(self._unanswered.sent, pool.ended)
        return self._unanswered

    def _nudge(self) -> ClaimRequest | None:
        """Return a claim of nothing: it makes due jobs ready, which gives the parked claim its hint."""
        if self._is_closed or not self.is_hungry:
            return None
        self.is_hungry = False
        return self._request(0)

    def _request(self, limit: int, manner: ClaimManner = "now") -> ClaimRequest:
        self._seq += 1
        return ClaimRequest(self._seq, secrets.token_hex(16), limit, time.monotonic(), manner)

    def _limit(self, pool: Pool) -> int:
        """Return how many jobs to claim: for the slots free now, and for those that will be when they are here."""
        ahead = self._foresight.ahead(pool.ended) if self.is_hungry else 0
        return min(MAX_BATCH, self._room.share(self, pool.room() + ahead))
