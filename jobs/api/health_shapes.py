"""Health as the API shows it: the status to everybody, the rest to those who may know."""

from __future__ import annotations

import msgspec

from jobs.services.health import Health


class StatusShape(msgspec.Struct, frozen=True):
    """Just the status."""

    status: str


class StoreShape(msgspec.Struct, frozen=True, kw_only=True):
    """The store, sizes in bytes; `max_bytes` 0 is no limit."""

    ok: bool
    detail: str
    latency_ms: float
    version: str
    used_bytes: int
    max_bytes: int
    aof_ok: bool
    uptime_s: int


class DatabaseShape(msgspec.Struct, frozen=True):
    """Django's database."""

    ok: bool
    detail: str
    latency_ms: float


class HealthShape(msgspec.Struct, frozen=True, kw_only=True):
    """`ok`, `degraded` (jobs flow, something else does not) or `unavailable`.

    Everything but the status is there for authenticated and local callers only. `loops` holds the seconds since each
    background loop last got something right; where they run apart, `apart`: for how long they are late.
    """

    status: str
    version: str | msgspec.UnsetType = msgspec.UNSET
    store: StoreShape | msgspec.UnsetType = msgspec.UNSET
    database: DatabaseShape | msgspec.UnsetType = msgspec.UNSET
    loops: dict[str, float] | msgspec.UnsetType = msgspec.UNSET


def health_shape(health: Health, *, with_details: bool) -> HealthShape:
    """Return the health as far as the caller may know it."""
    if not with_details:
        return HealthShape(status=health.status)
    store, database = health.store, health.database
    return HealthShape(
        status=health.status,
        version=health.version,
        store=StoreShape(
            ok=store.ok,
            detail=store.detail,
            latency_ms=round(store.latency_ms, 3),
            version=store.version,
            used_bytes=store.used_bytes,
            max_bytes=store.max_bytes,
            aof_ok=store.aof_ok,
            uptime_s=store.uptime_s,
        ),
        database=DatabaseShape(database.ok, database.detail, round(database.latency_ms, 3)),
        loops={name: round(age_s, 1) for name, age_s in health.loops.items()},
    )
