"""What this worker holds. The loop adds and removes, the heart looks."""

from __future__ import annotations

import threading

from ironforge_client.worker.attempt import Attempt


class LeaseTable:
    """The attempts by token: one that lost its lease may still run while the job is here again."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self._held: dict[str, Attempt] = {}

    def __len__(self) -> int:
        return len(self._held)

    @property
    def room(self) -> int:
        """Return how many more jobs there is room for."""
        return self._concurrency - len(self._held)

    def add(self, attempt: Attempt) -> bool:
        """Add an attempt; False when its lease is there already, for a claim may be answered twice."""
        with self._lock:
            return self._held.setdefault(attempt.lease.token, attempt) is attempt

    def remove_done(self, attempt: Attempt) -> bool:
        """Remove an attempt that has ended and is recorded; tell whether it did."""
        if not (attempt.is_ended and attempt.is_recorded):
            return False
        with self._lock:
            return self._held.pop(attempt.lease.token, None) is not None

    def all(self) -> list[Attempt]:
        """Return all attempts."""
        with self._lock:
            return list(self._held.values())

    def open(self) -> list[Attempt]:
        """Return the attempts whose lease is still of use: those whose outcome is not recorded."""
        return [attempt for attempt in self.all() if not (attempt.is_recorded or attempt.is_lost)]
