"""Tells the server how attempts end, in batches, until it has answered."""

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
from ironforge_client.worker.ending import plainer
from ironforge_client.worker.lease_table import LeaseTable
from ironforge_client.worker.patience import may_pass, pause_s
from ironforge_client.worker.protocol import MAX_BATCH, settle
from ironforge_client.worker.reporting import MAX_BODY_BYTES, Reporting

_log = logging.getLogger("ironforge.worker")
_ONCE = Retrying(retries=0, timeout_s=10.0)
_REPORT_EVERY_S = 0.5
_PAUSES = Retrying(base_s=0.1, longest_s=2.0)
# After so many failures outcomes are told one by one: perhaps it is one of them that cannot get through.
_ALONE_AFTER = 3
# How long the last try may take.
_LAST_TRY_S = 3.0


class Desk:
    """Outcomes go out at once, as many together as have gathered meanwhile; reports twice a second, and before them."""

    def __init__(
        self,
        connection: AsyncConnection,
        leases: LeaseTable,
        recorded: Callable[[Attempt], None],
        app_version: str = "",
    ) -> None:
        self._connection = connection
        self._app_version = app_version
        self._leases = leases
        self._recorded = recorded
        self._reporting = Reporting(connection, leases)
        self._waiting: dict[str, Attempt] = {}  # by token
        self._news = asyncio.Event()
        self._troubles = 0  # since outcomes were last all told
        self._loop = asyncio.get_running_loop()

    def tell(self) -> None:
        """Say that an attempt has something to report; for any thread."""
        if not self._reporting.has_news:
            self._reporting.has_news = True
            with contextlib.suppress(RuntimeError):  # the worker has stopped without the handler that says it
                self._loop.call_soon_threadsafe(self._loop.call_later, _REPORT_EVERY_S, self._news.set)

    def settle(self, attempt: Attempt) -> None:
        """Have the attempt's outcome told."""
        self._waiting[attempt.lease.token] = attempt
        self._news.set()

    async def work(self) -> None:
        """Tell, for ever. Cancel it to end."""
        failures = 0
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._tell_all()
                failures = 0
            except Exception as error:  # noqa: BLE001 (whatever it is, other outcomes must still be told)
                _log.warning("outcomes wait: %s", error, exc_info=not isinstance(error, IronForgeError))
                await asyncio.sleep(pause_s(_PAUSES, failures, error))
                failures += 1
                self._news.set()

    async def last_words(self) -> None:
        """Send what is decided and not recorded once more; for when `work` has ended. Raises nothing."""
        rest = [attempt for attempt in self._leases.open() if attempt.settlement is not None]
        try:
            async with asyncio.timeout(_LAST_TRY_S):
                while rest:
                    batch = self._fitting(rest)
                    rest = rest[len(batch) :]
                    with contextlib.suppress(IronForgeError):
                        await self._settle_or_part(batch)
        except Exception:  # noqa: BLE001 (the farewell must follow)
            _log.warning("not all outcomes could be told", exc_info=True)

    async def _tell_all(self) -> None:
        while True:
            # First, so that what a handler said before its end is kept with the attempt.
            if not self._reporting.is_stuck:
                await self._reporting.tell()
            batch = self._next_batch()
            if not batch:
                break
            try:
                await self._settle_or_part(batch)
            except Exception:
                self._troubles += 1
                for attempt in batch:
                    # To the end, for others may get through.
                    self._waiting[attempt.lease.token] = self._waiting.pop(attempt.lease.token)
                raise
        self._troubles = 0
        await self._reporting.tell()

    def _next_batch(self) -> list[Attempt]:
        # An attempt whose lease was lost meanwhile has nothing to tell any more.
        self._waiting = {token: attempt for token, attempt in self._waiting.items() if not attempt.is_recorded}
        return self._fitting(list(self._waiting.values()))

    def _fitting(self, attempts: Sequence[Attempt]) -> list[Attempt]:
        """Return those of the first that go into one request."""
        batch: list[Attempt] = []
        size = 0
        for attempt in attempts[: 1 if self._troubles >= _ALONE_AFTER else MAX_BATCH]:
            size += _size(attempt)
            if batch and size > MAX_BODY_BYTES:
                break
            batch.append(attempt)
        return batch

    async def _settle_or_part(self, batch: Sequence[Attempt]) -> None:
        try:
            await self._settle(batch)
        except ProblemError as error:
            if may_pass(error):
                raise
            await self._settle_each(batch)

    async def _settle(self, batch: Sequence[Attempt]) -> None:
        documents = [attempt.settlement or {} for attempt in batch]
        results = await run(settle(documents, _ONCE, self._app_version), self._connection)
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
            while not attempt.is_recorded:
                try:
                    await self._settle([attempt])
                except ProblemError as error:
                    if may_pass(error):
                        raise
                    _log.error("job %s: the server refuses its outcome: %s", attempt.lease.job.id, error)
                    less = plainer(attempt)
                    if less is None:
                        self._record(attempt)  # not even a plain failure: its lease will end by itself
                    else:
                        attempt.settlement = less

    def _record(self, attempt: Attempt) -> None:
        attempt.is_recorded = True
        self._recorded(attempt)


def _size(attempt: Attempt) -> int:
    """Return the bytes of an outcome; one that cannot be written is made plainer."""
    while True:
        try:
            return len(encode(attempt.settlement))
        except Exception:  # noqa: BLE001 (whatever it is, it must not keep the others from being told)
            _log.exception("job %s: its outcome cannot be written", attempt.lease.job.id)
            attempt.settlement = plainer(attempt)
