"""How the store is, as it tells of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """How the store is. Sizes in bytes; `policy` is what it does when its memory is full.

    `fsync` is how often its append-only file is forced to disk (`always`, `everysec`, `no`), `has_snapshots` whether it
    saves them by itself: "" and None where its configuration may not be read. `snapshot_at` is its last one (Unix s),
    0: none since it started.
    """

    ok: bool
    detail: str
    latency_ms: float = 0.0
    version: str = ""
    used_bytes: int = 0
    max_bytes: int = 0
    aof_ok: bool = True
    uptime_s: int = 0
    policy: str = ""
    has_append_only: bool = False
    append_only_bytes: int = 0
    is_rewriting: bool = False
    fsync: str = ""
    has_snapshots: bool | None = None
    snapshot_at: int = 0
    snapshot_ok: bool = True

    @property
    def may_evict(self) -> bool:
        """Tell whether it throws jobs away when its memory is full."""
        return self.policy not in ("", "noeviction")

    @property
    def may_lose(self) -> bool:
        """Tell whether accepted jobs may be lost with it: nothing reaches its disk, or nobody knows when."""
        return self.ok and (not self.has_append_only or self.fsync == "no")
