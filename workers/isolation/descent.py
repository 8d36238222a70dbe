"""What descends from a process, as the kernel has it: a group or a session of its own takes nobody out of that."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

# How often to look again for what was forked while the rest was being stopped.
_LOOKS = 4


def kill_with_descendants(pid: int) -> None:
    """Kill a child of this process and all that descends from it; where the kernel does not tell, the child alone."""
    # Who stands still starts nothing more and buries nobody, so no id in here can come to name another process.
    family = [pid]
    _send(pid, signal.SIGSTOP)
    for _ in range(_LOOKS):
        found = [heir for heir in _descendants(pid) if heir not in family]
        for heir in found:
            _send(heir, signal.SIGSTOP)
        family += found
        if not found:
            break
    for member in reversed(family):
        _send(member, signal.SIGKILL)


def heirs_of(pid: int) -> dict[int, str]:
    """Return what descends from a process now, each with its birth: an id alone may name another process later."""
    return {heir: born for heir in _descendants(pid) if (born := _birth(heir))}


def kill_heirs(heirs: dict[int, str]) -> None:
    """Kill those that are still there, and what descends from them: whom they descended from may be gone."""
    for pid, born in heirs.items():
        if _birth(pid) == born:
            kill_with_descendants(pid)


def _birth(pid: int) -> str:
    """Return when a process began, as the kernel counts; an empty text for none."""
    with suppress(OSError):
        # Behind the name, which may hold anything: proc(5), field 22.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ""


def _descendants(pid: int) -> list[int]:
    found = _children(pid)
    for heir in found:  # which grows meanwhile
        found += _children(heir)
    return found


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        told = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/children")]
        return [int(child) for line in told for child in line.split()]
    return []


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
