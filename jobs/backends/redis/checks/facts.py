"""What can be known of a store before IronForge trusts it with jobs. Facts only; judge.py draws the conclusions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transport:
    """How this process reaches the store."""

    host: str = ""  # "" for a unix socket
    has_password: bool = True
    is_encrypted: bool = False
    reach: str = "local"  # local (socket or loopback), private, or public


@dataclass(frozen=True, slots=True)
class Settings:
    """The server's own settings; empty strings and zeros where CONFIG is forbidden."""

    is_readable: bool = True
    appendfsync: str = ""
    save: str = ""
    min_replicas_to_write: int = 0
    listpack_value_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Host:
    """The machine, as far as it is this one: measured only for a store with a local data directory."""

    fsync_ms: float | None = None
    disk_free_bytes: int | None = None
    memory_available_bytes: int | None = None
    open_files_limit: int | None = None
    overcommit_memory: int | None = None


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """One node of the store, as it was found."""

    product: str  # "redis" or "valkey"
    version: tuple[int, int, int]
    mode: str  # standalone, sentinel or cluster, as the server calls it
    run_id: str = ""
    role: str = "master"
    is_loading: bool = False
    connected_replicas: int = 0
    maxclients: int = 10_000
    maxmemory_bytes: int = 0
    used_memory_bytes: int = 0
    policy: str = "noeviction"
    has_append_only: bool = True
    last_append_ok: bool = True
    last_dump_ok: bool = True
    delayed_fsyncs: int = 0
    append_only_bytes: int = 0
    clock_ahead_s: float = 0.0  # the store's clock minus ours
    round_trip_ms: float = 0.0  # median of 20
    schema: int = 0  # 0 when the store is new
    has_foreign_keys: bool = False
    settings: Settings = Settings()
    transport: Transport = Transport()
    host: Host = Host()

    @property
    def has_persistence(self) -> bool:
        """Tell whether anything reaches a disk, as far as can be seen."""
        return self.has_append_only or bool(self.settings.save)

    @property
    def has_waitaof(self) -> bool:
        """Tell whether a client can wait for the append-only file (WAITAOF came with 7.2 in both products)."""
        return self.version >= (7, 2, 0)
