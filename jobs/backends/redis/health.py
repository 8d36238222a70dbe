"""Reads how the store is: what INFO tells, and now and then its configuration, where that may be read."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import redis

from jobs.backends.redis.checks.collector import settings_of
from jobs.backends.redis.checks.facts import Settings
from jobs.backends.redis.connection import Client, translated_faults
from jobs.backends.store_health import StoreHealth
from jobs.domain.errors import BackendUnavailable

_KEPT_S = 30.0


class SettingsReader:
    """The server's own settings, looked at anew after a while. Safe to share between threads."""

    def __init__(self, connected: Callable[[], Client], clock: Callable[[], float] = time.monotonic) -> None:
        self._connected = connected
        self._client: Client | None = None
        self._clock = clock
        self._kept: tuple[float, Settings] = (-_KEPT_S, Settings(is_readable=False))

    def now(self) -> Settings:
        """Return them; unreadable ones where the store does not say."""
        read_at, kept = self._kept
        now = self._clock()
        if now - read_at >= _KEPT_S:
            try:
                with translated_faults():
                    # To connect to a Cluster asks it for its nodes, and fails while none of them answers.
                    self._client = self._client or self._connected()
                    kept = settings_of(cast("Callable[..., object]", self._client.execute_command))
            except (BackendUnavailable, redis.RedisError):
                kept = Settings(is_readable=False)
            self._kept = (now, kept)
        return kept


def health_of(
    memory: Mapping[str, Any], server: Mapping[str, Any], persistence: Mapping[str, Any], settings: Settings
) -> StoreHealth:
    """Return how a store is that answers, by three sections of its INFO; how fast it answered is left open."""
    name = "Valkey" if "valkey_version" in server else "Redis"
    uptime_s, saved_at = int(server.get("uptime_in_seconds", 0)), int(persistence.get("rdb_last_save_time", 0))
    started_at = int(server.get("server_time_usec", 0)) // 1_000_000 - uptime_s
    return StoreHealth(
        ok=True,
        detail="The store answers.",
        version=f"{name} {server.get('valkey_version') or server.get('redis_version', '')}",
        used_bytes=int(memory.get("used_memory", 0)),
        max_bytes=int(memory.get("maxmemory", 0)),
        aof_ok=persistence.get("aof_last_write_status", "ok") == "ok",
        uptime_s=uptime_s,
        policy=str(memory.get("maxmemory_policy", "")),
        has_append_only=int(persistence.get("aof_enabled", 0)) == 1,
        append_only_bytes=int(persistence.get("aof_current_size", 0)),
        is_rewriting=int(persistence.get("aof_rewrite_in_progress", 0)) == 1,
        fsync=settings.appendfsync,
        has_snapshots=bool(settings.save) if settings.is_readable else None,
        # A server that has saved none tells when it started.
        snapshot_at=saved_at if saved_at > started_at + 1 else 0,
        snapshot_ok=persistence.get("rdb_last_bgsave_status", "ok") == "ok",
    )
