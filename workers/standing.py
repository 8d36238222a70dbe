"""Whether a worker takes jobs: somebody may want it quiet by a signal, somebody else by an order through the store."""

from __future__ import annotations

import logging
from collections.abc import Callable

from jobs import wiring
from jobs.backends.call import Call
from jobs.domain.worker import WorkerOrder
from jobs.telemetry.logs import log_event
from workers.heartbeat import Heartbeat
from workers.place import Place
from workers.traffic import Traffic

SIGNAL, ORDER = "signal", "order"
RESUME = {
    SIGNAL: "It takes no job until SIGCONT: kill -CONT {pid}",
    ORDER: "It takes no job until it is resumed on the page Workers or by POST /workers/{{id}}/resume",
}


def inherited_order(place: Place, namespace: str, worker_id: str) -> Call[bool] | None:
    """Return what gives a worker the order that the one before it had, None where that had none."""
    return wiring.backend().operator(namespace).order(worker_id, WorkerOrder.QUIET) if place.has_quiet_order else None


class Standing:
    """Takes both into account: a worker works again once nobody wants it quiet. For the event loop's own callers."""

    def __init__(
        self,
        lanes: Traffic,
        heartbeat: Heartbeat,
        logger: logging.Logger,
        stop: Callable[[], None],
        *,
        tell: Callable[[], None],
        place: Place,
    ) -> None:
        """`stop` ends the worker; `tell` has others hear soon that its standing changed."""
        self._tell = tell
        self._lanes = lanes
        self._heartbeat = heartbeat
        self._logger = logger
        self._stop = stop
        self._place = place
        self._wanted_by: set[str] = set()

    def begin(self) -> None:
        """Be as quiet as the process before was in this place."""
        if self._place.is_quiet:
            self.quiet()
        if self._place.has_quiet_order:
            self._want(ORDER, is_quiet=True)

    def obey(self, order: WorkerOrder) -> None:
        """Do what somebody told the worker through the store."""
        if order is WorkerOrder.TERMINATE:
            log_event(self._logger, "worker.ordered", order=order.value)
            self._stop()
        else:
            is_quiet = order is WorkerOrder.QUIET
            self._place.note_order(is_quiet)
            self._want(ORDER, is_quiet=is_quiet)

    def quiet(self) -> None:
        """Take nothing new, as after SIGTSTP."""
        self._want(SIGNAL, is_quiet=True)

    def resume(self) -> None:
        """Take jobs again, as after SIGCONT, unless an order says otherwise."""
        self._want(SIGNAL, is_quiet=False)

    def _want(self, by: str, *, is_quiet: bool) -> None:
        was_quiet = bool(self._wanted_by)
        (self._wanted_by.add if is_quiet else self._wanted_by.discard)(by)
        if bool(self._wanted_by) == was_quiet or self._heartbeat.status == "draining":
            return
        # Before it is said: whoever reads that a worker is quiet may rely on it.
        (self._lanes.quiet if is_quiet else self._lanes.resume)()
        hint = RESUME[by].format(pid=self._place.signal_pid) if is_quiet else None
        log_event(self._logger, "worker.quiet" if is_quiet else "worker.resumed", by=by, hint=hint)
        self._heartbeat.status = "quiet" if is_quiet else "running"
        self._tell()
