"""Tells the server how attempts end and what they say of themselves, in batches, until it has answered."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

from ironforge_client.async_client import run
from ironforge_client.connection import AsyncConnection
from ironforge_client.errors import ConnectionFailed, IronForgeError, ProblemError
from ironforge_client.exchange import Retrying, encode
from ironforge_client.worker.attempt import Attempt
from ironforge_client.worker.lease_table import LeaseTable
from ironforge_client.worker.protocol import MAX_BATCH, Document, report, settle

_log = logging.getLogger("ironforge.worker")
_ONCE = Retrying(retries=0, timeout_s=10.0)
_LINES_A_REPORT = 200
# Leaves room below the least body that a server may be set to take.
_MAX_BODY_BYTES = 768 * 1024
_REPORT_EVERY_S = 0.5
_PAUSES = Retrying(base_s=0.1, longest_s=2.0)


class Desk:
    """Outcomes go out at once, as many together as have gathered meanwhile; reports twice a second, and before them."""

    def __init__(self, connection: AsyncConnection, leases: LeaseTable, recorded: Callable[[Attempt], None]) -> None:
        self._connection = connection
        self._leases = leases
        self._recorded = recorded
        self._waiting: list[Attempt] = []
        self._news = asyncio.Event()
        self._has_reports = False
        self._untold: list[Document] = []
        self._loop = asyncio.get_running_loop()

    def tell(self) -> None:
        """Say that an attempt has something to report; for any thread."""
        if not self._has_reports:
            self._has_reports = True
            with contextlib.suppress(RuntimeError):  # the worker has stopped without the handler that says it
                self._loop.call_soon_threadsafe(self._loop.call_later, _REPORT_EVERY_S, self._news.set)

    def settle(self, attempt: Attempt) -> None:
        """Have the attempt's outcome told."""
        self._waiting.append(attempt)
        self._news.set()

    async def work(self) -> None:
        """Tell, for ever. Cancel it to end."""
        troubles = 0
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._tell_all()
                troubles = 0
            except IronForgeError as error:
                _log.warning("outcomes wait: %s", error)
                await asyncio.sleep(_PAUSES.pause_s(troubles, getattr(error, "retry_after_s", None)))
                troubles += 1
                self._news.set()

    async def _tell_all(self) -> None:
        while True:
            # First, so that what a handler said before its end is kept with the attempt.
            await self._report()
            batch = self._next_batch()
            if not batch:
                return
            try:
                await self._settle(batch)
            except ProblemError as error:
                if _passes(error):
                    raise
                await self._settle_each(batch)

    def _next_batch(self) -> list[Attempt]:
        # An attempt whose lease was lost meanwhile has nothing to tell any more.
        self._waiting = [attempt for attempt in self._waiting if not attempt.is_recorded]
        batch: list[Attempt] = []
        size = 0
        for attempt in self._waiting[:MAX_BATCH]:
            size += len(encode(attempt.settlement))
            if batch and size > _MAX_BODY_BYTES:
                break
            batch.append(attempt)
        return batch

    async def _settle(self, batch: Sequence[Attempt]) -> None:
        documents = [attempt.settlement or {} for attempt in batch]
        results = await run(settle(documents, _ONCE), self._connection)
        is_late = False
        for attempt, result in zip(batch, results, strict=True):
            if "status" not in result and result.get("code") != "lease_lost":
                is_late = True  # its part of the store was away
                continue
            if "status" not in result:
                _log.warning("job %s: the lease was lost, its outcome is not recorded", attempt.lease.job.id)
            self._record(attempt)
        if is_late:
            raise ConnectionFailed("a part of the store cannot answer now", is_sent=True)

    async def _settle_each(self, batch: Sequence[Attempt]) -> None:
        """Find the outcome that the server refuses, which must not keep the others from being told."""
        for attempt in batch:
            for document in (attempt.settlement, _refused(attempt)):
                attempt.settlement = document
                try:
                    await self._settle([attempt])
                    break
                except ProblemError as error:
                    if _passes(error):
                        raise
                    _log.error("job %s: the server refuses its outcome: %s", attempt.lease.job.id, error)
            else:
                self._record(attempt)  # not even a plain failure: its lease will end by itself

    def _record(self, attempt: Attempt) -> None:
        attempt.is_recorded = True
        self._recorded(attempt)

    async def _report(self) -> None:
        if self._has_reports:
            self._has_reports = False
            for attempt in self._leases.open():
                # More than one when it wrote more lines than a report may have.
                while told := attempt.reports.take(_LINES_A_REPORT):
                    self._untold.append({**attempt.lease.key(), **told})
        while self._untold:
            part = self._untold[: _fitting(self._untold)]
            try:
                await run(report(part, _ONCE), self._connection)
            except ProblemError as error:
                if _passes(error):
                    raise
                _log.error("reports were refused and are dropped: %s", error)
            del self._untold[: len(part)]


def _passes(error: ProblemError) -> bool:
    """Tell whether the same request may be accepted later; a key can be put right while a worker runs."""
    return error.is_retryable or error.status in (401, 403)


def _refused(attempt: Attempt) -> Document:
    error = {"type": "refused_outcome", "message": "The server refused the outcome that the worker told."}
    return {**attempt.lease.key(), "outcome": "failed", "error": error}


def _fitting(documents: Sequence[Document]) -> int:
    """Return how many of the documents fit into one request; at least one."""
    size = 0
    for count, document in enumerate(documents):
        size += len(encode(document))
        if count == MAX_BATCH or (count and size > _MAX_BODY_BYTES):
            return count
    return len(documents)
