"""What a store is asked about a namespace as a whole: what it may have, and that it go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from jobs.backends.call import Call
from jobs.domain.quota import OwnRetention, Quota, TenantUse


@dataclass(frozen=True, slots=True)
class Drained:
    """How many jobs one step removed, and whether anything is left."""

    jobs: int
    more: bool


class Tenants(Protocol):
    """One namespace. Each shard keeps its part of the rules: one shard is exact."""

    def use(self) -> Call[TenantUse]:
        """Return the rules and what counts against them."""

    def set_quota(self, quota: Quota) -> Call[None]:
        """Allow so much from now on. What is there already stays."""

    def set_retention(self, retention: OwnRetention) -> Call[None]:
        """Keep what has ended so long from now on."""

    def set_weight(self, weight: int) -> Call[None]:
        """Let it have so many turns at workers that serve several, for one of a namespace of weight 1."""

    def drain(self, limit: int) -> Call[Drained]:
        """Remove up to `limit` jobs of each shard and, when none is left, all else but what ends by itself in a day."""
