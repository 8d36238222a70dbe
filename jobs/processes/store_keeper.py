"""Keeps the embedded store running, from a thread: loading may take minutes, and Ctrl-C must be heard meanwhile."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from jobs.domain.errors import IronForgeError
from jobs.processes.restart_delay import RestartDelay
from jobs.telemetry.logs import get_logger, log_event

_LOOK_EVERY_S: Final = 0.1

_log = get_logger("supervisor")


class SupervisedStore(Protocol):
    """What is asked of the embedded store. It is used from one thread at a time."""

    def start(self, cancelled: threading.Event | None = None) -> None:
        """Start it, or adopt the one that runs, and return when it answers."""

    def poll(self) -> IronForgeError | None:
        """Return None while it runs, then why it ended."""

    def restart(self, cancelled: threading.Event | None = None) -> None:
        """Start it again after it ended."""

    def stop(self) -> None:
        """Let it flush and end."""


class StoreKeeper:
    """Starts the store, starts it again whenever it ends, and shuts it down."""

    def __init__(self, store: SupervisedStore, *, wake: Callable[[], None]) -> None:
        self.failure: IronForgeError | None = None  # why the first start failed
        self._store = store
        self._wake = wake
        self._delay = RestartDelay()
        self._cancelled = threading.Event()
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store keeper", daemon=True)

    @property
    def is_up(self) -> bool:
        """Say whether the store has answered once."""
        return self._is_up.is_set()

    def start(self) -> None:
        """Begin; `wake` is called when the store is up or has failed."""
        self._thread.start()

    def stop(self) -> None:
        """Shut the store down cleanly and wait for its end."""
        self._cancelled.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._store.stop()

    def _run(self) -> None:
        try:
            self._store.start(self._cancelled)
        except IronForgeError as failure:
            self.failure = failure
            self._wake()
            return
        self._is_up.set()
        self._wake()
        started_at = time.monotonic()
        while not self._cancelled.wait(_LOOK_EVERY_S):
            ended = self._store.poll()
            if ended is not None:
                self._ended(ended, time.monotonic() - started_at)
                started_at = time.monotonic()

    def _ended(self, reason: IronForgeError, lived_s: float) -> None:
        """Wait as long as such a short life asks for, then try once; the loop comes back if that fails."""
        delay_s = self._delay.after_life_of(lived_s)
        log_event(
            _log,
            "store.exited",
            level=logging.ERROR,
            code=reason.code,
            message=reason.detail,
            lived_ms=round(lived_s * 1000),
            restart_in_ms=round(delay_s * 1000),
        )
        if self._cancelled.wait(delay_s):
            return
        try:
            self._store.restart(self._cancelled)
        except IronForgeError as failure:
            if not self._cancelled.is_set():
                log_event(_log, "store.restart_failed", level=logging.ERROR, code=failure.code, message=failure.detail)
