"""Reads from the server's log why it ended, and keeps that log small."""

from __future__ import annotations

import signal
from pathlib import Path

from jobs.backends.redis.embedded.errors import StoreFailed

ROTATE_AT_BYTES = 1024 * 1024
KEPT_LOGS = 4
_TAIL_BYTES = 64 * 1024

# What the server writes before it gives up → code, text for people, whether a new start can help.
_REASONS = (
    (("No space left on device", "Disk quota exceeded", "File too large"), "storage_full",
     "the disk with the data directory is full", True),
    (("Can't handle RDB format version", "Unsupported RDB version"), "store_newer_data",
     "its data was written by a newer server; run that version or a later one", False),
    (("Bad file format reading the append only file", "Wrong signature trying to load DB", "Bad file format",
      "Error reading the RDB file", "Internal error in RDB reading", "AOF manifest file"), "store_damaged_data",
     "its data files are damaged; restore a backup", False),
    (("Out Of Memory", "Cannot allocate memory"), "store_out_of_memory", "the machine has no memory left", True),
    (("FATAL CONFIG FILE ERROR", "Bad directive", "Unrecognized"), "store_bad_configuration",
     "the server does not accept its configuration", False),
    (("Read-only file system", "Permission denied"), "store_data_dir", "the data directory is not writable", True),
)  # fmt: skip


def log_size(log: Path) -> int:
    """Return where the log ends now, so that what follows can be read later."""
    try:
        return log.stat().st_size
    except OSError:
        return 0


def explain_exit(log: Path, since: int, status: int) -> StoreFailed:
    """Say why the server ended, from its exit status and from what it logged after position `since`."""
    lines = _tail(log, since)
    # The last cause counts: a full disk that was freed again may stand further up.
    for line in reversed(lines):
        for marks, code, text, retryable in _REASONS:
            if any(mark in line for mark in marks):
                return StoreFailed(f"The store ended: {text}.", code=code, retryable=retryable)
    if status == -signal.SIGXFSZ:
        return StoreFailed("The store ended: a file reached the size limit of its user.", code="storage_full")
    if status < 0:
        name = signal.Signals(-status).name
        return StoreFailed(f"The store was killed by {name}.", code="store_killed")
    last = lines[-1][:200] if lines else f"nothing in {log.name}"
    return StoreFailed(f"The store ended with status {status}: {last}")


def rotate(log: Path) -> None:
    """Move a log of more than 1 MiB aside and keep the last four."""
    if log_size(log) <= ROTATE_AT_BYTES:
        return
    for number in range(KEPT_LOGS, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        newer = log.with_name(f"{log.name}.{number - 1}") if number > 1 else log
        if newer.exists():
            newer.replace(older)


def _tail(log: Path, since: int) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(max(since, log_size(log) - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()]
