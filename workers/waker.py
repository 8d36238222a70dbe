"""Waits for hints that there is work, so that an idle worker starts a new job within milliseconds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from jobs.backends.base import Wake
from jobs.domain.errors import BackendUnavailable

WAIT_S = 1.0


class Waker:
    """One round: wait until hints are wanted, then for a hint. A busy worker leaves the hints to others."""

    def __init__(
        self, connect: Callable[[], Wake], queues: Sequence[str], tell: Callable[[], None], logger: logging.Logger
    ) -> None:
        self._connect = connect
        self._queues = queues
        self._tell = tell
        self._logger = logger
        self._wanted = threading.Event()
        self._wake: Wake | None = None

    def want(self, *, is_wanted: bool) -> None:
        """Say whether the worker has room for work."""
        if is_wanted:
            self._wanted.set()
        else:
            self._wanted.clear()

    def wait(self) -> float:
        """Do one round; the next may follow at once. Raises BackendUnavailable."""
        if not self._wanted.wait(WAIT_S):
            return 0.0
        try:
            if self._wake is None:
                self._wake = self._connect()
            if self._wake.wait(self._queues, WAIT_S):
                self._tell()
        except BackendUnavailable:
            self.rebuild()
            raise
        return 0.0

    def rebuild(self) -> None:
        """Drop the connection; the next round makes a new one."""
        wake, self._wake = self._wake, None
        if wake is not None:
            wake.close()
