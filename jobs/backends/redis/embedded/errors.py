"""What can stop the embedded store from running; each text is one line that says what to do.

IronForgeError
└── StoreError             the embedded store cannot run
    ├── StoreLocked        another process supervises this data directory
    ├── BinaryMissing      no usable server binary was found
    ├── DataDirUnusable    the data directory cannot hold the store safely
    ├── StartCancelled     the caller gave up waiting
    └── StoreFailed        the server ended, or refuses to start; `retryable` tells whether trying again can help
"""

from __future__ import annotations

from jobs.domain.errors import IronForgeError


class StoreError(IronForgeError):
    """The embedded store cannot run."""

    code = "store_error"


class StoreLocked(StoreError):
    """Another process holds the data directory; `pid` is that process, 0 when it left no number."""

    code = "store_locked"

    def __init__(self, pid: int) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(f"The data directory is in use: {who} already runs the store there.")
        self.pid = pid


class BinaryMissing(StoreError):
    """There is no server binary that IronForge can use."""

    code = "store_binary_missing"


class DataDirUnusable(StoreError):
    """The data directory is not writable, not ours, or open to others."""

    code = "store_data_dir"


class StartCancelled(StoreError):
    """The caller's event was set before the store was ready."""

    code = "store_start_cancelled"


class StoreFailed(StoreError):
    """The server process ended or cannot start.

    codes: `storage_full`, `store_killed`, `store_newer_data`, `store_damaged_data`, `store_out_of_memory`,
    `store_bad_configuration`, `store_exited`, `store_migration`.
    """

    code = "store_exited"

    def __init__(self, detail: str, *, code: str | None = None, retryable: bool = True) -> None:
        super().__init__(detail, code=code)
        self.retryable = retryable
