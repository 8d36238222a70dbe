"""What processes saw, on disk and outside the store: one line of JSON an event, whole or not there at all."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

Line = dict[str, Any]


class Ledger:
    """Appends lines to a file that any number of processes share. A line is on disk when `write` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, event: str, **facts: object) -> None:
        """Append one event. `at_ms` is this machine's clock, which is the store's too, whatever a jump pretends."""
        line = {"event": event, "at_ms": now_ms(), "mono_ns": time.monotonic_ns(), "pid": os.getpid(), **facts}
        # One write of one line with O_APPEND: lines of several processes never mix.
        os.write(self._file, (json.dumps(line) + "\n").encode())
        os.fdatasync(self._file)


def now_ms() -> float:
    """Return the true time (Unix ms), also in a process whose clock was made to jump."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME) / 1_000_000


def lines_of(path: Path) -> list[Line]:
    """Return all lines in the order in which they were written; [] when nobody wrote any."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
