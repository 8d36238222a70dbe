"""The leases that this process holds, and until when it may trust each; shared by the loop and the heartbeat thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence

from jobs.domain.lease import Lease
from workers.context import StopMark

MAX_MARGIN_S = 1.0


class Held(StopMark):
    """A lease that this process holds, and the mark that its handler looks at."""

    __slots__ = ("lease",)

    def __init__(self, lease: Lease, trusted_until: float) -> None:
        super().__init__(trusted_until)
        self.lease = lease


def trusted_until(sent: float, lease_ms: int) -> float:
    """Return until when (monotonic s) a lease is ours whose claim or renewal was SENT at `sent`.

    The store counted from a later moment, so this is safe whatever the clocks of the two machines say.
    """
    lease_s = lease_ms / 1000
    return sent + lease_s - min(MAX_MARGIN_S, lease_s / 10)


class LeaseTable:
    """Held leases by job id. Safe to share between threads."""

    def __init__(self, lease_ms: int) -> None:
        self.lease_ms = lease_ms
        self._lock = threading.Lock()
        self._held: dict[str, Held] = {}

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, leases: Sequence[Lease], sent: float) -> list[tuple[Held, Held | None]]:
        """Add leases claimed at `sent`; return each with an earlier one for the same job, which it proves lost."""
        limit = trusted_until(sent, self.lease_ms)
        entries = [Held(lease, limit) for lease in leases]
        with self._lock:
            earlier = [self._held.get(entry.lease.job.id) for entry in entries]
            self._held.update((entry.lease.job.id, entry) for entry in entries)
        return list(zip(entries, earlier, strict=True))

    def drop(self, leases: Iterable[Lease]) -> None:
        """Forget leases, except those of jobs that have been claimed anew since."""
        with self._lock:
            for lease in leases:
                held = self._held.get(lease.job.id)
                if held is not None and held.lease.token == lease.token:
                    del self._held[lease.job.id]

    def snapshot(self) -> list[Held]:
        """Return all held leases."""
        with self._lock:
            return list(self._held.values())

    def renew(self, held: Held, sent: float) -> None:
        """Trust a lease longer: the store extended it after a call sent at `sent`."""
        held.trusted_until = max(held.trusted_until, trusted_until(sent, self.lease_ms))

    def untrusted(self) -> list[Held]:
        """Return the leases whose trust limit has passed."""
        now = time.monotonic()
        return [held for held in self.snapshot() if now > held.trusted_until]
