"""One attempt that this worker holds: its lease, how long that can be trusted, and whether it shall stop."""

from __future__ import annotations

import threading
import time
from enum import StrEnum
from typing import Any

from ironforge_client.worker.protocol import Document, Lease


class StopReason(StrEnum):
    """Why a handler was asked to stop before its end."""

    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    LEASE_LOST = "lease_lost"
    SHUTDOWN = "shutdown"


class Attempt:
    """State of one attempt. The loop changes it, except for `trusted_until`, which the heart moves on.

    It leaves the worker when its handler has ended and its outcome is recorded, or is nobody's any more.
    """

    def __init__(self, lease: Lease, trusted_until: float) -> None:
        self.lease = lease
        self.trusted_until = trusted_until  # of the monotonic clock
        self.stop_reason: StopReason | None = None
        self.has_begun = False  # the handler
        self.is_ended = False  # the handler
        self.is_recorded = False  # the outcome, or that there is none to record
        self.settlement: Document | None = None
        self.started = time.monotonic()
        self.reports = Reports()

    @property
    def is_stopped(self) -> bool:
        """Tell whether the handler should end; right in every thread, and while the loop is busy."""
        return self.stop_reason is not None or time.monotonic() > self.trusted_until

    @property
    def is_lost(self) -> bool:
        """Tell whether nothing more can be said of this attempt."""
        return self.stop_reason is StopReason.LEASE_LOST


class Reports:
    """What a handler said of itself and the server was not told yet. Handlers write it, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._progress: Document | None = None
        self._lines: list[str] = []
        self._checkpoint: tuple[Any] | None = None

    @property
    def has_some(self) -> bool:
        """Tell whether there is anything to tell."""
        return bool(self._progress or self._lines or self._checkpoint)

    def progress(self, fraction: float, text: str) -> None:
        """Note how far it is; only the newest counts."""
        with self._lock:
            self._progress = {"fraction": fraction, "text": text}

    def line(self, text: str, limit: int) -> None:
        """Note a line of log; of more than `limit` that wait, the oldest go."""
        with self._lock:
            self._lines.append(text)
            del self._lines[:-limit]

    def checkpoint(self, data: Any) -> None:
        """Note where the next attempt goes on; only the newest counts."""
        with self._lock:
            self._checkpoint = (data,)

    def take(self, limit: int) -> Document:
        """Return what there is to tell, with at most `limit` lines, and forget it; {} for nothing.

        It bears a number, so that telling it again changes nothing.
        """
        with self._lock:
            found: Document = {}
            if self._progress is not None:
                found["progress"] = self._progress
            if self._lines:
                found["log"] = self._lines[:limit]
            if self._checkpoint is not None:
                found["checkpoint"] = self._checkpoint[0]
            self._progress = self._checkpoint = None
            del self._lines[:limit]
            if found:
                self._count += 1
                found["number"] = self._count
            return found
