"""What a store is asked about unique keys."""

from __future__ import annotations

from typing import Protocol

from jobs.backends.call import Call
from jobs.domain.unique import Lock, LockPlace


class Uniques(Protocol):
    """The unique keys of one namespace; each stands in the shard that its text gives."""

    def list_locks(self, after: LockPlace | None, limit: int) -> Call[list[Lock]]:
        """Return up to `limit` (≤ MAX_BATCH) keys that are held, those taken last first, from behind a place on."""

    def find(self, key: str) -> Call[Lock | None]:
        """Return who holds a key; None for nobody."""

    def release(self, key: str, holder: str) -> Call[bool]:
        """Take a key from the job that holds it, which goes on without; False: it does not hold it."""
