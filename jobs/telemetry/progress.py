"""When each background loop of this process last got something right: what health reports show."""

from __future__ import annotations

import threading
import time

_lock = threading.Lock()
_last_ok: dict[str, float] = {}


def report_ok(loop: str) -> None:
    """Note that a round of the loop ended well."""
    with _lock:
        _last_ok[loop] = time.monotonic()


def forget(loop: str) -> None:
    """Note that the loop was stopped on purpose."""
    with _lock:
        _last_ok.pop(loop, None)


def seconds_since_ok() -> dict[str, float]:
    """Return the age of each loop's last good round in seconds."""
    now = time.monotonic()
    with _lock:
        return {loop: now - at for loop, at in _last_ok.items()}
