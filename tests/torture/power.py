"""The power of the store's machine: when it fails, what was not synced to the disk is gone.

A killed process loses nothing that it wrote, for the kernel keeps it. What a store with `everysec` may lose is what it
wrote in the last second, and that is what a failure of power takes off its append-only file here.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from pathlib import Path

UNSAFE_S = 1.0
SAMPLE_S = 0.05


class Power:
    """Watches how the append-only files of a store grow."""

    def __init__(self, store_dir: Path) -> None:
        self._folder = store_dir / "appendonlydir"
        self._seen: deque[tuple[float, dict[Path, int]]] = deque(maxlen=int(10 / SAMPLE_S))
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="power", daemon=True)
        self._thread.start()

    def fail(self) -> None:
        """Take off what was written since a second before now, or since the first look. The store must be dead."""
        limit = time.monotonic() - UNSAFE_S
        synced = next((sizes for at, sizes in reversed(self._seen) if at < limit), None)
        for path in self._folder.glob("*.incr.aof"):
            size = (synced or {}).get(path)
            if size is not None and size < path.stat().st_size:
                with path.open("r+b") as file:
                    file.truncate(size)

    def close(self) -> None:
        """Stop watching."""
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(SAMPLE_S):
            sizes = {path: path.stat().st_size for path in self._folder.glob("*.incr.aof")}
            self._seen.append((time.monotonic(), sizes))
