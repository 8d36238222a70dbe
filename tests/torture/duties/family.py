"""Whose an attempt is: which worker process a child belongs to, and which steps a step stands after."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def worker_of_child() -> int:
    """Return the process id of the worker: between it and this child stands the process that forks children."""
    return _parent_of(_parent_of(os.getpid()))


def told_of(parents: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return how each parent of a step ended, and which attempt made the result that was handed over."""
    return {name: [parent["status"], (parent.get("result") or {}).get("made_by")] for name, parent in parents.items()}


def _parent_of(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("PPid:")).split()[1])
