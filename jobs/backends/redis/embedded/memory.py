"""How much memory this process may use: the machine's, or less if a control group says so."""

from __future__ import annotations

import os
from pathlib import Path


def memory_total_bytes(root: Path = Path("/")) -> int:
    """Return the memory of the machine or of the control group this process is in, whichever is smaller."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_group_limits(root)])


def _group_limits(root: Path) -> list[int]:
    groups = root / "sys/fs/cgroup"
    candidates = [groups / "memory.max", groups / "memory/memory.limit_in_bytes"]
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="ascii").splitlines()
    except OSError:
        lines = []
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if not controllers:
            # A limit on any group above holds as well.
            parts = [part for part in name.split("/") if part]
            candidates += [groups.joinpath(*parts[:depth], "memory.max") for depth in range(1, len(parts) + 1)]
        elif "memory" in controllers.split(","):
            candidates.append(groups / "memory" / name.lstrip("/") / "memory.limit_in_bytes")
    return [limit for limit in map(_read_limit, candidates) if limit]


def _read_limit(path: Path) -> int:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0
