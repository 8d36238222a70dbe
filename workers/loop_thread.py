"""A loop in a thread of its own that never dies: what goes wrong is logged, and the next round comes after a pause."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

from jobs.domain.errors import BackendUnavailable
from jobs.telemetry.logs import log_event

MAX_CRASH_PAUSE_S = 5.0
STALLED_AFTER_ROUNDS = 3
LEAST_STALL_S = 5.0

Step = Callable[[], float | None]
Rebuild = Callable[[], None]


class LoopThread:
    """Calls `step` every `interval_s` (jittered) until stopped; `step` returns the pause it wants, or None for that.

    `rebuild` drops the loop's connections, also at its end. `last_ok` is the monotonic time of the last good round.
    """

    def __init__(
        self,
        name: str,
        step: Step,
        rebuild: Rebuild,
        *,
        interval_s: float,
        logger: logging.Logger,
    ) -> None:
        self.name = name
        self.last_ok = time.monotonic()
        self._step = step
        self._rebuild = rebuild
        self._interval_s = interval_s
        self._logger = logger
        self._crashes = 0
        self._is_stopping = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"ironforge-{name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the loop to end after its present round."""
        self._is_stopping = True
        self._wake.set()

    def hurry(self) -> None:
        """Have the next round come at once, from any thread."""
        self._wake.set()

    def rebuild(self) -> None:
        """Drop the loop's connections, from any thread: a round that hangs in one of them ends."""
        self._rebuild()

    def join(self, seconds: float) -> None:
        """Wait for the end, but not for ever: the thread is a daemon."""
        self._thread.join(seconds)

    def is_stalled(self) -> bool:
        """Tell whether the loop made no progress for three rounds and at least 5 s."""
        allowed_s = max(LEAST_STALL_S, STALLED_AFTER_ROUNDS * self._interval_s)
        return time.monotonic() - self.last_ok > allowed_s

    def _run(self) -> None:
        while not self._is_stopping:
            self._wake.clear()
            # Whoever stops the loop from here on sets it again, and whoever did so before is seen.
            if not self._is_stopping:
                self._wake.wait(self._round())
        self._rebuild()

    def _round(self) -> float:
        try:
            wanted_s = self._step()
        except BackendUnavailable:
            # Told by the link. The next try comes soon, whatever the interval, so that work resumes within seconds.
            return random.uniform(0.2, 0.8)
        except Exception as error:  # noqa: BLE001 (the supervisor of the loop)
            self._crashes += 1
            log_event(self._logger, "loop.crashed", level=logging.ERROR, exception=error, loop=self.name)
            self._rebuild()
            pause_s: float = min(MAX_CRASH_PAUSE_S, 0.2 * 2.0 ** min(self._crashes, 10))
            return pause_s * random.uniform(0.5, 1.0)
        self._crashes = 0
        self.last_ok = time.monotonic()
        return self._interval_s * random.uniform(0.9, 1.0) if wanted_s is None else wanted_s
