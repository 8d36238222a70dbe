"""Takes over a data directory that holds only a dump.

Turning the append-only file on over a dump starts empty, so the dump is read first by a server of its own with the
file off, which then writes the file. Only the admin user exists there: no client can write what would not be kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from jobs.backends.redis.embedded import directory
from jobs.backends.redis.embedded.admin import Admin, Pulse
from jobs.backends.redis.embedded.errors import StoreFailed

MIGRATION_ACL = "migration.acl"


def is_needed(data_dir: Path) -> bool:
    """Tell whether the directory holds a dump and no append-only file that is complete."""
    has_log = (data_dir / directory.AOF_MANIFEST).exists() or (data_dir / directory.OLD_AOF).exists()
    return (data_dir / directory.DUMP).exists() and not has_log


def write_append_only(admin: Admin, wait: Callable[[], None]) -> Pulse:
    """Make a server that has loaded the dump write its append-only file; return what the dump held.

    `wait` pauses between two looks and raises if the server ended. Raises StoreFailed.
    """
    loaded = admin.pulse()
    admin.change_setting("appendonly", "yes")
    while (pulse := admin.pulse()).is_rewriting or not pulse.has_append_only:
        if not pulse.is_rewriting and not pulse.is_rewrite_ok:
            break
        wait()
    if not pulse.is_rewrite_ok:
        raise StoreFailed("The old dump could not be rewritten as an append-only file.", code="store_migration")
    return loaded


def confirm(data_dir: Path, loaded: Pulse, found: Pulse) -> Path:
    """Compare what the new file gave with what the dump held, then put the dump aside. Raises StoreFailed."""
    # Only keys with a time to live may have gone in between.
    if found.keys < loaded.keys - loaded.expiring_keys:
        raise StoreFailed(
            f"The old dump held {loaded.keys} keys and the new file {found.keys}; dump.rdb is untouched.",
            code="store_migration",
            retryable=False,
        )
    dump = data_dir / directory.DUMP
    return dump.rename(dump.with_name(f"{dump.name}.migrated-{int(time.time())}"))


def reject(data_dir: Path) -> None:
    """Put an incomplete append-only file aside, so that the next start reads the dump again."""
    wrong = data_dir / directory.AOF_DIR
    wrong.rename(wrong.with_name(f"{wrong.name}.rejected-{time.time_ns()}"))
