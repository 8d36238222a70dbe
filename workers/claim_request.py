"""The claims of a worker on one shard: what they have in common, and each one by itself."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.backends.base import ClaimManner, Consumer
from jobs.backends.call import Call
from jobs.domain.lease import Claim
from workers.queue_order import QueueOrder


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """One claim, sent again as it is until it is answered. `sent` is monotonic, of the first sending."""

    seq: int
    token: str
    limit: int
    sent: float
    manner: ClaimManner = "now"


@dataclass(frozen=True, slots=True)
class ClaimTerms:
    """Who claims what for how long."""

    consumer: Consumer
    worker_id: str
    order: QueueOrder
    lease_ms: int

    def call(self, request: ClaimRequest) -> Call[Claim]:
        """Return the call of a claim."""
        return self.consumer.claim(
            self.order.next(),
            self.worker_id,
            seq=request.seq,
            token=request.token,
            limit=request.limit,
            lease_ms=self.lease_ms,
            manner=request.manner,
        )
