"""What only the owner of the embedded store does: run it, copy it, put a copy back. No worker loads this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from jobs.backends.redis.embedded.backup import put_back, take_snapshot
from jobs.backends.redis.embedded.errors import StoreFailed
from jobs.backends.redis.embedded.server import EmbeddedStore
from jobs.backends.redis.schema import SCHEMA
from jobs.conf import conf


def embedded_store(log: Callable[[str, Mapping[str, object]], None]) -> EmbeddedStore | None:
    """Return the store that this process would own, not started; None when an external one is configured."""
    settings = conf()
    if not settings.is_embedded:
        return None
    return EmbeddedStore(
        settings.data_dir,
        durability="everysec" if settings.durability == "everysec" else "always",
        binary=str(settings.store_binary) if settings.store_binary else None,
        maxmemory_bytes=settings.store_maxmemory_bytes or None,
        may_preload=settings.may_preload,
        log=log,
    )


def save_store(target: Path, tell: Callable[[float], None]) -> int:
    """Write what the embedded store holds into `target`; `tell` gets the share done. Return the layout's number.

    Raises StoreFailed.
    """
    take_snapshot(conf().data_dir, target, tell)
    return SCHEMA


def put_store_back(snapshot: Path, schema: int) -> None:
    """Make a copy the content of the embedded store, for its next start. Raises StoreError."""
    if schema > SCHEMA:
        raise StoreFailed(f"The copy has layout {schema}; this version reads up to {SCHEMA}.", code="store_newer_data")
    put_back(snapshot, conf().data_dir)
