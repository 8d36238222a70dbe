"""Starts the loops, one thread each, and keeps them going whatever a round raises."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import close_old_connections, connections

from jobs.domain.errors import BackendUnavailable
from jobs.loops.alerts import AlertsLoop
from jobs.loops.directory import DirectoryLoop
from jobs.loops.history import HistoryLoop
from jobs.loops.operations import OperationsLoop
from jobs.loops.schedules import SchedulesLoop
from jobs.telemetry import progress
from jobs.telemetry.logs import get_logger, log_event

_LONGEST_PAUSE_S = 10.0
# While the store is away.
_LONGEST_WAIT_S = 2.0
_PREFIX = "loop-"
_log = get_logger("server")


@dataclass(frozen=True, slots=True)
class Loop:
    """What is done again and again. A round returns True when there may be more to do at once."""

    name: str
    round: Callable[[], bool]
    interval_s: float


class RunningLoops:
    """The loops of this process."""

    def __init__(self, loops: Sequence[Loop]) -> None:
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._go, args=(loop,), name=f"{_PREFIX}{loop.name}", daemon=True) for loop in loops
        ]
        for thread in self._threads:
            thread.start()

    @property
    def names(self) -> list[str]:
        """Return which there are."""
        return [thread.name.removeprefix(_PREFIX) for thread in self._threads]

    @property
    def left(self) -> list[str]:
        """Return which have not ended."""
        return [thread.name.removeprefix(_PREFIX) for thread in self._threads if thread.is_alive()]

    def ask_to_stop(self) -> None:
        """Let each loop end its round; its next one does not begin."""
        self._stopping.set()

    def stop(self, timeout_s: float = 3.0) -> None:
        """Let each loop end its round, and wait for all of them together."""
        self.ask_to_stop()
        give_up_at = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, give_up_at - time.monotonic()))

    def _go(self, loop: Loop) -> None:
        pause_s = loop.interval_s
        progress.report_ok(loop.name)
        try:
            while not self._stopping.wait(pause_s):
                pause_s = self._try_round(loop, pause_s)
        finally:
            progress.forget(loop.name)
            connections.close_all()

    def _try_round(self, loop: Loop, pause_s: float) -> float:
        """Return how long to pause before the next round."""
        close_old_connections()
        try:
            has_more = loop.round()
        except BackendUnavailable as away:
            # Nothing is wrong with the loop: it is soon back when the store is. Told once, not each time.
            if pause_s <= loop.interval_s:
                log_event(_log, "loop.waits", level=logging.WARNING, loop=loop.name, detail=away.detail)
            return min(max(pause_s, loop.interval_s) * 2, max(_LONGEST_WAIT_S, loop.interval_s))
        except Exception as failure:  # noqa: BLE001 - a loop that ended would be missed by nobody
            log_event(_log, "loop.failed", level=logging.WARNING, exception=failure, loop=loop.name)
            return min(max(pause_s, loop.interval_s) * 2, _LONGEST_PAUSE_S)
        finally:
            # Between two rounds a loop keeps no file of the database open.
            close_old_connections()
        progress.report_ok(loop.name)
        return 0.0 if has_more else loop.interval_s


def start() -> RunningLoops:
    """Start all loops; stop them with `.stop()`."""
    operations, schedules, directory = OperationsLoop(), SchedulesLoop(), DirectoryLoop()
    history, alerts = HistoryLoop(), AlertsLoop()
    loops = [
        Loop("operations", operations.round, 0.5),
        Loop("schedules", schedules.round, 0.25),
        Loop("directory", directory.round, 2.0),
        Loop("history", history.round, 1.0),
        Loop("alerts", alerts.round, 1.0),
    ]
    return RunningLoops(loops)
