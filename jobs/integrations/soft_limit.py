"""Celery's soft time limit: an exception in the task, which may clean up before the hard limit ends it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from billiard.exceptions import SoftTimeLimitExceeded


@contextmanager
def soft_limit(limit_s: float | None) -> Iterator[None]:
    """Raise SoftTimeLimitExceeded in the block after so many seconds; None: never. Only in a main thread."""
    if not limit_s:
        yield
        return
    before = signal.signal(signal.SIGALRM, _over)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _over(number: int, frame: FrameType | None) -> NoReturn:
    raise SoftTimeLimitExceeded
