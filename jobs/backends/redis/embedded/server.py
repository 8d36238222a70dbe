"""The embedded store: a private Valkey or Redis that runs as a child process and outlives a killed supervisor.

One process at a time supervises a data directory (`lock`); the server itself holds `server.lock` as long as it lives,
so that a second server never opens the same files, whoever started the first.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from jobs.backends.redis.embedded import directory, migration
from jobs.backends.redis.embedded.address import (
    StoreAddress,
    address_of,
    change_port,
    is_port_free,
    locate,
    read_credentials,
)
from jobs.backends.redis.embedded.admin import Admin, Pulse
from jobs.backends.redis.embedded.allocator import command_with, preloaded
from jobs.backends.redis.embedded.binary import StoreBinary, find_binary
from jobs.backends.redis.embedded.configuration import Configuration, Durability, acl_text
from jobs.backends.redis.embedded.errors import StartCancelled, StoreFailed
from jobs.backends.redis.embedded.lock import FileLock
from jobs.backends.redis.embedded.log_tail import explain_exit, log_size, rotate
from jobs.backends.redis.embedded.memory import memory_total_bytes
from jobs.backends.redis.embedded.process import AdoptedProcess, OwnProcess, ServerProcess
from jobs.backends.redis.embedded.shutdown import LOOK_EVERY_S, Log, end_server

PROGRESS_EVERY_S = 2.0


class EmbeddedStore:
    """Runs the server of one data directory. Not for use from several threads at once."""

    def __init__(
        self,
        data_dir: Path,
        *,
        durability: Durability = "always",
        binary: str | None = None,
        maxmemory_bytes: int | None = None,
        may_preload: bool = True,
        log: Log,
    ) -> None:
        self._dir = Path(os.path.abspath(data_dir))  # noqa: PTH100 - see directory.prepare
        self._durability: Durability = durability
        self._binary_setting = binary
        self._maxmemory_bytes = maxmemory_bytes or memory_total_bytes() // 2
        self._may_preload = may_preload
        self._log = log
        self._lock = FileLock(self._dir / directory.LOCK)
        self._server_lock = FileLock(self._dir / directory.SERVER_LOCK)
        self._process: ServerProcess | None = None
        self._log_start = 0
        self._exit: StoreFailed | None = None
        self._cancelled = threading.Event()

    locate = staticmethod(locate)

    @property
    def pid(self) -> int | None:
        """The server's process number, None if it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def address(self) -> StoreAddress:
        """Where the server listens."""
        return address_of(self._dir, read_credentials(self._dir))

    def acquire(self) -> None:
        """Become the one supervisor of the data directory. Raises StoreLocked, DataDirUnusable."""
        directory.prepare(self._dir)
        self._lock.acquire()

    def start(self, cancelled: threading.Event | None = None) -> None:
        """Start the server, or adopt the one that runs, and return when it answers; loading may take any time.

        Raises StoreFailed, BinaryMissing, DataDirUnusable; StartCancelled once `cancelled` is set.
        """
        self._cancelled = cancelled or threading.Event()
        self.acquire()
        directory.require_whole(self._dir)
        with directory.disk_errors(self._dir):
            binary = find_binary(self._binary_setting)
            self._write_acl()
            rotate(self._dir / directory.LOG)
            if self._adopt():
                return
            loaded = self._migrate(binary) if migration.is_needed(self._dir) else None
            found = self._launch(binary)
            if loaded is not None:
                self._confirm(loaded, found)
        library = self._library(binary)
        allocator = library.name if library else binary.allocator
        self._log("store.started", {**self._facts(), "server": binary.label, "allocator": allocator})

    def poll(self) -> StoreFailed | None:
        """Return None while the server runs; then why it ended. Does not block."""
        if self._process is None:
            return self._exit or StoreFailed("The store was not started.")
        status = self._process.poll()
        if status is None:
            return None
        if self._exit is None:
            self._exit = explain_exit(self._dir / directory.LOG, self._log_start, status)
        return self._exit

    def restart(self, cancelled: threading.Event | None = None) -> None:
        """Start the server again after it ended; the caller waits between attempts. Raises as `start` does."""
        ended = self.poll()
        if ended is None:
            return
        if self._process is not None:
            # Known to be dead; a rewrite that it had begun may keep the lock, but writes a file nobody will read.
            self._process = None
            self._server_lock.replace()
        if ended.code == "storage_full":
            with directory.disk_errors(self._dir):
                directory.probe(self._dir)
        self.start(cancelled)

    def stop(self) -> None:
        """Let the server flush and end, wait for it, then give up the data directory."""
        try:
            if self._end():
                self._log("store.stopped", {})
        finally:
            self._process = None
            self._server_lock.release()
            self._lock.release()

    def _adopt(self) -> bool:
        """Take over a running server; False when none runs, and then this process holds the server's lock."""
        started = said = time.monotonic()
        while not self._server_lock.try_acquire():
            pulse = self._pulse_of_ours()
            if pulse is not None:
                self._watch(pulse.pid)
                self._await_ready()
                self._align()
                self._log("store.adopted", self._facts())
                return True
            if time.monotonic() - said >= PROGRESS_EVERY_S:
                said = time.monotonic()
                self._log("store.waiting", {"for": "an earlier server that ends", "seconds": round(said - started)})
            self._pause()
        return False

    def _pulse_of_ours(self) -> Pulse | None:
        with self._admin() as admin:
            try:
                pulse = admin.pulse()
                if Path(admin.setting("aclfile")).name == migration.MIGRATION_ACL:
                    admin.shut_down()  # an interrupted migration; it is done again from the dump
                    return None
            except redis.AuthenticationError as error:
                raise StoreFailed(
                    "A server with other passwords runs on this data directory; stop it first.", retryable=False
                ) from error
            except redis.RedisError:
                return None
        return pulse

    def _watch(self, pid: int) -> None:
        try:
            self._process = AdoptedProcess(pid)
        except ProcessLookupError as error:
            raise StoreFailed(
                f"The store of this directory runs as process {pid} in another container; stop it first."
            ) from error
        self._exit = None
        self._log_start = log_size(self._dir / directory.LOG)

    def _align(self) -> None:
        """Bring the settings of a server that was started by someone else up to ours."""
        with self._admin() as admin:
            try:
                admin.change_setting("appendfsync", self._durability)
                admin.change_setting("maxmemory", str(self._maxmemory_bytes))
                admin.reload_acl()
            except redis.RedisError as error:
                raise StoreFailed(f"The running store refuses our settings: {error}") from error

    def _launch(self, binary: StoreBinary, *, append_only: bool = True) -> Pulse:
        address = self._free_address()
        if address.socket_path:
            Path(address.socket_path).unlink(missing_ok=True)
        (self._dir / directory.PID).unlink(missing_ok=True)
        configuration = Configuration(
            data_dir=self._dir,
            socket_path=address.socket_path,
            port=address.port,
            durability=self._durability,
            maxmemory_bytes=self._maxmemory_bytes,
            append_only=append_only,
        ).text()
        if not append_only:
            configuration += f'aclfile "{migration.MIGRATION_ACL}"\n'
        path = self._dir / directory.CONFIGURATION
        directory.write_private(path, configuration)
        log = self._dir / directory.LOG
        self._log_start, self._exit = log_size(log), None
        if not self._server_lock.is_held and not self._server_lock.try_acquire():
            raise StoreFailed("An earlier server still holds the data directory.")
        command = command_with(self._library(binary), [binary.path, str(path)])
        self._process = OwnProcess(command, self._dir, log, self._server_lock.fileno())
        self._server_lock.release()  # from here on only the server holds it
        return self._await_ready()

    def _library(self, binary: StoreBinary) -> Path | None:
        return preloaded(binary) if self._may_preload else None

    def _free_address(self) -> StoreAddress:
        credentials = read_credentials(self._dir)
        address = address_of(self._dir, credentials)
        if address.port and not is_port_free(address.port):
            credentials = change_port(self._dir, credentials)
        return address_of(self._dir, credentials)

    def _migrate(self, binary: StoreBinary) -> Pulse:
        self._log("store.migrating", {"from": directory.DUMP})
        admin_line = acl_text(read_credentials(self._dir)).splitlines()[-1]
        directory.write_private(
            self._dir / migration.MIGRATION_ACL, f"user default off resetpass resetkeys -@all\n{admin_line}\n"
        )
        try:
            self._launch(binary, append_only=False)
            with self._admin() as admin:
                return migration.write_append_only(admin, self._wait_while_it_runs)
        except redis.RedisError as error:
            raise StoreFailed(f"The old dump could not be taken over: {error}", code="store_migration") from error
        finally:
            self._end()

    def _confirm(self, loaded: Pulse, found: Pulse) -> None:
        try:
            kept = migration.confirm(self._dir, loaded, found)
        except StoreFailed:
            self._end()
            migration.reject(self._dir)
            raise
        self._log("store.migrated", {"keys": found.keys, "dump": str(kept)})

    def _wait_while_it_runs(self) -> None:
        if (ended := self.poll()) is not None:
            raise ended
        self._pause()

    def _end(self) -> bool:
        """End the server if it runs; False if it does not."""
        if self._process is None or self._process.poll() is not None:
            return False
        end_server(self._process, self.address.admin_url, self._log)
        return True

    def _await_ready(self) -> Pulse:
        said = time.monotonic()
        with self._admin() as admin:
            while True:
                pulse = self._try_pulse(admin)
                if pulse is not None and not pulse.is_loading:
                    return pulse
                if time.monotonic() - said >= PROGRESS_EVERY_S:
                    said = time.monotonic()
                    self._log("store.loading", {"percent": round(pulse.loaded_percent, 1) if pulse else 0.0})
                self._wait_while_it_runs()

    def _try_pulse(self, admin: Admin) -> Pulse | None:
        try:
            return admin.pulse()
        except redis.RedisError:
            return None

    def _write_acl(self) -> None:
        directory.write_private(self._dir / directory.ACL, acl_text(read_credentials(self._dir)))

    def _facts(self) -> dict[str, object]:
        return {"pid": self.pid, "place": self.address.place, "durability": self._durability}

    def _pause(self) -> None:
        if self._cancelled.wait(LOOK_EVERY_S):
            raise StartCancelled("The start of the store was cancelled.")

    @contextmanager
    def _admin(self) -> Iterator[Admin]:
        admin = Admin(self.address.admin_url)
        try:
            yield admin
        finally:
            admin.close()
