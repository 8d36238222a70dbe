"""What a job leaves behind: one line in a file, with the machine-wide monotonic clock in microseconds."""

from __future__ import annotations

import os
import time
from typing import Any

_FILE = os.open(os.environ["BENCH_STAMPS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
NAP_S = 0.005


def note(payload: dict[str, Any]) -> None:
    """Write down when the job was sent and when it runs; one short append is one write, whole or not at all."""
    os.write(_FILE, b"%d %d\n" % (payload.get("number", payload.get("sent_us", 0)), time.monotonic_ns() // 1000))
