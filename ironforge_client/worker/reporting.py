"""What attempts say of themselves while they run, on its way to the server."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ironforge_client.async_client import run
from ironforge_client.connection import AsyncConnection
from ironforge_client.errors import IronForgeError, ProblemError
from ironforge_client.exchange import Retrying, encode
from ironforge_client.worker.lease_table import LeaseTable
from ironforge_client.worker.patience import may_pass
from ironforge_client.worker.protocol import MAX_BATCH, Document, report

# Leaves room below the least body that a server may be set to take.
MAX_BODY_BYTES = 768 * 1024
_log = logging.getLogger("ironforge.worker")
_ONCE = Retrying(retries=0, timeout_s=10.0)
_LINES_A_REPORT = 200
_STUCK_AFTER = 3


class Reporting:
    """Gathers reports and sends them; each bears a number, so that sending it again changes nothing."""

    def __init__(self, connection: AsyncConnection, leases: LeaseTable) -> None:
        self.has_news = False  # set by attempts, from any thread
        self._connection = connection
        self._leases = leases
        self._untold: list[Document] = []
        self._troubles = 0

    @property
    def is_stuck(self) -> bool:
        """Tell whether reports fail so often that outcomes must not wait for them any longer."""
        return self._troubles >= _STUCK_AFTER

    async def tell(self) -> None:
        """Send all that was said. Raises IronForgeError; what is not sent is kept for the next time."""
        while self._untold or self._gather():
            part = self._untold[: _fitting(self._untold)]
            try:
                await self._send(part)
            except IronForgeError:
                self._troubles += 1
                raise
            self._troubles = 0
            del self._untold[: len(part)]

    def _gather(self) -> bool:
        """Collect what was said since; tell whether there is any."""
        if self.has_news:
            self.has_news = False
            for attempt in self._leases.open():
                # More than one when it wrote more lines than a report may have.
                while told := attempt.reports.take(_LINES_A_REPORT):
                    self._untold.append({**attempt.lease.key(), **told})
        return bool(self._untold)

    async def _send(self, part: Sequence[Document]) -> None:
        try:
            await run(report(part, _ONCE), self._connection)
        except ProblemError as error:
            if error.code == "queue_full":
                # Nothing of it is needed to end an attempt, and the end must not wait for memory.
                _log.warning("%d reports were dropped: %s", len(part), error)
            elif may_pass(error):
                raise
            elif len(part) > 1:
                # One of them is refused, which must not cost the others.
                for document in part:
                    await self._send([document])
            else:
                _log.error("a report was refused and is dropped: %s", error)


def _fitting(documents: Sequence[Document]) -> int:
    """Return how many of the documents fit into one request; at least one."""
    size = 0
    for count, document in enumerate(documents):
        size += len(encode(document))
        if count == MAX_BATCH or (count and size > MAX_BODY_BYTES):
            return count
    return len(documents)
