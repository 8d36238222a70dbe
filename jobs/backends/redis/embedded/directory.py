"""The data directory of the embedded store: private to its owner, and the names of the files in it."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.backends.redis.embedded.errors import DataDirUnusable, StoreFailed

LOCK = "lock"
SERVER_LOCK = "server.lock"
SOCKET = "redis.sock"
CONFIGURATION = "redis.conf"
ACL = "users.acl"
CREDENTIALS = "credentials.json"
LOG = "redis.log"
PID = "redis.pid"
DUMP = "dump.rdb"
AOF_DIR = "appendonlydir"
AOF_MANIFEST = "appendonlydir/appendonly.aof.manifest"
OLD_AOF = "appendonly.aof"

# A restore is under way, or ended in the middle.
RESTORING = "restore-unfinished"
# Of two backups at once each would take the other's dump.
BACKUP_LOCK = "backup.lock"

PROBE_BYTES = 256 * 1024


def prepare(data_dir: Path) -> Path:
    """Make the directory with mode 0700, or close an existing one to others; return its absolute path.

    Raises DataDirUnusable if it cannot be written or is one that other users share, such as /tmp.
    """
    path = Path(os.path.abspath(data_dir))  # noqa: PTH100 - resolve() would follow a link that may be moved on purpose
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
        _refuse_shared(path, status)
        if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) & 0o077:
            path.chmod(0o700)
    except OSError as error:
        raise DataDirUnusable(f"The data directory {path} cannot be used: {error.strerror}.") from error
    if not os.access(path, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise DataDirUnusable(f"The data directory {path} is not writable.")
    return path


@contextmanager
def disk_errors(data_dir: Path) -> Iterator[None]:
    """Turn what the operating system says of a full or broken directory into StoreFailed and DataDirUnusable."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StoreFailed("The disk with the data directory is full.", code="storage_full") from error
        raise DataDirUnusable(f"The data directory {data_dir} cannot be used: {error}.") from error


def require_whole(data_dir: Path) -> None:
    """Raise DataDirUnusable where a restore ended in the middle: jobs, people and secret would not fit together."""
    if (data_dir / RESTORING).exists():
        raise DataDirUnusable(
            f"A restore into {data_dir} did not end: run ironforge_restore again, which begins it anew."
        )


def probe(data_dir: Path) -> None:
    """Raise OSError unless the disk takes 256 KiB: a server on a full disk would start, and end at the first write."""
    path = data_dir / ".probe"
    try:
        with path.open("wb") as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    finally:
        path.unlink(missing_ok=True)


def write_private(path: Path, text: str) -> None:
    """Replace the file's text in one step, on disk before it is visible, mode 0600."""
    temporary = _temporary(path, text)
    temporary.replace(path)


def create_private(path: Path, text: str) -> bool:
    """Write the file with mode 0600 unless it exists; of many callers at once exactly one gets True."""
    temporary = _temporary(path, text)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def _temporary(path: Path, text: str) -> Path:
    fd, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        Path(name).unlink()
        raise
    return Path(name)


def _refuse_shared(path: Path, status: os.stat_result) -> None:
    if path == path.parent or status.st_mode & (stat.S_IWOTH | stat.S_ISVTX):
        raise DataDirUnusable(f"{path} is shared with other users; give IRONFORGE_DATA_DIR a directory of its own.")
    if status.st_uid not in (os.geteuid(), 0) and os.geteuid() != 0:
        raise DataDirUnusable(f"The data directory {path} belongs to another user.")
