"""A wall clock that jumps: the time of a process is the true time plus what a file says."""

from __future__ import annotations

import mmap
import struct
import time
from pathlib import Path

_FORM = struct.Struct("d")
_true_time_ns = time.time_ns


def set_offset(path: Path, seconds: float) -> None:
    """Let the clocks of all processes that follow this file jump to `seconds` from the true time."""
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.write(_FORM.pack(seconds))


def follow(path: Path) -> None:
    """Let `time.time` of this process follow the file, from now on and without asking the disk."""
    with path.open("rb") as file:
        seen = mmap.mmap(file.fileno(), _FORM.size, access=mmap.ACCESS_READ)

    def shifted_ns() -> int:
        return _true_time_ns() + int(_FORM.unpack_from(seen)[0] * 1_000_000_000)

    time.time_ns = shifted_ns
    time.time = lambda: shifted_ns() / 1_000_000_000
