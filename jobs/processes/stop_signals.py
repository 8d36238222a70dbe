"""Signals of the supervisor: how often it was asked to stop, and a wait that any signal ends at once."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from types import FrameType
from typing import Final

from jobs.domain.stop_request import StopRequests

_STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """Counts Ctrl-C, SIGTERM and SIGHUP. One object a process, used from the main thread."""

    def __init__(self) -> None:
        self._requests = StopRequests()
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)

    def install(self) -> None:
        """Take over the signals; one that the starter chose to ignore with `nohup` stays ignored."""
        for number in _STOPPING:
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._requested)
        signal.signal(signal.SIGCHLD, self._child_changed)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)

    @property
    def count(self) -> int:
        """Return how often somebody asked to stop."""
        return self._requests.count

    @property
    def is_requested(self) -> bool:
        """Say whether somebody asked to stop."""
        return self.count > 0

    def wait(self, timeout_s: float) -> None:
        """Sleep until a signal arrives, a child changes, or `wake` is called; at most `timeout_s`."""
        select.select([self._reader], [], [], max(0.0, timeout_s))
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 4096)

    def wake(self) -> None:
        """End the present or the next wait; from any thread."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, b"\0")

    def _requested(self, number: int, frame: FrameType | None) -> None:
        self._requests.note(time.monotonic())

    def _child_changed(self, number: int, frame: FrameType | None) -> None:
        """Exist, so that the end of a child wakes the wait."""
