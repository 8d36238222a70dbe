"""How much may wait for the store: beyond it a request is refused at once, for waiting would only fill memory.

Single jobs and bulk requests have room of their own, and of the latter each namespace at most half: nobody's bulk
requests keep others from submitting.
"""

from __future__ import annotations

from collections import Counter

from jobs.domain.errors import BackendUnavailable

MAX_SINGLES = 10_000
MAX_BULK_JOBS = 40_000
MAX_BULK_JOBS_EACH = 20_000
# Of either kind.
MAX_BYTES = 64 * 1024 * 1024


class WaitingRoom:
    """Counts what waits, in jobs and bytes."""

    def __init__(self) -> None:
        self.singles = 0
        self.single_bytes = 0
        self.bulk_jobs = 0
        self.bulk_bytes = 0
        self._bulk_of: Counter[str] = Counter()

    def enter_single(self, size_bytes: int) -> None:
        """Take room for one job. Raises BackendUnavailable `overloaded`."""
        if self.singles >= MAX_SINGLES or self.single_bytes + size_bytes > MAX_BYTES:
            raise _full()
        self.singles += 1
        self.single_bytes += size_bytes

    def leave_single(self, size_bytes: int) -> None:
        """Give it back."""
        self.singles -= 1
        self.single_bytes -= size_bytes

    def require_bulk(self, namespace: str, jobs: int, size_bytes: int) -> None:
        """Pass if there is room for so many jobs. Raises BackendUnavailable `overloaded`."""
        if (
            self.bulk_jobs + jobs > MAX_BULK_JOBS
            or self._bulk_of[namespace] + jobs > MAX_BULK_JOBS_EACH
            or self.bulk_bytes + size_bytes > MAX_BYTES
        ):
            raise _full()

    def enter_bulk(self, namespace: str, jobs: int, size_bytes: int) -> None:
        """Take room for the jobs of a request. Raises BackendUnavailable `overloaded`."""
        self.require_bulk(namespace, jobs, size_bytes)
        self.bulk_jobs += jobs
        self.bulk_bytes += size_bytes
        self._bulk_of[namespace] += jobs

    def leave_bulk(self, namespace: str, jobs: int, size_bytes: int) -> None:
        """Give some of it back, as soon as it is answered."""
        self.bulk_jobs -= jobs
        self.bulk_bytes -= size_bytes
        self._bulk_of[namespace] -= jobs
        if self._bulk_of[namespace] <= 0:
            del self._bulk_of[namespace]


def _full() -> BackendUnavailable:
    return BackendUnavailable("Too many requests wait for the store.", code="overloaded")
