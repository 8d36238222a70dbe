"""Looks now and then through all jobs of a namespace for what does not fit together, and puts it right.

It looks when the first worker starts, after the store restarted or another took over, and every five minutes; of many
workers one does, a part in each round, so that no other loop of the store waits for it.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Generator
from typing import Any

from jobs.backends.call import Call
from jobs.backends.maintainer import Maintainer
from jobs.backends.reconciliation import Counting, Reconciled, walk
from jobs.domain.errors import BackendUnavailable
from jobs.telemetry.logs import log_event
from workers.store_link import StoreLink

INTERVAL_MS = 300_000
_ASK_EVERY_S = 5.0
_STEPS_A_ROUND = 20


class Reconciler:
    """The walks through one namespace, a bounded part of one in each round."""

    def __init__(self, maintainer: Maintainer, link: StoreLink, lease_ms: int, logger: logging.Logger) -> None:
        self._maintainer = maintainer
        self._link = link
        self._lease_ms = lease_ms
        self._logger = logger
        self._ask_at = 0.0
        self._asker = secrets.token_hex(8)
        self._walk: Generator[Call[Any], Any, Reconciled] | None = None
        self._next: Call[Any] | None = None
        self._began = 0.0

    @property
    def is_walking(self) -> bool:
        """Tell whether a walk is under way."""
        return self._walk is not None

    def step(self) -> None:
        """Go on with a walk, or ask whether one is due. Raises BackendUnavailable; the next round goes on.

        Whatever else goes wrong ends the walk, and only that: promotion and retention do not depend on it.
        """
        try:
            self._go_on()
        except BackendUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 (a fault in one step must not end the worker's other upkeep)
            self._walk = self._next = None
            log_event(self._logger, "store.walk_failed", level=logging.ERROR, exception=error)

    def _go_on(self) -> None:
        if self._walk is None and time.monotonic() >= self._ask_at:
            self._ask_at = time.monotonic() + _ASK_EVERY_S
            queues = self._link.run(self._maintainer.reconcile_due(INTERVAL_MS, self._asker))
            # Kept until an answer came: where it was lost, somebody must still be told to look.
            self._asker = secrets.token_hex(8)
            if queues is not None:
                self._began = time.monotonic()
                self._walk = walk(self._maintainer, queues, self._lease_ms)
                self._next = next(self._walk)
        for _ in range(_STEPS_A_ROUND):
            if self._walk is None or self._next is None:
                return
            answer = self._link.run(self._next)
            try:
                self._next = self._walk.send(answer)
            except StopIteration as end:
                self._walk = self._next = None
                self._say(end.value)

    def _say(self, done: Reconciled) -> None:
        took_ms = round((time.monotonic() - self._began) * 1000)
        if done.is_clean:
            log_event(self._logger, "store.reconciled", level=logging.DEBUG, duration_ms=took_ms)
            return
        log_event(
            self._logger,
            "store.repaired",
            level=logging.ERROR if done.counting is Counting.TOO_MANY else logging.WARNING,
            duration_ms=took_ms,
            jobs_put_back=done.jobs_put_back,
            entries_taken_out=done.entries_taken_out,
            steps_lost=done.steps_lost,
            steps_mended=done.steps_mended,
            counts=done.counting,
            examples=",".join(done.examples),
        )
