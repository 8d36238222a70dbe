"""Which worker process a child of isolation `process` belongs to."""

from __future__ import annotations

import os
from pathlib import Path


def worker_of_child() -> int:
    """Return the process id of the worker: between it and this child stands the process that forks children."""
    return _parent_of(_parent_of(os.getpid()))


def _parent_of(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("PPid:")).split()[1])
