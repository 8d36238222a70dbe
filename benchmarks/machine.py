"""Facts about the machine and the moment, so that a reader can judge a run."""

from __future__ import annotations

import os
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

_SHOWN = 8
_BUSY_TICKS = 5


def facts() -> dict[str, Any]:
    """Return what the machine is."""
    return {
        "processor": _first("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "system": _first("/etc/os-release", "PRETTY_NAME", "=").strip('"') or platform.system(),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Return the versions of what IronForge itself runs on."""
    names = ("Django", "djangorestframework", "redis", "hiredis", "msgspec", "uvloop", "uvicorn", "granian")
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def load() -> list[float]:
    """Return the load averages of 1, 5 and 15 minutes."""
    return [round(value, 2) for value in os.getloadavg()]


def others(seconds: float = 1.0) -> list[str]:
    """Return which other programs used the processor during a second, the busiest first, as `name 12 %`."""
    before = _ticks()
    time.sleep(seconds)
    after = _ticks()
    used = {pid: (name, ticks - before[pid][1]) for pid, (name, ticks) in after.items() if pid in before}
    busy = sorted(((ticks, name) for name, ticks in used.values() if ticks >= _BUSY_TICKS), reverse=True)
    percent = 100 / (os.sysconf("SC_CLK_TCK") * seconds)
    return [f"{name} {ticks * percent:.0f} %" for ticks, name in busy[:_SHOWN]]


def _ticks() -> dict[int, tuple[str, int]]:
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                head, _, rest = (folder / "stat").read_text(errors="replace").rpartition(")")
            except OSError:
                continue
            fields = rest.split()
            found[int(folder.name)] = (head.partition("(")[2], int(fields[11]) + int(fields[12]))
    return found


def _first(path: str, name: str, separator: str = ":") -> str:
    try:
        lines = Path(path).read_text(errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        key, found, value = line.partition(separator)
        if found and key.strip() == name:
            return value.strip()
    return ""
