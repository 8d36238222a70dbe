"""The leases that this process holds, and until when it may trust each; shared by the loop and the heartbeat thread."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from jobs.domain.lease import Lease
from workers.context import StopMark

MAX_MARGIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Held:
    """A lease and the mark that its handler looks at."""

    lease: Lease
    stop: StopMark


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

    def hold(self, lease: Lease, sent: float) -> Held | None:
        """Add a lease claimed at `sent`; return an earlier one for the same job, which this one proves lost."""
        held = Held(lease, StopMark(trusted_until(sent, self.lease_ms)))
        with self._lock:
            earlier = self._held.get(lease.job.id)
            self._held[lease.job.id] = held
        return earlier

    def get(self, lease: Lease) -> Held | None:
        """Return the entry of exactly this attempt."""
        held = self._held.get(lease.job.id)
        return held if held is not None and held.lease.token == lease.token else None

    def drop(self, job_id: str, token: str) -> None:
        """Forget a lease, unless the job has been claimed anew since."""
        with self._lock:
            held = self._held.get(job_id)
            if held is not None and held.lease.token == token:
                del self._held[job_id]

    def snapshot(self) -> list[Held]:
        """Return all held leases."""
        with self._lock:
            return list(self._held.values())

    def renew(self, held: Held, sent: float) -> None:
        """Trust a lease longer: the store extended it after a call sent at `sent`."""
        held.stop.trusted_until = max(held.stop.trusted_until, trusted_until(sent, self.lease_ms))

    def untrusted(self) -> list[Held]:
        """Return the leases whose trust limit has passed."""
        now = time.monotonic()
        return [held for held in self.snapshot() if now > held.stop.trusted_until]
