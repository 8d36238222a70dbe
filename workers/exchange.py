"""The traffic of one worker process with the store: outcomes out, jobs in, both in one round trip.

The next round is sent before the jobs of the last one are run, so that worker and store work at the same time.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jobs.backends.base import MAX_BATCH, Call, Consumer
from jobs.domain.errors import BackendUnavailable
from jobs.domain.lease import Claim
from jobs.domain.outcome import Settled
from jobs.telemetry.logs import log_event
from workers.outbox import Outbox, Outcome
from workers.pool import Pool
from workers.store_link import ChannelLink

POLL_S = 1.0
# Jobs are claimed ahead only while two rounds take less time than a job may be held.
FAST_ROUND_S = 0.05


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """One claim, sent again as it is until it is answered. `sent` is monotonic, of the first sending."""

    seq: int
    token: str
    limit: int
    sent: float


class Exchange:
    """Settles what ended and claims what there is room for, for as long as the process works."""

    def __init__(
        self,
        consumer: Consumer,
        link: ChannelLink,
        worker_id: str,
        queues: Sequence[str],
        lease_ms: int,
        *,
        on_ready: Callable[[], None],
        on_appetite: Callable[[bool], None],
        logger: logging.Logger,
    ) -> None:
        self.last_ok = time.monotonic()
        self._consumer = consumer
        self._link = link
        self._worker_id = worker_id
        self._queues = tuple(queues)
        self._lease_ms = lease_ms
        self._on_ready = on_ready
        self._on_appetite = on_appetite
        self._logger = logger
        self._work = asyncio.Event()
        self._seq = 0
        self._unanswered: ClaimRequest | None = None
        self._is_hungry = True
        self._is_ready = False
        self._is_stopping = False
        self._poll_s = POLL_S
        # When the last claim and the one before were sent (monotonic s), and how many attempts had ended by then.
        self._marks = ((0.0, 0), (0.0, 0))
        self._round_s = 0.0
        self._batch_limit = MAX_BATCH

    def notify(self) -> None:
        """Look again for something to send; for the event loop's own callers."""
        self._work.set()

    def hint(self) -> None:
        """Claim: somebody said that there is work."""
        self._is_hungry = True
        self._on_appetite(False)
        self._work.set()

    def stop(self) -> None:
        """Claim nothing more; `run` ends when all outcomes are accepted."""
        self._is_stopping = True
        self._on_appetite(False)
        self._work.set()

    async def run(self, pool: Pool, outbox: Outbox) -> None:
        """Exchange until stopped and empty. No failure ends it."""
        while not (self._is_stopping and self.owes_nothing(pool, outbox)):
            await self._wait(pool, outbox)
            batch = outbox.batch(self._batch_limit)
            claim = self._next_claim(pool, is_due=bool(batch))
            if batch or claim is not None:
                await self._round(pool, outbox, batch, claim)

    def owes_nothing(self, pool: Pool, outbox: Outbox) -> bool:
        """Tell whether no job waits for an answer of the store.

        A claim that a store which is away did not answer does not count: if it was heard, its leases run out.
        """
        return not outbox and not pool.unsettled() and (self._unanswered is None or self._link.is_away)

    async def _wait(self, pool: Pool, outbox: Outbox) -> None:
        """Return when there is something to send."""
        may_claim = not self._is_stopping and self._limit(pool) > 0
        if outbox or self._unanswered is not None or (self._is_hungry and may_claim):
            return
        self._on_appetite(may_claim)
        self._work.clear()
        timer = asyncio.get_running_loop().call_later(self._poll_s * random.uniform(0.85, 1.0), self.hint)
        await self._work.wait()
        timer.cancel()

    async def _round(self, pool: Pool, outbox: Outbox, batch: list[Outcome], claim: ClaimRequest | None) -> None:
        calls: list[Call[list[Settled] | Claim]] = []
        try:
            if batch:
                calls.append(self._consumer.settle([outcome.settlement for outcome in batch]))
            if claim is not None:
                calls.append(self._claim_call(claim))
            sent = time.monotonic()
            answers = await self._link.run_many(calls)
            self._round_s = time.monotonic() - sent
            self._answered(pool, outbox, batch, answers)
        except BackendUnavailable:
            # Perhaps it was too much to say in the time of one call.
            self._batch_limit = max(1, self._batch_limit // 2)
            await asyncio.sleep(self._link.pause_s())
        except Exception as error:  # noqa: BLE001 (the supervisor of this loop)
            log_event(self._logger, "loop.crashed", level=logging.ERROR, exception=error, loop="exchange")
            self._after_crash(outbox, batch)
            await asyncio.sleep(random.uniform(0.1, 0.3))

    def _answered(
        self, pool: Pool, outbox: Outbox, batch: list[Outcome], answers: Sequence[list[Settled] | Claim]
    ) -> None:
        self.last_ok = time.monotonic()
        self._batch_limit = MAX_BATCH
        for answer in answers:
            if isinstance(answer, Claim):
                self._claimed(pool, answer)
            else:
                outbox.accept(batch, answer)
        if not self._is_ready:
            self._is_ready = True
            self._on_ready()

    def _claimed(self, pool: Pool, claim: Claim) -> None:
        request, self._unanswered = self._unanswered, None
        if request is None:
            return
        self._is_hungry = len(claim.leases) >= request.limit
        self._poll_s = POLL_S
        if claim.next_due_at is not None:
            self._poll_s = min(POLL_S, max(0.005, (claim.next_due_at - claim.server_time) / 1000 + 0.001))
        pool.take(claim.leases, request.sent)

    def _next_claim(self, pool: Pool, *, is_due: bool) -> ClaimRequest | None:
        """Return the claim to send: the unanswered one again, or a new one if there is room and reason."""
        if self._unanswered is not None:
            return self._unanswered
        limit = self._limit(pool)
        if self._is_stopping or limit <= 0 or not (self._is_hungry or is_due):
            return None
        self._seq += 1
        now = time.monotonic()
        self._marks = (self._marks[1], (now, pool.ended))
        self._unanswered = ClaimRequest(self._seq, secrets.token_hex(16), limit, now)
        return self._unanswered

    def _limit(self, pool: Pool) -> int:
        """Return how many jobs to claim: for the slots free now, and for those that will be when they are here.

        The answer to this claim has to last until that to the next, so as many may be under way as end in two rounds,
        judged by the last two. Jobs that take longer than that are left to other workers.
        """
        ahead = 0
        if self._is_hungry and self._round_s < FAST_ROUND_S:
            sent, ended_then = self._marks[0]
            per_second = (pool.ended - ended_then) / max(time.monotonic() - sent, 0.0001)
            ahead = int(per_second * 2 * self._round_s)
        return min(MAX_BATCH, pool.room() + ahead)

    def _claim_call(self, claim: ClaimRequest) -> Call[Claim]:
        return self._consumer.claim(
            self._queues,
            self._worker_id,
            seq=claim.seq,
            token=claim.token,
            limit=claim.limit,
            lease_ms=self._lease_ms,
        )

    def _after_crash(self, outbox: Outbox, batch: list[Outcome]) -> None:
        """Get past what cannot be sent or read: its leases run out and the store takes the jobs back."""
        self._unanswered = None
        if len(batch) == 1:
            outbox.forget(batch)
        elif batch:
            self._batch_limit = 1
