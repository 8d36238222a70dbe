"""Says that the worker lives and extends its leases, from a thread and connections of its own."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence

from ironforge_client.client import run
from ironforge_client.connection import Connection, Place
from ironforge_client.errors import ConnectionFailed, IronForgeError, NotFound, ProblemError
from ironforge_client.exchange import Retrying
from ironforge_client.worker.attempt import Attempt
from ironforge_client.worker.ending import is_given_back
from ironforge_client.worker.lease_table import LeaseTable
from ironforge_client.worker.protocol import Options, Orders, Registered, farewell, heartbeat, register

_log = logging.getLogger("ironforge.worker")
_ONCE = Retrying(retries=0)
_LONGEST_PAUSE_S = 5.0


class Heart:
    """Beats three times a lease, or as often as the server says; `news` is called in its thread after each
    beat, with the attempts that it was about.

    It alone registers the worker: at the start, and again when the server has forgotten it.
    """

    def __init__(
        self,
        place: Place,
        options: Options,
        kinds: Sequence[str],
        leases: LeaseTable,
        *,
        news: Callable[[Orders, Sequence[Attempt]], None],
        failed: Callable[[IronForgeError], None],
    ) -> None:
        self.status = "running"
        self._options = options
        self._kinds = kinds
        self._leases = leases
        self._news = news
        self._failed = failed
        self._connection = Connection(place, connections=2)
        self._life: Registered | None = None
        self._wake = threading.Event()
        self._is_ending = False
        self._troubles = 0
        self._thread = threading.Thread(target=self._beat_on, name="heart", daemon=True)

    @property
    def worker_id(self) -> str | None:
        """Return the worker's present id, None before the server gave one."""
        return None if self._life is None else self._life.worker_id

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    @property
    def is_beating(self) -> bool:
        """Tell whether the thread is alive, without which every lease runs out."""
        return self._thread.is_alive()

    def beat_now(self) -> None:
        """Do not wait for the next beat."""
        self._wake.set()

    def forget(self, worker_id: str) -> None:
        """Register again, for the server does not know that id any more."""
        if self.worker_id == worker_id:
            self._life = None
        self.beat_now()

    def end(self) -> None:
        """End the beats, without waiting for the one that is under way."""
        self._is_ending = True
        self.beat_now()

    def stop(self) -> None:
        """End the beats and say farewell. Blocks for a few seconds at most.

        Jobs that are to run elsewhere are given back. What has ended in another way and could not be told is left to
        its lease: given back it would run a second time at once, even one that may run only once.
        """
        self.end()
        self._thread.join(self._options.lease_ms / 1000)
        held = [attempt.lease for attempt in self._leases.open() if is_given_back(attempt)]
        try:
            if self.worker_id is not None:
                run(farewell(self.worker_id, held, Retrying(retries=2, timeout_s=3.0)), self._connection)
        except IronForgeError as error:
            _log.warning("the server was not told of the end: %s", error)
        self._connection.close()

    def _beat_on(self) -> None:
        while not self._is_ending:
            self._wake.clear()
            try:
                pause_s = self._beat()
            except Exception:  # noqa: BLE001 (without this thread every lease is lost)
                _log.exception("no heartbeat")
                pause_s = self._trouble_s()
            self._wake.wait(pause_s)

    def _beat(self) -> float:
        """Beat once; return the seconds until the next beat."""
        try:
            if self._life is None:
                self._life = run(register(self._options, self._kinds, _ONCE), self._connection)
                _log.info("registered as %s", self._life.worker_id)
            self._extend(self._life, self._leases.open())
        except NotFound as error:
            if error.code != "worker_unknown":
                self._failed(error)
            self._life = None
            return 0.0 if error.code == "worker_unknown" else _LONGEST_PAUSE_S
        except IronForgeError as error:
            if not isinstance(error, ConnectionFailed) and not error.is_retryable:
                self._failed(error)
            _log.warning("no heartbeat: %s", error)
            return self._trouble_s()
        self._troubles = 0
        return min(self._life.heartbeat_s, self._options.lease_ms / 3000)

    def _trouble_s(self) -> float:
        """Count a failure; return the seconds until the next try."""
        self._troubles += 1
        reach = min(self._options.lease_ms / 4000, _LONGEST_PAUSE_S, 0.1 * 2.0 ** min(self._troubles, 10))
        # Full jitter with a floor, so that a refusing server is not asked without a pause.
        return random.uniform(reach / 4, reach)

    def _extend(self, life: Registered, held: Sequence[Attempt]) -> None:
        sent = time.monotonic()
        # Silence longer than this would cost the leases.
        once = Retrying(retries=0, timeout_s=max(1.0, self._options.lease_ms / 3000))
        orders = run(
            heartbeat(life.worker_id, self.status, [attempt.lease for attempt in held], self._options, once),
            self._connection,
        )
        for attempt in held:
            if attempt.lease.job.id in orders.extended:
                attempt.trusted_until = sent + self._options.lease_ms / 1000 - self._options.margin_s
        self._news(orders, held)


def is_hopeless(error: IronForgeError) -> bool:
    """Tell whether the same request cannot succeed later: a wrong key, or no IronForge with this protocol."""
    return isinstance(error, ProblemError) and error.status in (400, 401, 403, 404, 405, 422, 501)
