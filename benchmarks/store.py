"""The stores of a run: a plain server without persistence for peers, an embedded or a durable one for IronForge."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import redis

from benchmarks.process import Unfit, cpu_of, free_port, running, wait_until
from jobs.backends.redis.embedded.server import EmbeddedStore

Durability = Literal["none", "everysec", "always"]
START_S = 15.0
_STRETCH = re.compile(r"calls=(\d+),usec=(\d+)")


@dataclass(frozen=True, slots=True)
class Store:
    """A running server, with a client that may do everything."""

    label: str  # "redis 7.0.15, no persistence"
    url: str
    pid: int
    client: redis.Redis

    def cpu_us(self) -> float:
        """Return the processor time that the server has used, in microseconds."""
        usage: dict[str, Any] = self.client.info("cpu")
        return (float(usage["used_cpu_user"]) + float(usage["used_cpu_sys"])) * 1_000_000

    def script_us(self) -> tuple[int, float]:
        """Return how many scripts have run so far, and their time in microseconds."""
        calls, used = 0, 0.0
        for name in ("evalsha", "eval", "fcall"):
            found: Mapping[str, Any] = self.client.info("commandstats").get(f"cmdstat_{name}", {})
            calls, used = calls + int(found.get("calls", 0)), used + float(found.get("usec", 0))
        return calls, used

    def used_bytes(self) -> int:
        """Return the memory that the data and its overhead take."""
        return int(self.client.info("memory")["used_memory"])

    def process_cpu_s(self) -> float:
        """Return the same as `cpu_us` by the kernel's account, for a server that hides INFO."""
        return cpu_of(self.pid)


def redis_binary() -> str | None:
    """Return the system's Redis server, None if there is none."""
    return shutil.which("redis-server")


def label_of(binary: str) -> str:
    """Return product and version of a server binary, such as `redis 7.0.15`."""
    told = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    found = re.search(r"(?i)\b(redis|valkey) server v=([\d.]+)", told)
    if not found:
        raise Unfit(f"{binary} is no Redis or Valkey server")
    return f"{found[1].lower()} {found[2]}"


@contextlib.contextmanager
def plain_store(binary: str, folder: Path, durability: Durability = "none") -> Iterator[Store]:
    """Run a server on a loopback port; with a durability other than `none` it keeps an append-only file."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    argv = [binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--daemonize", "no"]
    if durability != "none":
        argv += ["--appendonly", "yes", "--appendfsync", durability, "--maxmemory-policy", "noeviction"]
        argv += ["--hash-max-listpack-entries", "64", "--hash-max-listpack-value", "1024"]
    with running(argv, {}, folder / "store.log") as started:
        client = redis.Redis(port=port)
        wait_until(lambda: _answers(client), START_S, [started], "answer of the store")
        kept = "no persistence" if durability == "none" else f"appendfsync {durability}"
        label = f"{label_of(binary)}, {kept}"
        try:
            yield Store(label, f"redis://127.0.0.1:{port}/0", started.process.pid, client)
        finally:
            client.close()


@contextlib.contextmanager
def embedded_store(folder: Path, durability: Durability, *, may_preload: bool = True) -> Iterator[Store]:
    """Run IronForge's own store, as `manage.py ironforge` does."""
    said: list[Mapping[str, object]] = []
    store = EmbeddedStore(
        folder,
        durability="everysec" if durability == "everysec" else "always",
        may_preload=may_preload,
        log=lambda event, fields: said.append(fields) if event == "store.started" else None,
    )
    store.acquire()
    try:
        store.start()
        client = redis.Redis.from_url(store.address.admin_url)
        label = "{server}, {allocator}".format_map(said[0]) if said else "embedded"
        try:
            yield Store(f"{label}, appendfsync {durability}", "", store.pid or 0, client)
        finally:
            client.close()
    finally:
        store.stop()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
