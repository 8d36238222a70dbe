"""Waits for what processes do, with a limit and without guessing how long it takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

# What comes is not waited for, so a machine at a fraction of its speed may have all the time it needs.
WAIT_S = 60.0


def until(condition: Callable[[], bool], wait_s: float = WAIT_S) -> None:
    """Return when the condition holds; fail when it does not within its time."""
    give_up_at = time.monotonic() + wait_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < give_up_at
        pause.wait(0.005)
