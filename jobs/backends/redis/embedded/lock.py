"""Exclusive file locks: two servers on one data directory would both start, and lose acknowledged writes."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from jobs.backends.redis.embedded.errors import DataDirUnusable, StoreLocked


class FileLock:
    """An flock on one file, freed by the kernel when the last process that has it open ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    @property
    def is_held(self) -> bool:
        return self._fd is not None

    def acquire(self) -> None:
        """Take the lock and write this process's number into it. Raises StoreLocked, DataDirUnusable."""
        if not self.try_acquire():
            raise StoreLocked(self.holder())
        os.ftruncate(self.fileno(), 0)
        os.pwrite(self.fileno(), f"{os.getpid()}\n".encode(), 0)

    def try_acquire(self) -> bool:
        """Take the lock if nobody else has it. Raises DataDirUnusable if the place cannot hold a lock."""
        if self._fd is not None:
            return True
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DataDirUnusable(f"Cannot write {self._path}: {error.strerror}.") from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return False
            raise DataDirUnusable(f"The file system of {self._path} has no locks: {error.strerror}.") from error
        self._fd = fd
        return True

    def fileno(self) -> int:
        """Return the open descriptor, to hand to a child that is to hold the lock as long as it lives."""
        if self._fd is None:
            raise ValueError(f"{self._path} is not held")
        return self._fd

    def holder(self) -> int:
        """Return the process number that the holder wrote, 0 if there is none."""
        try:
            return int(self._path.read_text(encoding="ascii").strip() or "0")
        except (OSError, ValueError):
            return 0

    def replace(self) -> None:
        """Start over with a fresh file; only right when the old holder is known to be harmless."""
        self.release()
        self._path.unlink(missing_ok=True)

    def release(self) -> None:
        """Give up this process's hold. A child that was handed the descriptor keeps its own."""
        # No explicit LOCK_UN: it would free the lock for a child that shares the descriptor as well.
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
