"""Takes jobs for free slots by long polls, and gives back what a poll brought that nobody waits for any more."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable

from ironforge_client.async_client import run
from ironforge_client.connection import AsyncConnection
from ironforge_client.errors import IronForgeError, ProblemError
from ironforge_client.exchange import Retrying
from ironforge_client.worker.heart import Heart
from ironforge_client.worker.lease_table import LeaseTable
from ironforge_client.worker.patience import pause_s
from ironforge_client.worker.protocol import LONGEST_CLAIM_MS, Lease, Options, claim

_log = logging.getLogger("ironforge.worker")
_ONCE = Retrying(retries=0, timeout_s=60.0)
_PAUSES = Retrying(base_s=0.1, longest_s=5.0)
# A poll that took longer may bring leases that began long before their answer arrived.
_PROMPT_S = 1.0
_RECALL = Retrying(retries=0, timeout_s=3.0)


class Claimer:
    """Polls while it may. `taken` gets each lease of an answer and the time until which it can be trusted.

    `unwanted` gets those that came when no more jobs were to be taken.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        options: Options,
        leases: LeaseTable,
        heart: Heart,
        *,
        taken: Callable[[Lease, float], None],
        unwanted: Callable[[Lease, float], None],
    ) -> None:
        self._connection = connection
        self._options = options
        self._leases = leases
        self._heart = heart
        self._taken = taken
        self._unwanted = unwanted
        self._room = asyncio.Event()
        self._may_claim = asyncio.Event()
        self._may_claim.set()
        self._poll: asyncio.Task[None] | None = None

    def see_room(self) -> None:
        """Look again whether there is room, and whether the worker is known."""
        self._room.set()

    def set_quiet(self, *, is_quiet: bool) -> None:
        """End or begin to claim; a poll that is under way is hung up."""
        if is_quiet == self._may_claim.is_set():
            _log.info("quiet: no more jobs are taken" if is_quiet else "jobs are taken")
        if not is_quiet:
            self._may_claim.set()
            return
        self._may_claim.clear()
        if self._poll is not None:
            self._poll.cancel()

    async def work(self) -> None:
        """Claim, for ever. Cancel it to end; what the last poll took is given back first."""
        failures = 0
        while True:
            await self._may_claim.wait()
            while self._leases.room <= 0 or self._heart.worker_id is None:
                self._room.clear()
                await self._room.wait()
            worker_id = self._heart.worker_id
            if worker_id is None:
                continue
            try:
                await self._claim(worker_id)
                failures = 0
            except Exception as error:  # noqa: BLE001 (whatever it is, the next claim may succeed)
                _log.exception("no claim")
                await asyncio.sleep(pause_s(_PAUSES, failures, error))
                failures += 1

    async def _claim(self, worker_id: str) -> None:
        """Claim once; a poll that is ended from outside is recalled, for it may have taken jobs."""
        claim_id, count = str(uuid.uuid4()), self._leases.room
        self._poll = asyncio.create_task(self._ask(worker_id, claim_id, count))
        try:
            await self._poll
        except asyncio.CancelledError:
            await self._recall(worker_id, claim_id, count)
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise  # it was not the poll alone that was ended
        finally:
            self._poll = None

    async def _ask(self, worker_id: str, claim_id: str, count: int) -> None:
        """Ask until there is an answer, under one name, so that a lost one loses no job."""
        troubles = 0
        while True:
            began = time.monotonic()
            act = claim(worker_id, claim_id, count, self._options, wait_ms=LONGEST_CLAIM_MS, retrying=_ONCE)
            try:
                leases = await run(act, self._connection)
            except IronForgeError as error:
                if isinstance(error, ProblemError) and error.code == "worker_unknown":
                    self._heart.forget(worker_id)
                    return
                _log.warning("no claim: %s", error)
                await asyncio.sleep(pause_s(_PAUSES, troubles, error))
                troubles += 1
            else:
                self._take(leases, began, self._taken)
                return

    def _take(self, leases: tuple[Lease, ...], began: float, taken: Callable[[Lease, float], None]) -> None:
        now = time.monotonic()
        for lease in leases:
            taken(lease, now + lease.remaining_s - self._options.margin_s)
        if leases and now - began > _PROMPT_S:
            # When in the poll they began is not known; an extension tells it.
            self._heart.beat_now()

    async def _recall(self, worker_id: str, claim_id: str, count: int) -> None:
        """Ask what a poll took that was hung up; if it took nothing this claims anew, so nothing that comes is run."""
        act = claim(worker_id, claim_id, count, self._options, wait_ms=0, retrying=_RECALL)
        began = time.monotonic()
        try:
            self._take(await run(act, self._connection), began, self._unwanted)
        except Exception as error:  # noqa: BLE001 (who ended the poll must not be kept)
            _log.warning("what the last claim took is not known: %s", error)
