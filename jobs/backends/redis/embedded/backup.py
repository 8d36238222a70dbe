"""A copy of everything that a running embedded store holds, as of one moment, and the way back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import redis

from jobs.backends.redis.embedded import directory
from jobs.backends.redis.embedded.address import locate
from jobs.backends.redis.embedded.admin import Admin
from jobs.backends.redis.embedded.errors import StoreFailed
from jobs.backends.redis.embedded.lock import FileLock

_LOOK_EVERY_S = 0.1
_LIMIT_S = 3600.0


def take_snapshot(data_dir: Path, target: Path, tell: Callable[[float], None]) -> None:
    """Write the store's content into `target`; the store goes on serving meanwhile.

    `tell` gets the share that is written, 0–1, now and then. Raises StoreFailed, also while no store runs there.
    """
    lock = FileLock(data_dir / directory.BACKUP_LOCK)
    if not lock.try_acquire():
        raise StoreFailed("Another backup is being made: wait for its end.", code="store_backup")
    try:
        with closing(Admin(locate(data_dir).admin_url)) as admin:
            _save(admin, tell)
        # It must not stay: beside a damaged append-only file it would be an old truth.
        (data_dir / directory.DUMP).rename(target)
    except (redis.RedisError, OSError) as error:
        raise StoreFailed(f"The store could not be copied: {error}.", code="store_backup") from error
    finally:
        lock.release()


def _save(admin: Admin, tell: Callable[[float], None]) -> None:
    dump = admin.save()
    give_up_at = time.monotonic() + _LIMIT_S
    while (progress := admin.save_progress(dump)) is not None:
        tell(progress)
        if time.monotonic() > give_up_at:
            raise StoreFailed("The store takes too long to write its copy.", code="store_backup")
        time.sleep(_LOOK_EVERY_S)


def put_back(snapshot: Path, data_dir: Path) -> None:
    """Make a copy the content of a data directory in which no store runs and none has left anything.

    No store starts there until `finish_restore`; an unfinished restore may be begun anew. Raises StoreLocked,
    DataDirUnusable, or StoreFailed where jobs are stored already.
    """
    directory.prepare(data_dir)
    with ExitStack() as held:
        for name in (directory.LOCK, directory.SERVER_LOCK):
            lock = FileLock(data_dir / name)
            lock.acquire()
            held.callback(lock.release)
        _require_empty(data_dir)
        with directory.disk_errors(data_dir):
            directory.write_private(data_dir / directory.RESTORING, "")
            snapshot.rename(data_dir / directory.DUMP)


def is_unfinished(data_dir: Path) -> bool:
    """Tell whether a restore into this directory ended in the middle."""
    return (data_dir / directory.RESTORING).exists()


def finish_restore(data_dir: Path) -> None:
    """Let a store start: all that was restored is in its place, and on disk before the mark is gone."""
    with directory.disk_errors(data_dir):
        fd = os.open(data_dir, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        (data_dir / directory.RESTORING).unlink(missing_ok=True)


def _require_empty(data_dir: Path) -> None:
    # What an unfinished restore has left no store has ever read.
    names = (directory.AOF_DIR, directory.OLD_AOF) + (() if is_unfinished(data_dir) else (directory.DUMP,))
    for name in names:
        if (data_dir / name).exists():
            raise StoreFailed(
                f"{data_dir} holds jobs already ({name}): move it away, or restore into another directory.",
                code="store_not_empty",
            )
