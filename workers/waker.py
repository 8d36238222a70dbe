"""Waits for hints that there is work, so that an idle worker starts a new job within a millisecond."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence

from jobs.backends.base import Wake
from jobs.domain.errors import BackendUnavailable
from jobs.telemetry.logs import log_event

WAIT_S = 1.0


class Waker:
    """Waits until hints are wanted, then for a hint, for ever. A busy worker leaves the hints to others."""

    def __init__(self, wake: Wake, queues: Sequence[str], tell: Callable[[], None], logger: logging.Logger) -> None:
        self.last_ok = time.monotonic()
        self._wake = wake
        self._queues = queues
        self._tell = tell
        self._logger = logger
        self._wanted = asyncio.Event()

    def want(self, *, is_wanted: bool) -> None:
        """Say whether the worker has room for work."""
        if is_wanted:
            self._wanted.set()
        else:
            self._wanted.clear()

    async def run(self) -> None:
        """Pass hints on until cancelled. No failure ends it."""
        while True:
            await self._wanted.wait()
            try:
                if await self._wake.wait(self._queues, WAIT_S):
                    self._tell()
                self.last_ok = time.monotonic()
            except BackendUnavailable:
                # Told by the exchange, which asks the same store.
                await asyncio.sleep(random.uniform(0.2, 0.8))
            except Exception as error:  # noqa: BLE001 (the supervisor of this loop)
                log_event(self._logger, "loop.crashed", level=logging.ERROR, exception=error, loop="waker")
                await asyncio.sleep(random.uniform(0.5, 1.0))

    def close(self) -> None:
        """Give the connection back."""
        self._wake.close()
