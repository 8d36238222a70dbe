"""The attempts of one process that failed, counted by group until the heartbeat tells the store of them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from jobs import wiring
from jobs.conf import conf
from jobs.domain.error_group import Blame, ErrorTally
from jobs.domain.errors import BackendUnavailable
from jobs.domain.job import Job
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.status import Status
from jobs.telemetry.logs import log_event
from workers.store_link import StoreLink

_FAILED = frozenset({Status.FAILED, Status.DEAD_LETTER})


class Faults:
    """Noted on the event loop, told by another thread. What a process knows when it is killed is lost."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._version = conf().app_version
        self._lock = threading.Lock()
        self._tallies: dict[str, ErrorTally] = {}

    def note(self, job: Job, settlement: Settlement, status: Status) -> None:
        """Count an attempt if it failed; `status` is what that made of its job."""
        error = settlement.error
        if error is None or not error.type or (status not in _FAILED and settlement.outcome is not OutcomeKind.CRASHED):
            return
        tally = self._tallies.get(job.namespace)
        if tally is None:
            with self._lock:
                tally = self._tallies[job.namespace] = ErrorTally()
        tally.note(job.kind, job.id, error.bounded(), status, self._version)

    def tell(self, link: StoreLink) -> None:
        """Tell the store what failed since the last time, if it answers. Never raises: nothing depends on it."""
        with self._lock:
            tallies = [(name, tally) for name, tally in self._tallies.items() if len(tally)]
        told: list[tuple[ErrorTally, Sequence[Blame]]] = []
        try:
            for name, tally in tallies:
                told.append((tally, tally.take()))
                link.run(wiring.backend().error_groups(name).blame(told[-1][1]))
                told.pop()
        except BackendUnavailable:
            for tally, blames in told:
                tally.put_back(blames)
        except Exception as error:  # noqa: BLE001 (leases are kept by the same thread)
            log_event(self._logger, "faults.untold", level=logging.ERROR, exception=error)
