"""Looks at a store and this machine and writes down the facts. Changes nothing; at most one page of keys is seen."""

from __future__ import annotations

import ipaddress
import os
import resource
import shutil
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import redis

from jobs.backends.redis.checks.facts import Host, Settings, StoreFacts, Transport

SCHEMA_KEY = "ironforge:{meta}:schema"
OWN_PREFIX = b"ironforge:"
PINGS = 20
FSYNCS = 5
_PAGE = 200


def collect(client: redis.Redis, *, local_dir: Path | None = None, open_files_limit: int | None = None) -> StoreFacts:
    """Return the facts of the node that `client` talks to; `local_dir` is its data directory if that is here.

    The embedded store needs its admin user. Raises redis.RedisError when the store does not answer.
    """
    call = cast("Callable[..., object]", client.execute_command)
    info = _Info(cast("Mapping[str, object]", call("INFO", "everything")))
    product = "valkey" if info.text("valkey_version") else "redis"
    ahead_s = _clock_ahead_s(call)
    return StoreFacts(
        product=product,
        version=_version(info.text("valkey_version") or info.text("redis_version")),
        mode=info.text("redis_mode") or info.text("server_mode") or "standalone",
        run_id=info.text("run_id"),
        role=info.text("role"),
        is_loading=info.number("loading") == 1,
        connected_replicas=info.number("connected_slaves"),
        maxclients=info.number("maxclients"),
        maxmemory_bytes=info.number("maxmemory"),
        used_memory_bytes=info.number("used_memory"),
        policy=info.text("maxmemory_policy"),
        has_append_only=info.number("aof_enabled") == 1,
        last_append_ok=info.text("aof_last_write_status") in ("", "ok"),
        last_dump_ok=info.text("rdb_last_bgsave_status") in ("", "ok"),
        delayed_fsyncs=info.number("aof_delayed_fsync"),
        append_only_bytes=info.number("aof_current_size"),
        clock_ahead_s=ahead_s,
        round_trip_ms=_round_trip_ms(call),
        schema=_schema(call),
        has_foreign_keys=_has_foreign_keys(call),
        settings=settings_of(call),
        transport=transport_of(client),
        host=_host(local_dir, open_files_limit) if local_dir else Host(),
    )


def settings_of(call: Callable[..., object]) -> Settings:
    """Return the server's own settings. Raises redis.RedisError when the store does not answer."""
    names = ("appendfsync", "save", "min-replicas-to-write", "hash-max-listpack-value")
    try:
        answer = cast("Mapping[object, object]", call("CONFIG GET", *names))
    except redis.ResponseError:
        return Settings(is_readable=False)
    found = {_text(name): _text(value) for name, value in answer.items()}
    minimum, longest = found.get("min-replicas-to-write", "0"), found.get("hash-max-listpack-value", "0")
    return Settings(
        appendfsync=found.get("appendfsync", ""),
        save=found.get("save", ""),
        min_replicas_to_write=int(minimum) if minimum.isdigit() else 0,
        listpack_value_bytes=int(longest) if longest.isdigit() else 0,
    )


def transport_of(client: redis.Redis) -> Transport:
    """Return how the client reaches its server."""
    pool = client.connection_pool
    known = cast("Mapping[str, object]", pool.connection_kwargs)
    if "path" in known:
        return Transport(has_password=bool(known.get("password")))
    host = str(known.get("host") or "localhost")
    return Transport(
        host=host,
        has_password=bool(known.get("password") or known.get("credential_provider")),
        is_encrypted=issubclass(pool.connection_class, redis.SSLConnection),
        reach=reach_of(host),
    )


def reach_of(host: str) -> str:
    """Return local, private or public: who could reach an address that this host name stands for."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except OSError:
        return "public"
    addresses = [ipaddress.ip_address(text.partition("%")[0]) for text in found]
    if all(address.is_loopback for address in addresses):
        return "local"
    return "private" if not any(address.is_global for address in addresses) else "public"


def fsync_ms(folder: Path) -> float:
    """Return the median time of a small write with fsync in this folder, in milliseconds."""
    with tempfile.TemporaryFile(dir=folder) as file:
        took = []
        for _ in range(FSYNCS):
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


class _Info:
    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = {_text(name): value for name, value in fields.items()}

    def text(self, name: str) -> str:
        return _text(self._fields.get(name, ""))

    def number(self, name: str) -> int:
        value = self._fields.get(name, 0)
        return int(value) if isinstance(value, int | float) else 0


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _version(text: str) -> tuple[int, int, int]:
    numbers = [int(part) if part.isdigit() else 0 for part in text.split(".")[:3]] + [0, 0, 0]
    return numbers[0], numbers[1], numbers[2]


def _clock_ahead_s(call: Callable[..., object]) -> float:
    before = time.time()
    answer = cast("Sequence[int]", call("TIME"))
    after = time.time()
    return answer[0] + answer[1] / 1e6 - (before + after) / 2


def _round_trip_ms(call: Callable[..., object]) -> float:
    took = []
    for _ in range(PINGS):
        began = time.perf_counter()
        call("PING")
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def _schema(call: Callable[..., object]) -> int:
    try:
        value = _text(call("GET", SCHEMA_KEY) or "0")
    except redis.ResponseError:
        # A node of a Cluster that does not own the key answers MOVED; the node that does is asked as well.
        return 0
    return int(value) if value.isdigit() else 0


def _has_foreign_keys(call: Callable[..., object]) -> bool:
    _, keys = cast("tuple[object, Sequence[bytes | str]]", call("SCAN", 0, "COUNT", _PAGE))
    return any(not (key if isinstance(key, bytes) else key.encode()).startswith(OWN_PREFIX) for key in keys)


def _host(local_dir: Path, open_files_limit: int | None) -> Host:
    return Host(
        fsync_ms=fsync_ms(local_dir),
        disk_free_bytes=shutil.disk_usage(local_dir).free,
        memory_available_bytes=_available_memory_bytes(),
        open_files_limit=open_files_limit or resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        overcommit_memory=_read_number(Path("/proc/sys/vm/overcommit_memory")),
    )


def _available_memory_bytes() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else None


def _read_number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
